import { createServer } from 'node:http'
import express from 'express'
import session from 'express-session'
import { serve } from '../serve.ts'

// As its README: `resave` and `saveUninitialized` off, secure cookie with `trust proxy`, and for sign-in the README's
// "User login" recipe (regenerate, then save). The store is its own MemoryStore, or the usual one for the database.
const [storeName] = process.argv.slice(2)

async function createStore() {
  switch (storeName) {
    case 'redis': {
      const [{ RedisStore }, { createClient }] = await Promise.all([import('connect-redis'), import('redis')])
      return new RedisStore({ client: await createClient({ url: process.env.BENCH_REDIS }).connect(), prefix: 'es:' })
    }
    case 'postgres': {
      const [{ default: connect }, { default: pg }] = await Promise.all([import('connect-pg-simple'), import('pg')])
      const pool = new pg.Pool({ connectionString: process.env.BENCH_POSTGRES })
      return new (connect(session))({ pool, createTableIfMissing: true })
    }
    default:
      return undefined
  }
}

const app = express()
app.set('trust proxy', 1)
app.use(
  session({
    secret: process.env.BENCH_SECRET,
    store: await createStore(),
    resave: false,
    saveUninitialized: false,
    cookie: { secure: true, httpOnly: true, sameSite: 'lax', maxAge: 15 * 60_000 },
  }),
)

const requireUser = (req, res, next) => (req.session.user ? next() : res.status(401).json({ error: 'not signed in' }))

app.get('/me', requireUser, (req, res) => res.json({ user: req.session.user, count: req.session.count }))
app.post('/count', requireUser, (req, res) => {
  req.session.count += 1
  res.json({ count: req.session.count })
})
app.get('/public', (_req, res) => res.json({ ok: true }))
app.post('/signin', (req, res, next) => {
  req.session.regenerate(error => {
    if (error) return next(error)
    req.session.user = req.query.user
    req.session.count = 0
    req.session.save(error => (error ? next(error) : res.json({ user: req.session.user })))
  })
})

serve(createServer(app))
