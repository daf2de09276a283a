import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { faults } from 'latchkey/testing'
import { consoleApplications } from '../actors/console-applications.ts'
import type { ConsoleClient } from '../actors/console-client.ts'
import { type ConsoleScene, openConsole } from '../actors/console-scene.ts'
import { alertOf, entryOf } from '../actors/console-watch.ts'
import { startAnotherNode } from '../actors/server.ts'

/** So long that nobody waits for it in a test. */
const never = '24h'

/** What ends a feed, and what the page is told; `null`: nothing, it is to ask again. */
const ends: readonly {
  readonly what: string
  readonly reason: 'signed-out' | 'not-fresh' | null
  /** Whether this process hears of it and must not wait until it looks again. */
  readonly atOnce?: true
  readonly end: (scene: ConsoleScene, admin: ConsoleClient) => unknown
}[] = [
  {
    what: 'the session is ended here',
    reason: 'signed-out',
    atOnce: true,
    end: async ({ sessions }, admin) => sessions.end(await admin.sid()),
  },
  {
    what: 'all sessions of the user are ended here',
    reason: 'signed-out',
    atOnce: true,
    end: ({ sessions }) => sessions.endUser('admin'),
  },
  {
    what: 'everybody’s sessions are ended here',
    reason: 'signed-out',
    atOnce: true,
    end: ({ sessions }) => sessions.endEverybody(),
  },
  {
    what: 'the session is locked here',
    reason: 'not-fresh',
    atOnce: true,
    end: async ({ sessions }, admin) => sessions.lock(await admin.sid()),
  },
  {
    what: 'somebody else signs in with the same browser',
    reason: 'signed-out',
    atOnce: true,
    end: (_scene, admin) => admin.signIn('alice'),
  },
  {
    what: 'the session is ended on another node',
    reason: 'signed-out',
    end: async (scene, admin) => startAnotherNode(scene).sessions.end(await admin.sid()),
  },
  {
    what: 'the session is locked on another node',
    reason: 'not-fresh',
    end: async (scene, admin) => startAnotherNode(scene).sessions.lock(await admin.sid()),
  },
  { what: 'the user is no administrator any more', reason: 'signed-out', end: scene => scene.administrators.clear() },
  { what: 'what was proved is not fresh any more', reason: 'not-fresh', end: ({ clock }) => clock.advance('15m') },
  { what: 'nobody used the session for too long', reason: 'signed-out', end: ({ clock }) => clock.advance('30m') },
  { what: 'the session is as old as it may be', reason: 'signed-out', end: ({ clock }) => clock.advance('8h') },
  {
    what: 'the user proved more in another tab, and what they proved before is not fresh any more',
    reason: null,
    async end({ clock }, admin) {
      clock.advance('14m')
      await admin.stepUp()
      clock.advance('2m')
    },
  },
  { what: 'the store is dead', reason: null, end: ({ store }) => store.disturb(faults.refuses) },
]

