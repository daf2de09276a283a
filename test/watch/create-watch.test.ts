import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { UsageError } from 'latchkey'
import { type AuditEntry, createWatch, type Sink, type Watch, type WatchOptions } from 'latchkey/watch'
import { memoryWatch } from 'latchkey/watch/stores/memory'
import { Browser } from '../actors/browser.ts'
import { type Server, type ServerOptions, startAnotherNode, startServer } from '../actors/server.ts'

describe('the watch', () => {
  const running: { server: Server; watch: Watch }[] = []
  const start = async (options: Partial<WatchOptions> = {}, how: ServerOptions | Server = {}) => {
    const server = 'sessions' in how ? how : startServer(how)
    const watch = await createWatch(server.sessions, { store: memoryWatch(), ...options })
    running.push({ server, watch })
    return { server, watch }
  }
  afterEach(async () => {
    for (const { server, watch } of running.splice(0)) {
      await server.sessions.close()
      await watch.close()
    }
  })

  /** Everything in the trail, oldest first, but what the trail says about itself. */
  const trailOf = async (watch: Watch): Promise<readonly AuditEntry[]> => {
    await watch.flush()
    const { entries } = await watch.entries({ limit: 1_000 })
    return entries.filter(({ type }) => !type.startsWith('trail.')).toReversed()
  }
  const typesOf = async (watch: Watch) => (await trailOf(watch)).map(({ type }) => type)
  /** A thief replays a token that was replaced. */
  const replay = async (server: Server) => {
    const browser = new Browser(server)
    await browser.signIn('alice')
    const thief = browser.thief()
    await browser.rotate()
    server.clock.advance('2m')
    await thief.see()
    return browser
  }

  it('16.3.1, 16.3.3: writes down what the engine tells, raises an alert, and counts', async () => {
    const { server, watch } = await start()
    await replay(server)
    assert.deepEqual(await typesOf(watch), [
      ...['session.created', 'session.signed-in', 'session.rotated', 'token.replayed', 'session.ended'],
      'detector.hit',
    ])
    const { alerts } = await watch.alerts({ limit: 10 })
    assert.deepEqual(
      alerts.map(({ detector, userId, state, count }) => ({ detector, userId, state, count })),
      [{ detector: 'token-replay', userId: 'alice', state: 'open', count: 1 }],
    )
    assert.equal(watch.stats().hits['token-replay'], 1)
    const minute = Math.floor(server.clock.now() / 60_000)
    const points = await watch.points(
      ['sign-ins', 'tokens.refused', 'alerts', 'sessions.ended'],
      minute - 5,
      minute + 1,
    )
    assert.deepEqual(points.map(({ name, value }) => `${name} ${value}`).sort(), [
      ...['alerts 1', 'sessions.ended 1', 'sign-ins 1', 'tokens.refused 1'],
    ])
  })

  it('an alert is acknowledged and closed by a person, and the trail says by whom', async () => {
    const { server, watch } = await start()
    await replay(server)
    await watch.flush()
    const [alert] = (await watch.alerts({ limit: 1 })).alerts
    assert.ok(alert)
    assert.equal((await watch.acknowledge(alert.id, 'root'))?.state, 'acknowledged')
    assert.equal(await watch.acknowledge(alert.id, 'eve'), null, 'once')
    assert.equal((await watch.closeAlert(alert.id, 'root'))?.state, 'closed')
    assert.deepEqual(await watch.countAlerts(), { open: 0, acknowledged: 0 })
    const moves = (await trailOf(watch)).filter(({ type }) => type.startsWith('alert.'))
    assert.deepEqual(
      moves.map(({ type, detail }) => [type, detail]),
      [
        ['alert.acknowledged', { alert: alert.id, by: 'root' }],
        ['alert.closed', { alert: alert.id, by: 'root' }],
      ],
    )
    watch.operatorActed('end-everybody', 'everybody', 'root')
    const last = (await trailOf(watch)).at(-1)
    assert.deepEqual(
      [last?.type, last?.detail],
      ['operator.acted', { operation: 'end-everybody', target: 'everybody', by: 'root' }],
    )
  })

  const policies = [
    ['record', { actions: { 'agent-changed': 'record' } }, 0, null, 'alice'],
    ['alert', {}, 1, null, 'alice'],
    ['reauthenticate', { actions: { 'agent-changed': 'reauthenticate' } }, 1, 'reauthenticate done', null],
    ['end', { actions: { 'agent-changed': 'end' } }, 1, 'end done', null],
    ['end, in a dry run', { actions: { 'agent-changed': 'end' }, dryRun: true }, 1, 'end dry-run', 'alice'],
  ] as const
  for (const [name, options, alerts, action, userId] of policies) {
    it(`ASVS 8.2.4, NIST 5.3, CS-S8: the policy says ${name}`, async () => {
      const { server, watch } = await start(options)
      const browser = new Browser(server)
      const chrome = {
        headers: {
          'user-agent':
            'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
        },
      }
      const iphone = {
        headers: {
          'user-agent':
            'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
        },
      }
      await browser.signIn('alice', {}, chrome)
      await browser.see(chrome)
      for (let n = 0; n < 5; n += 1) {
        server.clock.advance('20s')
        await browser.see(iphone)
      }
      await watch.flush()
      assert.equal((await watch.alerts({ limit: 10, detector: 'agent-changed' })).alerts.length, alerts)
      const trail = await trailOf(watch)
      assert.equal(
        trail.filter(({ type, detail }) => type === 'detector.hit' && detail.detector === 'agent-changed').length,
        1,
      )
      const taken = trail.find(({ type }) => type === 'action.taken')
      assert.equal(taken ? `${taken.detail.action} ${taken.detail.outcome}` : null, action)
      assert.equal((await browser.see(chrome)).body?.userId ?? null, userId)
    })
  }

  it('CS-S6: two nodes see together what neither sees alone', async () => {
    const store = memoryWatch()
    const first = await start({ store })
    const second = await start({ store }, startAnotherNode(first.server))
    const alone = await start({}, startServer())
    let guesses = 0
    const guess = (server: Server) => {
      guesses += 1
      return new Browser(server, `guess ${guesses}`, '203.0.113.9').see()
    }
    // As many as one node alone takes for nothing: found by trying.
    let few = 0
    for (; (alone.watch.stats().hits['token-guessing'] ?? 0) === 0; few += 1) {
      await guess(alone.server)
      await alone.watch.flush()
      assert.ok(few < 1_000)
    }
    for (let n = 0; n < few - 1; n += 1) {
      await guess(n % 2 === 0 ? first.server : second.server)
      await first.watch.flush()
      await second.watch.flush()
    }
    assert.equal((await first.watch.alerts({ limit: 10, detector: 'token-guessing' })).alerts.length, 0)
    await guess(second.server)
    await guess(first.server)
    await first.watch.flush()
    await second.watch.flush()
    assert.equal((await first.watch.alerts({ limit: 10, detector: 'token-guessing' })).alerts.length, 1)
  })

  it('NIST 5.3: with addresses and programs off, nothing of them is stored anywhere', async () => {
    const taken: AuditEntry[] = []
    const sink: Sink = { name: 'list', write: async entries => void taken.push(...entries) }
    const store = memoryWatch()
    const { server, watch } = await start({ store, sinks: [sink], privacy: { addresses: 'off', userAgents: 'off' } })
    await replay(server)
    for (let n = 0; n < 60; n += 1) await new Browser(server, 'guess', '203.0.113.9').see()
    for (let n = 0; n < 60; n += 1) {
      await new Browser(server, null, '203.0.113.9').send(async session => session.signInFailed(`user${n}`))
    }
    const everything = JSON.stringify([await trailOf(watch), (await watch.alerts({ limit: 100 })).alerts, taken])
    assert.doesNotMatch(everything, /203\.0\.113|192\.0\.2|Test\/1\.0/)
    assert.ok(taken.length > 0)
  })

  it('NIST 5.3: with programs off, windows hold no browser, and a changed one is not seen; with addresses off, no network', async () => {
    const firefox = {
      headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0' },
    }
    const chrome = {
      headers: { 'user-agent': 'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36' },
    }
    for (const [privacy, found] of [
      [{}, ['agent-changed']],
      [{ addresses: 'off' }, ['agent-changed']],
      [{ userAgents: 'off' }, []],
    ] as const) {
      const store = memoryWatch()
      const members: string[] = []
      const see: typeof store.see = sightings => {
        members.push(...sightings.map(({ member }) => member))
        return store.see(sightings)
      }
      const { server, watch } = await start({ store: { ...store, see }, privacy })
      const browser = new Browser(server)
      await browser.signIn('alice', {}, chrome)
      await browser.see(chrome)
      await watch.flush()
      await browser.see(firefox)
      await watch.flush()
      const { alerts } = await watch.alerts({ limit: 10 })
      assert.deepEqual(
        alerts.map(({ detector }) => detector),
        found,
      )
      assert.ok(members.length > 0)
      if (found.length === 0) assert.doesNotMatch(members.join('\n'), /Firefox|Chrome|Linux|Windows/)
      if ('addresses' in privacy) assert.ok(members.every(member => !/^[46]\|/.test(member)))
    }
  })

  it('a store that is dead neither fails a request nor stays unnoticed', async () => {
    const notices: string[] = []
    const dead = memoryWatch()
    const { server, watch } = await start({
      store: dead,
      notifiers: [{ name: 'list', notify: async ({ alert }) => void notices.push(alert.detector) }],
      maxQueued: 100,
    })
    const failing = async () => {
      throw new Error('the disk is full')
    }
    Object.assign(dead, { append: failing, raise: failing, see: failing, tally: failing, add: failing })
    const browser = new Browser(server)
    for (let n = 0; n < 200; n += 1) assert.equal((await browser.signIn('alice')).status, 200)
    await until(() => notices.includes('trail-trouble'))
    assert.ok(watch.stats().dropped + watch.stats().queued >= 200)
  })

  it('what an attack leaves behind in windows is removed as fast as it comes', async t => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const store = memoryWatch()
    const { watch } = await start({ store })
    let left = 20_000
    store.forgetWindows = async (_now, limit) => {
      const removed = Math.min(left, limit)
      left -= removed
      return removed
    }
    t.mock.timers.tick(10_000)
    await watch.flush()
    assert.equal(left, 0)
    t.mock.timers.reset()
  })

  it('a store that never answers does not keep the process from ending', async t => {
    const server = startServer()
    const store = memoryWatch()
    const watch = await createWatch(server.sessions, { store })
    await new Browser(server).signIn('alice')
    const never = () => new Promise<never>(() => {})
    Object.assign(store, { add: never, put: never, forgetWindows: never, close: never })
    t.mock.timers.enable({ apis: ['setTimeout'] })
    let outcome: unknown
    watch.close().catch(error => {
      outcome = error
    })
    for (let turn = 0; turn < 1_000 && outcome === undefined; turn += 1) {
      t.mock.timers.tick(100)
      await new Promise(setImmediate)
    }
    assert.match(String(outcome), /no answer within/, 'it says that the store was not closed')
    t.mock.timers.reset()
    await server.sessions.close()
  })

  it('a listener that throws, and one that is slow to unsubscribe, harm nobody', async () => {
    const { server, watch } = await start()
    const heard: string[] = []
    const stop = watch.subscribe(event => {
      heard.push(event.type)
      throw new Error('broken')
    })
    await new Browser(server).signIn('alice')
    stop()
    await new Browser(server).signIn('bob')
    assert.deepEqual(heard, ['session.created', 'session.signed-in'])
    assert.equal((await typesOf(watch)).length, 4)
  })

  it('listeners hear no more of an address and a program than is written down', async () => {
    const browserOf = {
      headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0' },
    }
    const choices: readonly (readonly [WatchOptions['privacy'], string | null, string | null])[] = [
      [{}, '198.51.100.77', browserOf.headers['user-agent']],
      [{ addresses: 'truncated', userAgents: 'family' }, '198.51.100.0/24', 'Firefox on Linux'],
      [{ addresses: 'off', userAgents: 'off' }, null, null],
    ]
    for (const [privacy = {}, address, userAgent] of choices) {
      const { server, watch } = await start({ privacy })
      const heard: unknown[] = []
      watch.subscribe(({ origin }) => heard.push(origin))
      await new Browser(server, null, '198.51.100.77').signIn('alice', {}, browserOf)
      assert.deepEqual(heard, [
        { address, userAgent },
        { address, userAgent },
      ])
    }
  })

  it('alerts of any state that were quiet for longer than the retention are forgotten', async t => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const { server, watch } = await start({ retention: '30d' })
    await replay(server)
    await watch.flush()
    assert.equal((await watch.countAlerts()).open, 1)
    const pass = async (time: '29d' | '2d') => {
      server.clock.advance(time)
      t.mock.timers.tick(10_000)
      await watch.flush()
    }
    await pass('29d')
    assert.equal((await watch.countAlerts()).open, 1)
    await pass('2d')
    assert.deepEqual((await watch.alerts({ limit: 10 })).alerts, [])
  })

  it('says how detectors and alerts are doing', async () => {
    const broken = { see: () => Promise.reject(new Error('down')), tally: () => Promise.reject(new Error('down')) }
    const { server, watch } = await start({ store: { ...memoryWatch(), ...broken } })
    await replay(server)
    await watch.flush()
    const { signals, detections } = watch.stats()
    assert.equal(signals.waiting, 0)
    assert.ok(signals.lost > 0)
    assert.deepEqual(detections, { waiting: 0, lost: 0 })
  })

  it('closed twice it is closed once, and what happens afterwards is nobody’s business', async () => {
    const { server, watch } = await start()
    await new Browser(server).signIn('alice')
    const before = watch.stats().written
    await Promise.all([watch.close(), watch.close()])
    assert.ok(watch.stats().written >= before + 2)
    const { written } = watch.stats()
    await new Browser(server).signIn('bob')
    assert.equal(watch.stats().written, written)
  })

  const wrong: readonly (readonly [name: string, options: object, text: RegExp])[] = [
    ['no store', {}, /createWatch: store is missing.*sqliteWatch/],
    ['no room', { store: memoryWatch(), maxQueued: 3 }, /maxQueued must be a whole number from 100/],
    ['a bare number', { store: memoryWatch(), retention: 90 }, /retention/],
    ['no such detector', { store: memoryWatch(), detectors: { 'token-gessing': false } }, /token-gessing/],
    ['no such action', { store: memoryWatch(), actions: { 'token-replay': 'kill' } }, /kill/],
    ['no such privacy', { store: memoryWatch(), privacy: { addresses: 'some' } }, /addresses/],
  ]
  for (const [name, options, text] of wrong) {
    it(`refuses ${name}, and says what to write`, async () => {
      const server = startServer()
      await assert.rejects(createWatch(server.sessions, options as WatchOptions), error => {
        assert.ok(error instanceof UsageError, String(error))
        assert.match(error.message, text)
        return true
      })
      await server.sessions.close()
    })
  }
})

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(resolve => setTimeout(resolve, 20))
}
