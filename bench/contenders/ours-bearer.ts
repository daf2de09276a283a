import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { createSessions } from 'latchkey'
import { requestFacts } from 'latchkey/adapters/node'
import { createBearer } from 'latchkey/bearer'
import { memoryStore } from 'latchkey/stores/memory'
import { json } from '../json.ts'
import { serve } from '../serve.ts'

/*
 * Access tokens as the README shows them, behind a proxy that speaks TLS. `checked`: every request asks the store whether the
 * session lives; `unchecked`: the token lives out its time, as with everybody else here.
 */
const [mode] = process.argv.slice(2)
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })

const sessions = createSessions({
  secrets: [process.env.BENCH_SECRET ?? ''],
  store: memoryStore(),
  trustProxy: 1,
  environment: 'development',
  onEvent: () => {},
})
const bearer = createBearer(sessions, {
  issuer: 'https://app.example.org',
  audience: 'https://app.example.org/api',
  keys: [{ ...key, alg: 'ES256' }],
  checkSession: mode === 'checked',
})

const server = createServer(async (req, res) => {
  const { method, url = '/' } = req
  try {
    if (method === 'GET' && url === '/me') {
      const { userId } = await bearer.authenticate(requestFacts(req, res))
      return json(res, 200, { user: userId, count: 0 })
    }
    if (method === 'GET' && url === '/public') return json(res, 200, { ok: true })
    if (method === 'POST' && url.startsWith('/signin')) {
      const user = new URLSearchParams(url.slice(url.indexOf('?'))).get('user') ?? ''
      const { access_token } = await bearer.signIn(requestFacts(req, res), user, { amr: ['pwd'] })
      return json(res, 200, { user, access_token })
    }
    json(res, 404, { error: 'not found' })
  } catch {
    json(res, 401, { error: 'not signed in' })
  }
})

serve(server)
