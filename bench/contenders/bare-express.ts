import { createServer } from 'node:http'
import express from 'express'
import { serve } from '../serve.ts'

/** The same routes and answers with nothing behind them: what everything on Express is compared with. */
const app = express()
app.set('trust proxy', 1)
app.get('/me', (_req, res) => void res.json({ user: 'user-000', count: 0 }))
app.post('/count', (_req, res) => void res.json({ count: 1 }))
app.get('/public', (_req, res) => void res.json({ ok: true }))
app.post('/signin', (_req, res) => void res.json({ user: 'user-000' }))

serve(createServer(app))
