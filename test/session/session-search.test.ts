import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { type SessionInfo, type SessionQuery, type SessionStore, StoreError, UsageError } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import { sealedStore } from 'latchkey/stores/sealed'
import { faults, faultyStore } from 'latchkey/testing'
import { signIn as programSignsIn, startApi } from '../actors/api.ts'
import { Browser } from '../actors/browser.ts'
import { type Filling, fill } from '../actors/filled-store.ts'
import { type Server, startServer, told } from '../actors/server.ts'
import { onEveryStoreAndSealed } from '../actors/stores.ts'

/** A server on a store that holds these sessions; the newest is the last. */
async function holding(fillings: readonly Filling[], store: SessionStore = memoryStore()): Promise<Server> {
  const server = startServer({ store })
  await fill(store, server.clock.now(), fillings)
  return server
}

/** What all pages of a search show, and how they were cut. */
async function everything({ sessions }: Server, query: SessionQuery = {}) {
  const found: SessionInfo[] = []
  const pages: { shown: number; examined: number }[] = []
  let cursor: string | null = null
  do {
    const page = await sessions.search({ ...query, cursor })
    pages.push({ shown: page.sessions.length, examined: page.examined })
    found.push(...page.sessions)
    cursor = page.next
  } while (cursor !== null)
  return { found, pages }
}

const users = (found: readonly SessionInfo[]) => found.map(({ userId }) => userId)
const numbered = (count: number, filling: (index: number) => Filling = () => ({})) =>
  Array.from({ length: count }, (_, index) => ({ userId: `user ${index}`, ...filling(index) }))

onEveryStoreAndSealed('all sessions', open => {
  it('are searched, counted and told apart as they were signed in', async () => {
    const store = open()
    const server = startServer({ store })
    for (const user of ['alice', 'bob', 'carol']) await new Browser(server).signIn(user)
    await new Browser(server, null, '2001:db8::7').send(s => s.signIn('alice', { amr: ['pwd', 'otp'] }))
    await new Browser(server).put({ cart: 'a guest' })
    const { sessions } = server
    assert.equal(sessions.listable, true)
    assert.equal(await sessions.count(), 5)
    assert.deepEqual(await sessions.census(), {
      total: 5,
      exact: true,
      byLevel: { 0: 1, 1: 3, 2: 1, 3: 0 },
      byCarrier: { cookie: 5, bearer: 0 },
    })
    assert.deepEqual(users((await everything(server, { limit: 2 })).found).sort(), [
      'alice',
      'alice',
      'bob',
      'carol',
      null,
    ])
    const [strong] = (await everything(server, { aal: 2 })).found
    assert.deepEqual(strong, (await sessions.list('alice'))[0])
    assert.deepEqual(users((await everything(server, { text: '2001:DB8' })).found), ['alice'])
    await sessions.endUser('alice')
    assert.deepEqual([await sessions.count(), (await everything(server)).found.length], [3, 3])
    await server.sessions.close()
  })
})

