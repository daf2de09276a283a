import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryStore } from 'latchkey/stores/memory'
import { sealedStore } from 'latchkey/stores/sealed'
import { consoleApplications } from '../actors/console-applications.ts'
import { openConsole, type SceneOptions } from '../actors/console-scene.ts'
import { alertOf, entryOf } from '../actors/console-watch.ts'

const start = consoleApplications.node
const open = (t: Parameters<typeof openConsole>[0], options?: SceneOptions) => {
  assert.ok(start)
  return openConsole(t, start, options)
}
const shown = (answer: { readonly body: string }) => JSON.parse(answer.body)

describe('what a console shows', () => {
  test('the overview: who looks, how many sessions and alerts there are, and until when one may look', async t => {
    const scene = await open(t, { sessions: { policy: { absoluteTimeout: '4h' } } })
    await scene.client().signIn('alice', ['pwd'])
    scene.watch.raised.push(alertOf('a', 0), alertOf('b', 0, { state: 'acknowledged' }))
    const admin = await scene.admin()
    const begun = scene.clock.now()
    scene.clock.advance('5m')
    const overview = await admin.overview()
    assert.deepEqual(overview.me, { userId: 'admin' })
    assert.equal(overview.now, begun + 5 * 60_000)
    assert.equal(overview.freshUntil, begun + 15 * 60_000)
    assert.equal(overview.sessionEndsAt, begun + 4 * 3_600_000)
    assert.deepEqual(overview.alerts, { open: 1, acknowledged: 1 })
    assert.deepEqual([overview.revocable, overview.listable], [true, true])
    assert.equal(overview.census?.total, 2)
    assert.deepEqual([overview.census?.byLevel['1'], overview.census?.byLevel['2']], [1, 1])
  })

  test('the census is taken once for all who ask within a few seconds, and again when it failed', async t => {
    const scene = await open(t)
    const admin = await scene.admin()
    const counted = () => scene.store.calls.filter(call => call === 'directory.count').length
    await admin.overview()
    await admin.overview()
    assert.equal(counted(), 1)
    scene.clock.advance('3s')
    scene.store.disturb(
      () => Promise.reject(new Error('down')),
      'directory.count',
      'directory.page',
      'directory.sample',
    )
    assert.equal((await admin.get('/api/overview')).status, 503)
    scene.store.heal()
    assert.equal((await admin.get('/api/overview')).status, 200)
  })

  test('sessions, by everything that can be asked for', async t => {
    const scene = await open(t)
    const [alice, bob] = [scene.client(), scene.client()]
    await alice.signIn('alice', ['pwd'])
    await bob.signIn('bob')
    const admin = await scene.admin()
    const users = async (query: string) =>
      shown(await admin.get(`/api/sessions?${query}`))
        .sessions.map((session: { userId: string }) => session.userId)
        .toSorted()
    assert.deepEqual(await users(''), ['admin', 'alice', 'bob'])
    assert.deepEqual(await users('user=alice'), ['alice'])
    assert.deepEqual(await users('level=2'), ['admin', 'bob'])
    assert.deepEqual(await users('text=ALI'), ['alice'])
    assert.deepEqual(await users('carrier=bearer'), [])
    assert.deepEqual(await users('locked=false&level=1'), ['alice'])
    await scene.sessions.lock(await alice.sid())
    assert.deepEqual(await users('locked=true'), ['alice'])
    const first = shown(await admin.get('/api/sessions?limit=2'))
    const rest = shown(await admin.get(`/api/sessions?limit=2&cursor=${encodeURIComponent(first.next)}`))
    assert.equal(first.sessions.length + rest.sessions.length, 3)
  })

  test('nothing that could be used to be somebody: no token, no secret, no data', async t => {
    const scene = await open(t)
    const alice = scene.client()
    await alice.signIn('alice')
    const token = alice.browser.token ?? ''
    const admin = await scene.admin()
    for (const path of ['sessions', `session?sid=${await alice.sid()}`, 'user?id=alice', 'overview']) {
      const { body } = await admin.get(`/api/${path}`)
      assert.ok(body.length > 50)
      for (const secret of [token, token.split('.')[1] ?? token, scene.secret]) assert.ok(!body.includes(secret), path)
    }
  })

  test('a session with its story and its alerts, also when it is over', async t => {
    const scene = await open(t)
    const alice = await scene.client().signIn('alice')
    const sid = await alice.sid()
    scene.watch.trail.push(entryOf(1, 1, { sid }), entryOf(2, 2), entryOf(3, 3, { sid, type: 'session.ended' }))
    scene.watch.raised.push(alertOf('a', 1, { sid }), alertOf('b', 1))
    const admin = await scene.admin()
    const alive = shown(await admin.get(`/api/session?sid=${sid}`))
    assert.deepEqual([alive.session.userId, alive.current], ['alice', false])
    assert.deepEqual(
      alive.story.entries.map(({ seq }: { seq: number }) => seq),
      [3, 1],
    )
    assert.deepEqual(
      alive.alerts.map(({ id }: { id: string }) => id),
      ['a'],
    )
    await scene.sessions.end(sid)
    const over = shown(await admin.get(`/api/session?sid=${sid}`))
    assert.equal(over.session, null)
    assert.equal(over.story.entries.length, 2)
  })

  test('a user, whatever their name is', async t => {
    const scene = await open(t)
    const userId = '<img src=x onerror=alert(1)>\n\u202e&?#/"\\'
    await scene.client().signIn(userId)
    scene.watch.trail.push(entryOf(1, 1, { userId }))
    const admin = await scene.admin()
    const user = shown(await admin.get(`/api/user?id=${encodeURIComponent(userId)}`))
    assert.equal(user.userId, userId)
    assert.deepEqual([user.sessions.length, user.story.entries.length], [1, 1])
    assert.deepEqual(shown(await admin.post('/api/user/end', { userId })), { ended: 1 })
  })

  test('alerts, which move on once', async t => {
    const scene = await open(t)
    scene.watch.raised.push(alertOf('a', 1), alertOf('b', 1, { detector: 'two-places' }))
    const admin = await scene.admin()
    const ids = async (query: string) =>
      shown(await admin.get(`/api/alerts?${query}`)).alerts.map(({ id }: { id: string }) => id)
    assert.deepEqual(await ids('detector=two-places'), ['b'])
    const taken = await admin.post('/api/alert/acknowledge', { id: 'a' })
    assert.deepEqual(shown(taken).alert.moved, { by: 'admin', at: scene.clock.now() })
    assert.equal((await admin.post('/api/alert/acknowledge', { id: 'a' })).status, 409)
    assert.equal((await admin.post('/api/alert/close', { id: 'a' })).status, 200)
    assert.equal((await admin.post('/api/alert/close', { id: 'a' })).status, 409)
    assert.equal((await admin.post('/api/alert/close', { id: 'nobody' })).status, 404)
    assert.deepEqual(await ids('state=open'), ['b'])
  })

  test('entries of these types', async t => {
    const scene = await open(t)
    scene.watch.trail.push(
      entryOf(1, 1),
      entryOf(2, 2, { type: 'token.forged' }),
      entryOf(3, 3, { type: 'trail.closed' }),
    )
    const admin = await scene.admin()
    const { entries } = shown(await admin.get('/api/entries?type=token.forged&type=trail.closed'))
    assert.deepEqual(
      entries.map(({ seq }: { seq: number }) => seq),
      [3, 2],
    )
  })

  test('charts: what is counted adds up, of what is measured the most is shown, and the future is unknown', async t => {
    const scene = await open(t)
    const now = Math.floor(scene.clock.now() / 60_000)
    const from = now - 5
    const point = (name: string, minute: number, value: number) => ({ name, minute, value })
    scene.watch.numbers.push(
      point('sign-ins', from, 2),
      point('sign-ins', from + 1, 3),
      point('sign-ins', from - 1, 100),
      point('sessions.active', from, 7),
      point('sessions.active', from + 1, 5),
      point('sessions.active', from + 4, 0),
      point('no series of ours', from, 1),
    )
    const admin = await scene.admin()
    const answer = shown(await admin.get(`/api/series?from=${from}&to=${now + 5}&step=2`))
    assert.deepEqual([answer.from, answer.step], [from, 2])
    assert.deepEqual(answer.series['sign-ins'], [5, 0, 0, null, null])
    assert.deepEqual(answer.series['sessions.active'], [7, null, 0, null, null])
    assert.equal(Object.keys(answer.series).length, 7)
  })

  test('a long chart is read in portions, and each minute once', async t => {
    const scene = await open(t)
    const asked: number[] = []
    const { points } = scene.watch
    scene.watch.points = (names, from, to) => {
      asked.push(to - from)
      return points(names, from, to)
    }
    const admin = await scene.admin()
    assert.equal((await admin.get('/api/series?from=0&to=10000&step=60')).status, 200)
    assert.equal(
      asked.reduce((sum, minutes) => sum + minutes, 0),
      10_000,
    )
    assert.ok(Math.max(...asked) <= 1_440)
  })

  test('where a store knows the sessions of a user only, those are shown', async t => {
    const store = Object.defineProperty(memoryStore(), 'directory', { value: undefined })
    const scene = await open(t, { sessions: { store } })
    await scene.client().signIn('alice')
    const admin = await scene.admin()
    const overview = await admin.overview()
    assert.deepEqual([overview.revocable, overview.listable, overview.census], [true, false, null])
    assert.deepEqual(shown(await admin.get('/api/sessions')), { sessions: [], next: null, examined: 0 })
    assert.equal(shown(await admin.get('/api/sessions?user=alice')).sessions.length, 1)
  })

  test('where sessions live in their cookies alone, it says what cannot be done, and does the rest', async t => {
    const scene = await open(t, { sessions: { store: sealedStore() } })
    const admin = await scene.admin()
    const overview = await admin.overview()
    assert.deepEqual([overview.revocable, overview.listable, overview.census], [false, false, null])
    assert.deepEqual(shown(await admin.get('/api/sessions')), { sessions: [], next: null, examined: 0 })
    assert.deepEqual(shown(await admin.get('/api/sessions?user=alice')).sessions, [])
    assert.equal(shown(await admin.get('/api/user?id=alice')).userId, 'alice')
    const refused = await admin.post('/api/user/end', { userId: 'alice' })
    assert.deepEqual([refused.status, shown(refused).code], [409, 'not-revocable'])
    assert.deepEqual(scene.watch.acted, [])
    const feed = await admin.follow()
    scene.watch.trail.push(entryOf(1, scene.clock.now()))
    assert.equal((await feed.next())?.event, 'entry')
    scene.clock.advance('15m')
    assert.ok((await feed.rest()).length <= 1)
  })
})
