import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { serve } from '@hono/node-server'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import * as expressAdapter from 'latchkey/adapters/express'
import * as fastifyAdapter from 'latchkey/adapters/fastify'
import * as honoAdapter from 'latchkey/adapters/hono'
import * as nodeAdapter from 'latchkey/adapters/node'
import * as webAdapter from 'latchkey/adapters/web'
import type { Bearer } from 'latchkey/bearer'
import { memoryStore } from 'latchkey/stores/memory'
import { type ContractServer, faults, faultyStore } from 'latchkey/testing'
import { startApi } from '../actors/api.ts'
import { servingFetch } from '../actors/fetch-server.ts'
import { listening } from '../actors/listening.ts'

const amr = ['pwd']
const form = 'application/x-www-form-urlencoded'

/** The same three routes with every adapter: sign in, refresh, say who is asking. */
const applications: Record<string, (bearer: Bearer) => Promise<ContractServer>> = {
  express: bearer => {
    const { endpoint, requestFacts, requireBearer } = expressAdapter
    const guard = requireBearer(bearer)
    const app = express()
    app.disable('x-powered-by')
    app.use(express.json(), express.urlencoded({ extended: false }))
    app.post('/token', async (req, res) => void res.json(await bearer.signIn(requestFacts(req, res), 'ada', { amr })))
    app.post('/refresh', endpoint(bearer.endpoints.refresh))
    app.get('/me', guard, (req, res) => void res.json({ user: guard.of(req).userId }))
    app.get('/unguarded', (req, res) => void res.json({ user: guard.of(req).userId }))
    return listening(createServer(app))
  },
  node: bearer => {
    const { endpoint, requestFacts, requireBearer } = nodeAdapter
    const refresh = endpoint(bearer.endpoints.refresh)
    const me = requireBearer(bearer, (_req, res, { userId }) => res.end(JSON.stringify({ user: userId })))
    return listening(
      createServer(async (req: nodeAdapter.NodeRequest, res) => {
        const text = Buffer.concat(await req.toArray()).toString()
        const isForm = req.headers['content-type'] === form
        req.body = text === '' ? undefined : isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text)
        if (req.url === '/refresh') return refresh(req, res)
        if (req.url === '/me') return me(req, res)
        res.end(JSON.stringify(await bearer.signIn(requestFacts(req, res), 'ada', { amr })))
      }),
    )
  },
  fastify: async bearer => {
    const { answerError, endpoint, requestFacts, requireBearer } = fastifyAdapter
    const guard = requireBearer(bearer)
    const app = Fastify()
    app.addContentTypeParser(form, { parseAs: 'string' }, (_request, body, done) =>
      done(null, Object.fromEntries(new URLSearchParams(String(body)))),
    )
    app.setErrorHandler(answerError)
    app.post('/token', async (request, reply) => bearer.signIn(requestFacts(request, reply), 'ada', { amr }))
    app.post('/refresh', endpoint(bearer.endpoints.refresh))
    app.get('/me', { onRequest: guard }, async request => ({ user: guard.of(request).userId }))
    app.get('/unguarded', async request => ({ user: guard.of(request).userId }))
    const origin = await app.listen({ port: 0, host: '127.0.0.1' })
    return { origin, close: () => app.close() }
  },
  hono: async bearer => {
    const app = honoApplication(bearer)
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
    return listening(server as ReturnType<typeof createServer>)
  },
  'hono on plain Requests': bearer => {
    const app = honoApplication(bearer)
    return servingFetch(request => app.fetch(request))
  },
  web: bearer => {
    const { endpoint, requestFacts, requireBearer } = webAdapter
    const refresh = endpoint(bearer.endpoints.refresh)
    const me = requireBearer(bearer, (_request, { userId }) => Response.json({ user: userId }))
    return servingFetch(async request => {
      const { pathname } = new URL(request.url)
      if (pathname === '/token') return Response.json(await bearer.signIn(await requestFacts(request), 'ada', { amr }))
      return pathname === '/refresh' ? refresh(request) : me(request)
    })
  },
}

