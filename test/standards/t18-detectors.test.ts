/** T18: what happens at the same time in two places, through the engine, on two nodes that see half of it each. */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { createWatch, type DetectorName, type Watch, type WatchOptions } from 'latchkey/watch'
import { memoryWatch } from 'latchkey/watch/stores/memory'
import { Browser } from '../actors/browser.ts'
import { type Server, type ServerOptions, startAnotherNode, startServer } from '../actors/server.ts'
import { browsers, geo } from '../watch/detectors/watched-world.ts'

const home = '10.1.0.5'
const newYork = '10.5.0.66'
const tokyo = '10.6.0.66'
const as = (userAgent: string) => ({ headers: { 'user-agent': userAgent } })

describe('T18 anomalies', () => {
  const running: { readonly server: Server; readonly watch: Watch }[] = []
  afterEach(async () => {
    for (const { server, watch } of running.splice(0)) {
      await watch.close()
      await server.sessions.close()
    }
  })

  /** Two processes behind one load balancer. */
  const start = async (server: ServerOptions = {}, watch: Partial<WatchOptions> = {}) => {
    const store = memoryWatch()
    const first = startServer(server)
    const second = startAnotherNode(first, server)
    for (const node of [first, second]) {
      running.push({ server: node, watch: await createWatch(node.sessions, { store, geo, ...watch }) })
    }
    const flush = async () => {
      for (const node of running) await node.watch.flush()
    }
    return {
      ...{ first, second, clock: first.clock, flush },
      /** Which detectors have alerts, and about what. */
      alerts: async () => {
        await flush()
        const { alerts } = await store.alerts({ limit: 100 })
        return [...new Set(alerts.map(({ detector }): DetectorName => detector))].sort()
      },
      story: async (type: 'session.seen-elsewhere' | 'detector.hit') => {
        await flush()
        return (await store.entries({ limit: 1_000, types: [type] })).entries
      },
    }
  }
  /** A browser at a node: it has the jar of another one, if that is given. */
  const at = (server: Server, address: string, jar?: Browser) => new Browser(server, jar?.token ?? null, address)

  it('WSTG-SESS-11, 7.1.2: a hundred sign-ins of one user raise an alert, half of them on each node', async () => {
    const { first, second, alerts } = await start()
    for (let n = 0; n < 100; n += 1) await at(n % 2 ? first : second, home).signIn('alice')
    assert.deepEqual(await alerts(), ['too-many-sessions'])
  })

  it('WSTG-SESS-11: sign-ins from the same address and from another one near by are no alert', async () => {
    const { first, second, clock, alerts } = await start()
    for (const address of [home, home, '10.4.0.9', '10.2.0.1']) {
      await at(address === home ? first : second, address).signIn('alice')
      clock.advance('1m')
    }
    assert.deepEqual(await alerts(), [])
  })

  /** Alice has been coming from home for longer than a week. */
  const getToKnow = async ({ first, clock, flush }: Awaited<ReturnType<typeof start>>) => {
    await at(first, home).signIn('alice', {}, as(browsers.chrome))
    await flush()
    clock.advance('8d')
  }

  it('WSTG-SESS-11: sign-ins far apart within five minutes are impossible travel, each on another node', async () => {
    const world = await start()
    await getToKnow(world)
    const { first, second, clock, flush, alerts } = world
    await at(first, home).signIn('alice')
    await flush()
    clock.advance('5m')
    await at(second, tokyo).signIn('alice')
    assert.deepEqual(await alerts(), ['impossible-travel'])
  })

  it('WSTG-SESS-11: so they are of somebody new, of whom it is written down, and no alert yet', async () => {
    const { first, second, clock, flush, alerts, story } = await start()
    await at(first, home).signIn('alice')
    await flush()
    clock.advance('5m')
    await at(second, tokyo).signIn('alice')
    const [hit, ...others] = await story('detector.hit')
    assert.deepEqual(
      [hit?.detail.detector, hit?.detail.alert, hit?.severity, hit?.userId, others],
      ['impossible-travel', null, 'info', 'alice', []],
    )
    assert.deepEqual(await alerts(), [])
    const minute = Math.floor(clock.now() / 60_000)
    assert.deepEqual(
      await running[0]?.watch.points(['alerts'], minute - 10, minute + 1),
      [],
      'nor is it counted as one',
    )
  })

  it('CS-T1: what may be somebody new does not hide what is surely not them, where both are only written down', async () => {
    const { first, clock, flush, story } = await start({}, { actions: { 'impossible-travel': 'record' } })
    for (const day of [1, 2]) {
      for (const user of ['bob', 'carol', 'dave']) {
        for (const place of [home, newYork]) await at(first, place).signIn(`${user} of ${place}`)
      }
      await flush()
      clock.advance(day === 1 ? '1d' : '8d')
    }
    const owner = at(first, home)
    await owner.signIn('alice', {}, as(browsers.chrome))
    await flush()
    clock.advance('1m')
    for (const place of [newYork, tokyo]) {
      await at(first, place, owner).see(as(browsers.chrome))
      await flush()
      clock.advance('20s')
    }
    const evidence = (await story('detector.hit')).map(({ detail }) => Object(detail.evidence))
    assert.deepEqual(evidence.map(({ countries, tentative = false }) => [...countries, tentative]).sort(), [
      ['DE', 'US', true],
      ['US', 'JP', false],
    ])
  })

  it('CS-T1: an update of the browser and a move to another network are written down, and no alert', async () => {
    const { first, second, clock, flush, alerts, story } = await start()
    const owner = at(first, home)
    await owner.signIn('alice', {}, as(browsers.chrome))
    await owner.see(as(browsers.chrome))
    await flush()
    clock.advance('3m')
    await at(second, home, owner).see(as(browsers.chromeUpdated))
    await flush()
    clock.advance('3m')
    await at(second, '10.2.0.5', owner).see(as(browsers.chromeUpdated))
    assert.deepEqual(await alerts(), [])
    const changes = (await story('session.seen-elsewhere')).map(({ detail }) => detail.changed)
    assert.deepEqual(changes, [['network'], ['agent']])
  })

  it('CS-T1, NIST 5.3: another operating system in the same session is an alert, on the node that never saw it before', async () => {
    const { first, second, clock, flush, alerts } = await start()
    const owner = at(first, home)
    await owner.signIn('alice', {}, as(browsers.chrome))
    await flush()
    clock.advance('3m')
    await at(second, home, owner).see(as(browsers.chromeOnLinux))
    assert.deepEqual(await alerts(), ['agent-changed'])
  })

  it('CS-S8: owner and thief at the same time, each at a node of their own, are found', async () => {
    const world = await start()
    await getToKnow(world)
    const { first, second, clock, flush, alerts } = world
    const owner = at(first, home)
    await owner.signIn('alice', {}, as(browsers.chrome))
    const thief = at(second, '10.2.0.66', owner)
    // The same browser in the same country: only that both go on tells.
    for (let n = 0; n < 60; n += 1) {
      for (const browser of [owner, thief]) await browser.see(as(browsers.chrome))
      await flush()
      clock.advance('5s')
    }
    assert.deepEqual(await alerts(), ['two-places'])
  })

  const properties: readonly (readonly [
    name: string,
    address: string,
    agent: string,
    found: readonly DetectorName[],
  ])[] = [
    ['nothing', home, browsers.chrome, []],
    ['the address', '10.1.0.77', browsers.chrome, []],
    ['the network', '10.4.0.1', browsers.chrome, []],
    ['the country', '10.8.0.1', browsers.chrome, []],
    ['the browser’s version', home, browsers.chromeUpdated, []],
    ['the browser', home, browsers.edge, ['agent-changed']],
    ['the system', home, browsers.chromeOnLinux, ['agent-changed']],
    ['browser and network', '10.4.0.1', browsers.edge, ['agent-changed']],
    ['browser and country', '10.8.0.1', browsers.edge, ['agent-changed', 'network-changed']],
    ['the continent, at once', newYork, browsers.chrome, ['impossible-travel']],
  ]
  for (const [name, address, agent, found] of properties) {
    it(`CS-S8: what changes is ${name}: ${found.join(', ') || 'no alert'}; and nobody is locked out by default`, async () => {
      const world = await start({ policy: { idleTimeout: '2h', absoluteTimeout: '8h' } })
      await getToKnow(world)
      const { first, second, clock, flush, alerts } = world
      const owner = at(first, home)
      await owner.signIn('alice', {}, as(browsers.chrome))
      await flush()
      clock.advance(name.endsWith('at once') ? '1m' : '100m')
      const other = at(second, address, owner)
      assert.equal((await other.see(as(agent))).body?.userId, 'alice')
      assert.deepEqual(await alerts(), found)
      assert.equal((await other.see(as(agent))).body?.userId, 'alice')
    })
  }

  it('NIST 5.3: a session of another continent can be made to prove again who it is', async () => {
    const world = await start({}, { actions: { 'impossible-travel': 'reauthenticate' } })
    await getToKnow(world)
    const { first, second, clock, flush, alerts } = world
    const owner = at(first, home)
    await owner.signIn('alice', {}, as(browsers.chrome))
    await flush()
    clock.advance('1m')
    const thief = at(second, tokyo, owner)
    await thief.see(as(browsers.chrome))
    assert.deepEqual(await alerts(), ['impossible-travel'])
    assert.equal((await thief.see(as(browsers.chrome))).body?.userId, null)
  })

  it('CS-S6: a burst of made-up tokens is found on the node where it gets too many, per source', async () => {
    const { first, second, flush, alerts } = await start()
    const good = at(first, home)
    await good.signIn('alice')
    const keyId = good.token?.split('.')[0]
    for (let n = 0; n < 3; n += 1) {
      await new Browser(n % 2 ? first : second, `${keyId}.${'A'.repeat(80)}${n}`, newYork).see()
      await new Browser(n % 2 ? first : second, `${keyId}.${'B'.repeat(80)}${n}`, tokyo).see()
    }
    await new Browser(second, `${keyId}.${'A'.repeat(80)}98`, newYork).see()
    await flush()
    assert.deepEqual(await alerts(), ['forged-token'])
    await new Browser(first, `${keyId}.${'A'.repeat(80)}99`, newYork).see()
    assert.deepEqual(await alerts(), ['forged-token', 'token-guessing'])
  })

  it('CS-S6: a replay is an alert at once', async () => {
    const { first, second, clock, alerts } = await start()
    const owner = at(first, home)
    await owner.signIn('alice')
    const stolen = owner.token
    await owner.rotate()
    clock.advance('2m')
    await new Browser(second, stolen, tokyo).see()
    assert.ok((await alerts()).includes('token-replay'))
  })
})
