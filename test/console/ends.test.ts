import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { consoleApplications } from '../actors/console-applications.ts'
import { openConsole } from '../actors/console-scene.ts'
import { startAnotherNode } from '../actors/server.ts'

for (const [name, start] of Object.entries(consoleApplications)) {
  describe(`ends from a console on ${name}`, () => {
    test('one session is ended, on all nodes, and whoever did it is written down', async t => {
      const scene = await openConsole(t, start)
      const [one, other] = [scene.client(), scene.client()]
      await one.signIn('alice')
      await other.signIn('alice')
      const sid = await one.sid()
      const admin = await scene.admin()
      const answer = await admin.post('/api/session/end', { sid })
      assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, { ended: 1 }])
      const elsewhere = startAnotherNode(scene)
      assert.equal(await elsewhere.sessions.find(sid), null)
      assert.ok(await elsewhere.sessions.find(await other.sid()))
      assert.deepEqual(scene.watch.acted, [`end-session ${sid} admin`])

      const again = await admin.post('/api/session/end', { sid })
      assert.deepEqual(JSON.parse(again.body), { ended: 0 })
    })

    test('all sessions of a user are ended, and nobody else’s', async t => {
      const scene = await openConsole(t, start)
      await scene.client().signIn('alice')
      await scene.client().signIn('alice')
      await scene.client().signIn('bob')
      const admin = await scene.admin()
      const answer = await admin.post('/api/user/end', { userId: 'alice' })
      assert.deepEqual(JSON.parse(answer.body), { ended: 2 })
      assert.equal((await scene.sessions.list('bob')).length, 1)
      assert.equal((await scene.sessions.list('admin')).length, 1)
      assert.deepEqual(scene.watch.acted, ['end-user alice admin'])
    })

    for (const [how, path, body] of [
      ['one’s own session', '/api/session/end', (sid: string) => ({ sid })],
      ['all of one’s own sessions', '/api/user/end', () => ({ userId: 'admin' })],
    ] as const) {
      test(`ending ${how} is a sign-out: the browser forgets its cookie`, async t => {
        const scene = await openConsole(t, start)
        const admin = await scene.admin()
        const { body: text } = await admin.get(`/api/session?sid=${await admin.sid()}`)
        assert.equal(JSON.parse(text).current, true)
        const answer = await admin.post(path, body(await admin.sid()))
        assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, { ended: 1 }])
        assert.equal(admin.browser.token, null)
        assert.deepEqual(await scene.sessions.list('admin'), [])
        assert.equal((await admin.get('/api/overview')).status, 401)
        assert.ok(!scene.events.some(({ type }) => type === 'token.used-after-end'))
      })
    }
  })
}