for (const [name, start] of Object.entries(consoleApplications)) {
  describe(`the feed of a console on ${name}`, () => {
    test('new entries and alerts arrive, and those that change arrive again', async t => {
      const scene = await openConsole(t, start)
      const { watch, clock } = scene
      watch.trail.push(entryOf(1, clock.now() - 3_600_000))
      const feed = await (await scene.admin()).follow()
      assert.equal(feed.status, 200)
      assert.equal(feed.headers['content-type'], 'text/event-stream; charset=utf-8')
      assert.match(String(feed.headers['cache-control']), /no-store/)
      assert.match(String(feed.headers['content-security-policy']), /default-src 'none'/)

      const entry = entryOf(2, clock.now(), { type: 'token.replayed', userId: 'alice' })
      watch.trail.push(entry)
      assert.deepEqual(await feed.next(), { event: 'entry', id: `${entry.at}:${entry.chain}:2`, data: entry })
      const alert = alertOf('a', clock.now())
      watch.raised.push(alert)
      assert.deepEqual(await feed.next(), { event: 'alert', id: null, data: alert })
      await watch.acknowledge('a', 'admin')
      assert.equal((await feed.next())?.data.state, 'acknowledged')
      feed.hangUp()
    })

    test('it goes on where a connection broke, with what was written late', async t => {
      const scene = await openConsole(t, start)
      const { watch, clock } = scene
      const at = clock.now()
      watch.trail.push(entryOf(1, at))
      clock.advance('2m')
      watch.trail.push(
        entryOf(7, at - 5_000, { chain: 'd'.repeat(22) }),
        entryOf(2, at + 60_000),
        entryOf(3, at + 120_000),
      )
      const feed = await (await scene.admin()).follow(`${at}:${'c'.repeat(22)}:1`)
      const seen = [await feed.next(), await feed.next(), await feed.next(), await feed.next()]
      assert.deepEqual(seen.map(event => event?.data.seq).toSorted(), [1, 2, 3, 7])
      feed.hangUp()
    })

    test('hostile values stay inside of their event', async t => {
      const scene = await openConsole(t, start)
      const hostile = '\n\nevent: over\ndata: {"reason":"signed-out"}\r\n\u2028\0</script>'
      const entry = entryOf(1, scene.clock.now(), {
        userAgent: hostile,
        userId: hostile,
        detail: { hostile },
        chain: `x\nevent: over`,
      })
      scene.watch.trail.push(entry)
      const feed = await (await scene.admin()).follow()
      assert.deepEqual(await feed.next(), { event: 'entry', id: null, data: entry })
      feed.hangUp()
    })

    for (const { what, reason, atOnce, end } of ends) {
      test(`it ends when ${what}${atOnce ? ', at once' : ''}`, async t => {
        const scene = await openConsole(t, start, {
          sessions: { policy: { idleTimeout: '20m', absoluteTimeout: '2h' } },
          console: { feed: { checkEvery: atOnce ? never : '10ms' } },
        })
        const admin = await scene.admin()
        // Something has arrived, so it runs.
        scene.watch.trail.push(entryOf(1, scene.clock.now()))
        const feed = await admin.follow()
        assert.equal((await feed.next())?.event, 'entry')
        await end(scene, admin)
        const rest = (await feed.rest()).filter(({ event }) => event !== 'entry')
        assert.deepEqual(rest, reason === null ? [] : [{ event: 'over', id: null, data: { reason } }])
      })
    }

    test('it ends when the server stops, and takes nobody any more', async t => {
      const scene = await openConsole(t, start)
      const admin = await scene.admin()
      const feed = await admin.follow()
      scene.console.close()
      assert.deepEqual(await feed.rest(), [])
      assert.equal((await admin.get('/api/feed')).status, 503)
    })

    test('a session has so many listeners and no more; whoever hangs up makes room', async t => {
      const scene = await openConsole(t, start, { console: { feed: { mostOfSession: 2 } } })
      const admin = await scene.admin()
      const [one, two] = [await admin.follow(), await admin.follow()]
      const refused = await admin.get('/api/feed')
      assert.deepEqual([refused.status, JSON.parse(refused.body).code], [429, 'too-many-listeners'])
      const other = await (await scene.admin()).follow()
      assert.equal(other.status, 200)
      one.hangUp()
      const again = await untilThereIsRoom(admin)
      for (const feed of [two, other, again]) feed.hangUp()
    })

    test('a client that does not read is cut off, instead of filling the memory', async t => {
      const scene = await openConsole(t, start, { console: { feed: { mostOfSession: 1 } } })
      const admin = await scene.admin()
      const slow = await admin.follow()
      const { watch, clock } = scene
      const detail = { long: 'x'.repeat(100_000) }
      for (let seq = 1; seq <= 200; seq += 1) watch.trail.push(entryOf(seq, clock.now(), { detail }))
      let seq = 200
      const next = await untilThereIsRoom(admin, () => {
        seq += 1
        watch.trail.push(entryOf(seq, clock.now(), { detail }))
      })
      next.hangUp()
      slow.hangUp()
    })
  })
}

/** Asks until the server has noticed that a place is free. */
async function untilThereIsRoom(admin: ConsoleClient, meanwhile: () => void = () => {}) {
  for (;;) {
    const feed = await admin.follow()
    if (feed.status === 200) return feed
    assert.equal(feed.status, 429)
    feed.hangUp()
    meanwhile()
  }
}
