import { createServer } from 'node:http'
import express from 'express'
import { sessions as expressSessions, loadSession, requireUser } from 'latchkey/adapters/express'
import { serve } from '../serve.ts'
import { sessions, storeCalls } from './ours.ts'

const app = express()
app.set('trust proxy', 1)
app.use(expressSessions(sessions))
app.get('/me', requireUser(), (req, res) => void res.json({ user: req.session.userId, count: req.session.data.count }))
app.post('/count', requireUser(), async (req, res) => {
  await req.session.update(data => {
    data.count = Number(data.count ?? 0) + 1
  })
  res.json({ count: req.session.data.count })
})
app.get('/public', (_req, res) => void res.json({ ok: true }))
app.post('/signin', loadSession(), async (req, res) => {
  const user = String(req.query.user)
  await req.session.signIn(user, { amr: ['pwd'] })
  req.session.data.count = 0
  res.json({ user, csrf: req.csrfToken() })
})

serve(createServer(app), storeCalls)