function honoApplication(bearer: Bearer): Hono {
  const { endpoint, requestFacts, requireBearer } = honoAdapter
  const guard = requireBearer(bearer)
  return new Hono()
    .post('/token', async c => c.json(await bearer.signIn(await requestFacts(c), 'ada', { amr })))
    .post('/refresh', endpoint(bearer.endpoints.refresh))
    .get('/me', guard, c => c.json({ user: guard.of(c).userId }))
    .get('/unguarded', c => c.json({ user: guard.of(c).userId }))
    .onError(error =>
      'getResponse' in error ? (error.getResponse as () => Response)() : new Response(null, { status: 500 }),
    )
}

for (const [name, application] of Object.entries(applications)) {
  describe(`bearer tokens on ${name}`, () => {
    const start = async () => {
      const store = faultyStore(memoryStore())
      const api = startApi({}, { store, trustProxy: 1, storeTimeout: '5s' })
      const { origin, close } = await application(api.bearer)
      const ask = async (path: string, init: RequestInit = {}) => {
        const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.9', ...init.headers }
        const answer = await fetch(origin + path, { ...init, headers })
        return { status: answer.status, headers: answer.headers, body: await answer.text() }
      }
      const post = (path: string, type: string, body: string) =>
        ask(path, { method: 'POST', headers: { 'content-type': type }, body })
      const me = (token: string) => ask('/me', { headers: { authorization: `Bearer ${token}` } })
      const tokens = JSON.parse((await post('/token', 'application/json', '{}')).body)
      return { ...api, store, close, ask, post, me, tokens }
    }

    it('lets a good token through, and refuses every other request with the challenge', async () => {
      const { me, ask, tokens, close } = await start()
      const good = await me(tokens.access_token)
      assert.deepEqual([good.status, JSON.parse(good.body)], [200, { user: 'ada' }])
      const none = await ask('/me')
      assert.deepEqual([none.status, none.headers.get('www-authenticate')], [401, 'Bearer'])
      const bad = await me('a.b.c')
      assert.deepEqual([bad.status, bad.headers.get('www-authenticate')], [401, 'Bearer error="invalid_token"'])
      assert.equal(bad.headers.get('cache-control'), 'no-store')
      assert.equal(bad.headers.get('set-cookie'), null)
      await close()
    })

    it('refreshes by JSON and by form', async () => {
      const { post, me, tokens, close } = await start()
      const body = { refresh_token: tokens.refresh_token }
      const first = await post('/refresh', 'application/json', JSON.stringify(body))
      assert.equal(first.status, 200)
      assert.equal(first.headers.get('cache-control'), 'no-store')
      assert.match(first.headers.get('content-type') ?? '', /^application\/json/)
      const second = JSON.parse(first.body)
      const third = await post(
        '/refresh',
        form,
        new URLSearchParams({ refresh_token: second.refresh_token }).toString(),
      )
      assert.equal((await me(JSON.parse(third.body).access_token)).status, 200)
      const wrong = await post('/refresh', form, 'refresh_token=abc')
      assert.deepEqual([wrong.status, JSON.parse(wrong.body)], [400, { error: 'invalid_grant' }])
      await close()
    })

    it('T17: a store that fails means 503, and nobody is let through', async () => {
      const { me, store, tokens, close } = await start()
      store.disturb(faults.refuses)
      const answer = await me(tokens.access_token)
      assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1'])
      await close()
    })

    if (name !== 'node' && name !== 'web') {
      it('a route without the guard learns nothing', async () => {
        const { ask, tokens, close } = await start()
        const answer = await ask('/unguarded', { headers: { authorization: `Bearer ${tokens.access_token}` } })
        assert.equal(answer.status, 500)
        await close()
      })
    }
  })
}