describe('sessions.search', () => {
  it('finds a text in user id, address, user agent and sid, in upper and lower case', async () => {
    const server = await holding([
      { userId: 'Alice@Example.org' },
      { userId: 'bob', address: '203.0.113.77' },
      { userId: 'carol', userAgent: 'Mozilla/5.0 (X11) Firefox/145' },
      { userId: null, address: null, userAgent: null },
    ])
    const found = async (text: string) => users((await everything(server, { text })).found)
    assert.deepEqual(await found('alice@EXAMPLE'), ['Alice@Example.org'])
    assert.deepEqual(await found('113.7'), ['bob'])
    assert.deepEqual(await found('firefox'), ['carol'])
    const [guest] = (await everything(server, { aal: 0 })).found
    assert.deepEqual(await found(guest?.sid.slice(3, 15).toLowerCase() ?? ''), [null])
    assert.deepEqual(await found('nobody at all'), [])
    assert.equal((await found('')).length, 4, 'an empty field of a form is no filter')
  })

  it('takes every text as plain text: no pattern, no query, no markup', async () => {
    // biome-ignore format: a table of short texts
    const hostile = ['.*', '%', ' _ ', '\\', "' OR '1'='1", '$where', '[a-z]', '(a+)+$', '<script>', '\0', '\ud800', '{"$gt":""}', '*', '😀', '__proto__', 'constructor', 'null', 'undefined', 'İ', '\u202E']
    const server = await holding([{ userId: 'alice' }, ...hostile.map(text => ({ userId: `x ${text} y` }))])
    for (const text of hostile) {
      const wanted = hostile.map(other => `x ${other} y`).filter(id => id.toLowerCase().includes(text.toLowerCase()))
      assert.deepEqual(users((await everything(server, { text })).found).sort(), wanted.sort(), JSON.stringify(text))
    }
  })

  it('puts all filters together', async () => {
    const server = await holding(
      numbered(40, i => ({ amr: i % 2 ? ['pwd', 'otp'] : ['pwd'], program: i % 3 === 0, address: `192.0.2.${i}` })),
    )
    const { found } = await everything(server, { aal: 2, carrier: 'bearer', text: 'USER 2' })
    assert.deepEqual(users(found), ['user 27', 'user 21'], 'newest first')
  })

  it('tells cookies from bearer tokens', async () => {
    const server = startServer()
    await new Browser(server).signIn('alice')
    await programSignsIn(startApi({}, server), 'bob')
    assert.deepEqual(users((await everything(server, { carrier: 'bearer' })).found), ['bob'])
    assert.deepEqual(users((await everything(server, { carrier: 'cookie' })).found), ['alice'])
    assert.deepEqual((await server.sessions.census()).byCarrier, { cookie: 1, bearer: 1 })
  })

  it('tells locked ones from others', async () => {
    const server = startServer({ policy: { atIdle: 'lock' } })
    await new Browser(server).signIn('alice')
    server.clock.advance('15m')
    await new Browser(server).signIn('bob')
    assert.deepEqual(users((await everything(server, { locked: true })).found), ['alice'])
    assert.deepEqual(users((await everything(server, { locked: false })).found), ['bob'])
  })

  it('shows nobody who timed out unseen, and counts nobody of them one by one', async () => {
    const server = startServer()
    await new Browser(server).signIn('alice')
    server.clock.advance('15m')
    await new Browser(server).signIn('bob')
    assert.deepEqual(users((await everything(server)).found), ['bob'])
    assert.equal((await server.sessions.census()).total, 1)
    assert.deepEqual((await everything(server, { userId: 'alice' })).found, [])
  })

  it('a damaged record among them hides nobody else', async () => {
    const server = await holding([{}, { body: '{"proofs":' }, { body: '' }, { body: 'null' }, { userId: 'bob' }])
    assert.deepEqual(users((await everything(server, { limit: 1 })).found), ['bob', 'alice'])
    assert.deepEqual(users((await everything(server, { text: 'alice' })).found), ['alice'])
    assert.equal((await server.sessions.census()).total, 2)
    assert.deepEqual(told(server, 'store.failed'), [])
  })

  for (const [what, filling] of [
    ['all match', () => ({})],
    ['half of them match', i => ({ address: i % 2 ? '198.51.100.1' : '192.0.2.1' })],
    ['one in thirty matches', i => ({ address: i % 30 ? '198.51.100.1' : '192.0.2.1' })],
    ['the matches stand together', i => ({ address: i >= 400 && i < 500 ? '192.0.2.1' : '198.51.100.1' })],
  ] as const satisfies readonly (readonly [string, (index: number) => Filling])[]) {
    it(`pages hold at most so many and together everybody once, where ${what}`, async () => {
      const server = await holding(numbered(1_200, filling))
      const all = (await everything(server, { limit: 500 })).found
      const wanted = all.filter(({ address }) => address === '192.0.2.1').map(({ sid }) => sid)
      for (const limit of [1, 7, 50, 499]) {
        const { found, pages } = await everything(server, { limit, text: '192.0.2.1' })
        assert.deepEqual(
          found.map(({ sid }) => sid),
          wanted,
          `pages of ${limit}`,
        )
        assert.ok(pages.every(({ shown }) => shown <= limit))
      }
    })
  }

  it('a page is full although the ones before it were ended meanwhile', async () => {
    const server = await holding(numbered(30))
    const first = await server.sessions.search({ limit: 10 })
    for (const { sid } of first.sessions) await server.sessions.end(sid)
    const second = await server.sessions.search({ limit: 10, cursor: first.next })
    assert.deepEqual(
      users(second.sessions),
      Array.from({ length: 10 }, (_, i) => `user ${19 - i}`),
    )
  })

  it('looks at 5,000 sessions at a time, and goes on from there', async () => {
    const server = await holding(numbered(12_000, i => (i === 5 ? { address: '203.0.113.9' } : {})))
    const { found, pages } = await everything(server, { text: '203.0.113.9' })
    assert.deepEqual(users(found), ['user 5'])
    assert.ok(pages.length >= 3, `${pages.length} pages`)
    assert.ok(pages.every(({ examined }) => examined <= 5_000))
    assert.equal(
      pages.reduce((sum, { examined }) => sum + examined, 0),
      12_000,
    )
  })

  it('answers after a fifth of a second with what it has, however slow the store is', async () => {
    const inner = memoryStore()
    let now = 0
    const timing = mock.method(performance, 'now', () => now)
    try {
      const server = await holding(numbered(3_000), {
        ...inner,
        ...withMethods(inner),
        directory: {
          ...inner.directory,
          page: async (cursor, limit) => {
            now += 90
            return inner.directory?.page(cursor, limit) ?? { records: [], next: null }
          },
        } as NonNullable<SessionStore['directory']>,
      })
      const page = await server.sessions.search({ text: 'nobody' })
      assert.equal(now, 3 * 90)
      assert.deepEqual([page.sessions, page.examined > 0, typeof page.next], [[], true, 'string'])
    } finally {
      timing.mock.restore()
    }
  })

  it('lets others work between two pages of a store that answers at once', async () => {
    const server = await holding(numbered(5_000))
    let turns = 0
    let isOver = false
    const others = (async () => {
      for (; !isOver; turns += 1) await new Promise(resume => setImmediate(resume))
    })()
    await server.sessions.search({ text: 'nobody' })
    isOver = true
    await others
    assert.ok(turns >= 5, `${turns} turns`)
  })

  describe('of one user', () => {
    it('needs no directory and looks at nobody else', async () => {
      const inner = memoryStore()
      const store = faultyStore({ ...withMethods(inner), name: 'old', persistent: false })
      const server = await holding([{}, { userId: 'bob' }, { address: '203.0.113.1' }], store)
      store.calls.length = 0
      const page = await server.sessions.search({ userId: 'alice' })
      assert.deepEqual([page.sessions.length, page.next, page.examined], [2, null, 2])
      assert.deepEqual(store.calls, ['list'])
      assert.equal((await server.sessions.search({ userId: 'alice', text: '203.' })).sessions.length, 1)
      assert.equal((await server.sessions.search({ userId: 'ALICE' })).sessions.length, 0, 'compared exactly')
    })

    it('comes in pages, newest first, each session once although others of theirs come and go', async () => {
      const server = await holding(
        Array.from({ length: 25 }, (_, i) => ({ createdAt: Date.UTC(2030, 0, 1) + (i >> 2) })),
      )
      const all = (await server.sessions.search({ userId: 'alice' })).sessions
      const seen: string[] = []
      let cursor: string | null = null
      do {
        const page = await server.sessions.search({ userId: 'alice', limit: 4, cursor })
        seen.push(...page.sessions.map(({ sid }) => sid))
        const last = page.sessions.at(-1)
        if (last) await server.sessions.end(last.sid)
        await fill(server.store, server.clock.now() + 60_000, [{}])
        cursor = page.next
      } while (cursor !== null)
      assert.deepEqual(seen.sort(), all.map(({ sid }) => sid).sort())
    })
  })

  it('refuses with a UsageError what is no query', async () => {
    const server = await holding(numbered(30))
    const { next: ofAll } = await server.sessions.search({ limit: 5 })
    await fill(server.store, server.clock.now(), [{ userId: 'user 1' }, { userId: 'user 1' }])
    const { next: ofUser } = await server.sessions.search({ limit: 1, userId: 'user 1' })
    assert.ok(ofAll && ofUser)
    const wrong: readonly unknown[] = [
      ...[0, -1, 1.5, 501, Number.NaN, '50', null].map(limit => ({ limit })),
      ...['', 'x', 'a', 'a.', 'u.', 'u.1', 'a.0.0', `${ofAll}.`, `a.${'9'.repeat(2_000)}`, ofUser, 7, {}].map(
        cursor => ({ cursor }),
      ),
      ...['', 'a.1', ofAll, 'u.x.y', 'u.'].map(cursor => ({ cursor, userId: 'user 1' })),
      { text: 'x'.repeat(257) },
      { text: 7 },
      { userId: 7 },
      ...[4, -1, '1', null].map(aal => ({ aal })),
      ...['cookies', '', null].map(carrier => ({ carrier })),
      { locked: 'true' },
    ]
    for (const query of wrong) {
      await assert.rejects(
        server.sessions.search(query as SessionQuery),
        UsageError,
        JSON.stringify(query).slice(0, 80),
      )
    }
    assert.equal((await server.sessions.search({ limit: 5, cursor: ofAll })).sessions.length, 5)
  })
})

