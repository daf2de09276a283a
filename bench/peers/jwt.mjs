import { createServer } from 'node:http'
import { promisify } from 'node:util'
import express from 'express'
import { createSigner, createVerifier } from 'fast-jwt'
import { generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { serve } from '../serve.ts'

// A token that says who it is, and nothing that could end it before its time. `jose ALG`, `fast-jwt` or `fast-jwt cached`.
const [library, variant] = process.argv.slice(2)
const claims = { issuer: 'https://app.example.org', audience: 'https://app.example.org/api' }

async function withJose(algorithm) {
  const secret = new TextEncoder().encode(process.env.BENCH_SECRET)
  const pair = algorithm === 'HS256' ? { privateKey: secret, publicKey: secret } : await generateKeyPair(algorithm)
  return {
    sign: user =>
      new SignJWT({})
        .setProtectedHeader({ alg: algorithm })
        .setSubject(user)
        .setIssuer(claims.issuer)
        .setAudience(claims.audience)
        .setIssuedAt()
        .setExpirationTime('15m')
        .sign(pair.privateKey),
    verify: async token => (await jwtVerify(token, pair.publicKey, { ...claims, algorithms: [algorithm] })).payload.sub,
  }
}

function withFastJwt(cached) {
  const key = process.env.BENCH_SECRET
  const sign = createSigner({
    key: async () => key,
    algorithm: 'HS256',
    iss: claims.issuer,
    aud: claims.audience,
    expiresIn: 900_000,
  })
  const options = { algorithms: ['HS256'], allowedIss: claims.issuer, allowedAud: claims.audience }
  const verify = createVerifier({ key, cache: cached === 'cached', ...options })
  return { sign: promisify((user, done) => sign({ sub: user }, done)), verify: async token => verify(token).sub }
}

const { sign, verify } = library === 'jose' ? await withJose(variant) : withFastJwt(variant)

const app = express()
app.set('trust proxy', 1)
const requireUser = async (req, res, next) => {
  try {
    req.user = await verify(req.headers.authorization?.slice('Bearer '.length) ?? '')
  } catch {
    return res.status(401).json({ error: 'not signed in' })
  }
  next()
}
app.get('/me', requireUser, (req, res) => res.json({ user: req.user, count: 0 }))
app.get('/public', (_req, res) => res.json({ ok: true }))
app.post('/signin', async (req, res) => res.json({ user: req.query.user, access_token: await sign(req.query.user) }))

serve(createServer(app))
