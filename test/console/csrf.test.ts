import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apiRoutes } from '../../src/console/routes.ts'
import { consoleApplications } from '../actors/console-applications.ts'
import { openConsole } from '../actors/console-scene.ts'

const posts = Object.keys(apiRoutes).flatMap(route => (route.startsWith('POST ') ? [route.slice(5)] : []))

/** Requests that no page of ours sends. */
const forged: readonly {
  readonly how: string
  readonly headers: (token: string) => Record<string, string>
  readonly body?: string
  readonly status: number
  readonly code: string | null
}[] = [
  {
    how: 'without a token',
    headers: () => ({ 'Content-Type': 'application/json' }),
    status: 403,
    code: 'csrf-token-missing',
  },
  {
    how: 'with the token of another session',
    headers: () => ({ 'Content-Type': 'application/json', 'X-CSRF-Token': 'A'.repeat(64) }),
    status: 403,
    code: 'csrf-token-invalid',
  },
  {
    how: 'from another site, with a token',
    headers: token => ({
      'Content-Type': 'application/json',
      'X-CSRF-Token': token,
      'Sec-Fetch-Site': 'cross-site',
    }),
    status: 403,
    code: null,
  },
  {
    how: 'as text, with a token',
    headers: token => ({ 'Content-Type': 'text/plain', 'X-CSRF-Token': token }),
    status: 415,
    code: 'not-json',
  },
  {
    how: 'as a form, with a token',
    headers: token => ({ 'Content-Type': 'application/x-www-form-urlencoded', 'X-CSRF-Token': token }),
    body: 'sid=AAAAAAAAAAAAAAAAAAAAAA',
    status: 415,
    code: 'not-json',
  },
]

for (const [name, start] of Object.entries(consoleApplications)) {
  describe(`forged requests to a console on ${name}`, () => {
    for (const { how, headers, body, status, code } of forged) {
      test(`${how}, nothing is done`, async t => {
        const scene = await openConsole(t, start)
        const victim = scene.client()
        await victim.signIn('alice')
        const sid = await victim.sid()
        const admin = await scene.admin()
        const { csrfToken } = await admin.overview()
        for (const path of posts) {
          const sent = body ?? JSON.stringify({ sid, userId: 'alice', id: 'a', confirmation: 'c' })
          const answer = await admin.send('POST', path, headers(csrfToken), sent)
          // Fastify says of types it does not know that it does not know them, before anybody else is asked.
          assert.equal(answer.status, status, path)
          if (code !== null && name !== 'fastify') assert.equal(JSON.parse(answer.body).code, code, path)
        }
        assert.ok(await scene.sessions.find(sid))
        assert.deepEqual(scene.watch.acted, [])
      })
    }

    test('the token of the overview is good for what the page sends', async t => {
      const scene = await openConsole(t, start)
      const admin = await scene.admin()
      const { csrfToken } = await admin.overview()
      const answer = await admin.post('/api/user/end', { userId: 'alice' }, { 'X-CSRF-Token': csrfToken })
      assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, { ended: 0 }])
    })
  })
}