describe('a census of many', () => {
  it('is estimated from a sample, and says so', async () => {
    const server = await holding(
      numbered(5_000, i => ({
        amr: i % 5 ? ['pwd'] : ['pwd', 'otp'],
        program: i % 10 === 0,
        ...(i % 2 ? {} : { userId: null }),
      })),
      memoryStore(),
    )
    const { total, exact, byLevel, byCarrier } = await server.sessions.census()
    assert.deepEqual([total, exact], [5_000, false])
    const about = (value: number, wanted: number) =>
      assert.ok(Math.abs(value - wanted) < 400, `${value}, not ${wanted}`)
    about(byLevel[0], 2_500)
    about(byLevel[1], 2_000)
    about(byLevel[2], 500)
    about(byCarrier.bearer, 500)
    assert.equal(await server.sessions.count(), 5_000)
  })
})

describe('a store', () => {
  it('without a directory says so, and everything else works', async () => {
    const inner = memoryStore()
    const server = startServer({ store: { ...withMethods(inner), name: 'old', persistent: false } })
    await new Browser(server).signIn('alice')
    assert.equal(server.sessions.listable, false)
    for (const ask of [() => server.sessions.count(), () => server.sessions.census(), () => server.sessions.search()]) {
      await assert.rejects(ask, { name: 'UsageError', message: /old store has no directory.*listable/ })
    }
    assert.equal((await server.sessions.list('alice')).length, 1)
    assert.deepEqual(told(server, 'store.failed'), [])
  })

  it('that keeps nothing lists nothing', async () => {
    const { sessions } = startServer({ store: sealedStore() })
    assert.deepEqual([sessions.listable, sessions.revocable], [false, false])
    for (const ask of [() => sessions.count(), () => sessions.search(), () => sessions.search({ userId: 'alice' })]) {
      await assert.rejects(ask, UsageError)
    }
  })

  it('that fails or never answers is a StoreError, told as an event', async () => {
    for (const fault of [faults.refuses, faults.losesAnswer, faults.hangs]) {
      const store = faultyStore(memoryStore())
      const server = startServer({ store, storeTimeout: '20ms' })
      await new Browser(server).signIn('alice')
      store.disturb(fault, 'directory.page', 'directory.count', 'directory.sample')
      const { sessions } = server
      for (const ask of [() => sessions.search(), () => sessions.count(), () => sessions.census()]) {
        await assert.rejects(ask, StoreError)
      }
      assert.equal(told(server, 'store.failed').length, 3)
      store.heal()
      assert.equal((await sessions.search()).sessions.length, 1)
    }
  })

  it('ASVS 16.5.2: that answers with something else is not believed', async () => {
    const [record] = await fill(memoryStore(), Date.UTC(2030, 0, 1), [{}])
    const many = Array.from({ length: 51 }, () => record)
    const wrongPages = [
      null,
      undefined,
      'OK',
      [],
      {},
      { records: [] },
      { records: {}, next: null },
      { records: [null], next: null },
      { records: [], next: 7 },
      { records: [{ ...record, version: '1' }], next: null },
      { records: many, next: null },
    ]
    for (const wrong of wrongPages) {
      const store = faultyStore(memoryStore())
      const server = startServer({ store })
      store.disturb(async () => wrong, 'directory.page')
      await assert.rejects(server.sessions.search(), StoreError, JSON.stringify(wrong)?.slice(0, 60))
    }
    for (const wrong of [null, undefined, '7', Number.NaN, {}]) {
      const store = faultyStore(memoryStore())
      const server = startServer({ store })
      store.disturb(async () => wrong, 'directory.count')
      await assert.rejects(server.sessions.count(), StoreError)
      store.disturb(async () => 1e6, 'directory.count')
      store.disturb(async () => wrong, 'directory.sample')
      await assert.rejects(server.sessions.census(), StoreError)
    }
  })

  it('that hands over ended records has them left out', async () => {
    const store = faultyStore(memoryStore())
    const server = startServer({ store })
    const [record] = await fill(store, server.clock.now(), [{}])
    const ended = { reason: 'revoked', at: 1, keepUntil: 2 }
    store.disturb(async () => ({ records: [{ ...record, ended }], next: null }), 'directory.page')
    assert.deepEqual((await server.sessions.search()).sessions, [])
  })
})

/** The methods of a store, without its directory: an object of before there were any. */
function withMethods(store: SessionStore): Omit<SessionStore, 'name' | 'persistent'> {
  return {
    read: (...args) => store.read(...args),
    create: (...args) => store.create(...args),
    save: (...args) => store.save(...args),
    touch: (...args) => store.touch(...args),
    end: (...args) => store.end(...args),
    endUser: (...args) => store.endUser(...args),
    endEverybody: mark => store.endEverybody(mark),
    generation: userId => store.generation(userId),
    list: userId => store.list(userId),
    sweep: (...args) => store.sweep(...args),
    ping: () => store.ping(),
    close: () => store.close(),
  }
}
