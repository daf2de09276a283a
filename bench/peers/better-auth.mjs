import { createServer } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { fromNodeHeaders, toNodeHandler } from 'better-auth/node'
import { json } from '../json.ts'
import { serve } from '../serve.ts'

// As its installation and Node guides: a SQLite database (here node:sqlite, the driver our own store uses), e-mail and
// password, `getSession` with the request's headers, the counter an additional field of the session that
// `updateSession` changes. WAL because that is how anybody runs SQLite under a server.
const database = new DatabaseSync(join(process.env.BENCH_DATA ?? '.', 'better-auth.db'))
database.exec('PRAGMA journal_mode = WAL')

// With an argument the sessions live in Redis, as its `secondaryStorage`.
const [storage] = process.argv.slice(2)

async function secondaryStorage() {
  if (storage !== 'redis') return {}
  const { createClient } = await import('redis')
  const redis = await createClient({ url: process.env.BENCH_REDIS }).connect()
  return {
    secondaryStorage: {
      get: key => redis.get(`ba:${key}`),
      set: (key, value, ttl) => redis.set(`ba:${key}`, value, ttl ? { expiration: { type: 'EX', value: ttl } } : {}),
      delete: key => redis.del(`ba:${key}`),
    },
  }
}

const auth = betterAuth({
  ...(await secondaryStorage()),
  database,
  secret: process.env.BENCH_SECRET,
  baseURL: 'https://app.example.org',
  emailAndPassword: {
    enabled: true,
    // Only the unmeasured set-up signs anybody up: 200 scrypt hashes a process would be a minute of waiting.
    password: {
      hash: async password => `plain:${password}`,
      verify: async ({ hash, password }) => hash === `plain:${password}`,
    },
  },
  session: { additionalFields: { count: { type: 'number', required: true, defaultValue: 0 } } },
})
await (await getMigrations(auth.options)).runMigrations()
const authRoutes = toNodeHandler(auth)

const server = createServer(async (req, res) => {
  const { method, url } = req
  if (method === 'GET' && url === '/me') {
    const found = await auth.api.getSession({ headers: fromNodeHeaders(req.headers) })
    if (!found) return json(res, 401, { error: 'not signed in' })
    return json(res, 200, { user: found.user.id, count: found.session.count })
  }
  if (method === 'POST' && url === '/count') {
    const headers = fromNodeHeaders(req.headers)
    const found = await auth.api.getSession({ headers })
    if (!found) return json(res, 401, { error: 'not signed in' })
    const { session } = await auth.api.updateSession({ headers, body: { count: found.session.count + 1 } })
    return json(res, 200, { count: session.count })
  }
  if (method === 'GET' && url === '/public') return json(res, 200, { ok: true })
  if (method === 'POST' && url.startsWith('/signin')) {
    const name = new URLSearchParams(url.slice(url.indexOf('?'))).get('user')
    const { headers, response } = await auth.api.signUpEmail({
      body: { name, email: `${name}@example.org`, password: 'correct horse battery staple' },
      returnHeaders: true,
    })
    res.setHeader('set-cookie', headers.getSetCookie())
    return json(res, 200, { user: response.user.id })
  }
  if (url.startsWith('/api/auth/')) return authRoutes(req, res)
  json(res, 404, { error: 'not found' })
})

serve(server)
