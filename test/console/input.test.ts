import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dataField } from '../../src/console/input.ts'
import { Declined } from '../../src/console/problem.ts'
import { consoleApplications } from '../actors/console-applications.ts'
import { openConsole } from '../actors/console-scene.ts'

const long = 'x'.repeat(2_000)
const sid = 'A'.repeat(22)

/** Questions that are none. */
const questions = [
  'sessions?limit=0',
  'sessions?limit=201',
  'sessions?limit=1e2',
  'sessions?limit=-1',
  'sessions?limit=10&limit=20',
  'sessions?level=4',
  'sessions?carrier=pigeon',
  'sessions?locked=yes',
  `sessions?text=${'x'.repeat(257)}`,
  `sessions?user=${long}`,
  `sessions?cursor=${long}`,
  'sessions?cursor=nonsense',
  'session',
  'session?sid=',
  'session?sid=short',
  `session?sid=${sid}&sid=${sid}`,
  'session?sid=%3Cscript%3Ealert(1)%3C',
  'user',
  `user?id=${long}`,
  'entries?limit=501',
  'entries?since=-1',
  'entries?since=99999999999999999',
  'entries?until=now',
  'entries?type=nothing.known',
  'entries?type=session.created&type=__proto__',
  'entries?severity=fatal',
  `entries?address=${long}`,
  'entries?address=%00',
  'entries?cursor=%00',
  'alerts?cursor=a%0Ab',
  'entries?sid=x',
  'alerts?state=lost',
  'alerts?detector=constructor',
  'alerts?limit=x',
  'series',
  'series?from=10&to=10',
  'series?from=20&to=10',
  'series?from=0&to=44641&step=1440',
  'series?from=0&to=401',
  'series?from=0&to=10&step=0',
  'series?from=0&to=10&step=1441',
  'series?from=1.5&to=10',
  'series?from=2147483640&to=2147483650',
  'feed?after=nonsense',
  'feed?after=1:x:1%0Aevent:%20over',
]

/** Orders that are none. */
const orders: readonly (readonly [string, unknown])[] = [
  ['session/end', {}],
  ['session/end', null],
  ['session/end', 'text'],
  ['session/end', [sid]],
  ['session/end', { sid: 'x' }],
  ['session/end', { sid: { toString: sid } }],
  ['session/end', { sid: [sid] }],
  ['user/end', {}],
  ['user/end', { userId: '' }],
  ['user/end', { userId: 1 }],
  ['user/end', { userId: long }],
  ['alert/acknowledge', {}],
  ['alert/acknowledge', { id: '../a' }],
  ['alert/close', { id: long }],
  ['everybody/end', {}],
  ['everybody/end', { confirmation: long }],
  ['everybody/end', { confirmation: 'x', password: 1 }],
  ['everybody/end', { confirmation: 'x', password: 'x'.repeat(1_001) }],
]

for (const [name, start] of Object.entries(consoleApplications)) {
  describe(`what a console on ${name} is asked`, () => {
    test('questions that are none are refused, and nothing of them is repeated', async t => {
      const scene = await openConsole(t, start)
      const admin = await scene.admin()
      for (const question of questions) {
        const answer = await admin.get(`/api/${question}`)
        assert.equal(answer.status, 400, question)
        assert.equal(JSON.parse(answer.body).code, 'bad-request', question)
        assert.doesNotMatch(answer.body, /script|nonsense|pigeon|xxxx/, question)
      }
    })

    test('orders that are none are refused, and nothing is done', async t => {
      const prove = {
        fields: { password: true, code: false, passkey: false },
        check: async () => ({ outcome: 'passed', amr: ['pwd', 'otp'] }) as const,
      }
      const scene = await openConsole(t, start, { console: { prove } })
      const admin = await scene.admin()
      for (const [path, body] of orders) {
        const answer = await admin.post(`/api/${path}`, body)
        assert.equal(answer.status, 400, `${path} ${JSON.stringify(body)}`)
      }
      for (const body of ['', '{', '{"sid":', '\ufeff{}x']) {
        const headers = { 'Content-Type': 'application/json', 'X-CSRF-Token': (await admin.overview()).csrfToken }
        assert.equal((await admin.send('POST', '/api/session/end', headers, body)).status, 400, body)
      }
      assert.deepEqual(scene.watch.acted, [])
    })

    test('a body that is too long is not read to its end', async t => {
      const scene = await openConsole(t, start)
      const admin = await scene.admin()
      const { csrfToken } = await admin.overview()
      const sent = admin.send(
        'POST',
        '/api/user/end',
        { 'Content-Type': 'application/json', 'X-CSRF-Token': csrfToken },
        JSON.stringify({ userId: 'alice', more: 'x'.repeat(2_000_000) }),
      )
      // The connection may be cut while the client still sends.
      const status = await sent.then(
        answer => answer.status,
        () => 413,
      )
      assert.equal(status, 413)
      assert.deepEqual(scene.watch.acted, [])
    })

    test('other methods, other addresses and other spellings lead nowhere', async t => {
      const scene = await openConsole(t, start)
      const admin = await scene.admin()
      for (const path of [
        '/api',
        '/api/',
        '/api/Overview',
        '/api/overview/',
        '/api//overview',
        '/api/%6fverview',
        '/..%2f',
      ])
        assert.equal((await admin.get(path)).status, 404, path)
      for (const [method, path] of [
        ['GET', '/api/user/end'],
        ['POST', '/api/overview'],
        ['POST', '/api/feed'],
        ['HEAD', '/api/feed'],
      ] as const) {
        const answer = method === 'POST' ? await admin.post(path, {}) : await admin.send(method, path)
        assert.equal(answer.status, 405, `${method} ${path}`)
      }
      const answer = await admin.send('HEAD', '/api/overview')
      assert.deepEqual([answer.status, answer.body], [200, ''])
    })
  })
}

test('data that is nested 20,000 deep is refused before anybody runs out of stack', () => {
  const nested = (deep: number) => JSON.parse(`${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`)
  assert.deepEqual(dataField({ data: nested(16) }, 'data', 16), nested(16))
  for (const deep of [17, 20_000])
    assert.throws(
      () => dataField({ data: nested(deep) }, 'data', 16),
      (error: unknown) => error instanceof Declined && error.status === 400,
    )
})
