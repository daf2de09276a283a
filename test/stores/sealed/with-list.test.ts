/** Sessions in their cookies, and a database that knows which of them live: an end is an end on every node. */
import assert from 'node:assert/strict'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, describe, it } from 'node:test'
import type { SessionStore, StoredRecord } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import { sealedStore } from 'latchkey/stores/sealed'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { faults, faultyStore } from 'latchkey/testing'
import { Browser } from '../../actors/browser.ts'
import { type Server, type ServerOptions, startServer, told } from '../../actors/server.ts'

const root = mkdtempSync(join(tmpdir(), 'latchkey-sealed-'))
after(() => rmSync(root, { recursive: true, force: true }))

let databases = 0
let running: Server[] = []
afterEach(async () => {
  for (const { sessions } of running) await sessions.close()
  running = []
})

/** Two processes that share a database, the secrets and the time. */
function twoNodes(options: ServerOptions = {}): readonly [Server, Server] {
  const file = join(root, `${databases++}.db`)
  const store = () => sealedStore({ revocations: sqliteStore(file) })
  const one = startServer({ store: store(), ...options })
  const other = startServer({ ...options, store: store(), secrets: [one.secret], clock: one.clock })
  running = [one, other]
  return [one, other]
}

const userOf = async (browser: Browser) => (await browser.see()).body?.userId ?? null
const idOf = async (browser: Browser) => (await browser.see()).body?.id ?? ''

async function signedIn(server: Server, user = 'alice') {
  server.clock.advance('1s')
  const browser = new Browser(server)
  await browser.signIn(user)
  return browser
}

/** Somebody with a copy of the cookie, who is brought to that node. */
const copyAt = (server: Server, { token }: Browser) => new Browser(server, token, '203.0.113.66')

describe('ends of sealed sessions, on two nodes over SQLite', () => {
  type Ends = (browser: Browser, nodes: readonly [Server, Server]) => Promise<unknown>
  const ends: Record<string, Ends> = {
    'ASVS 7.4.1: sign-out': browser => browser.signOut(),
    'ASVS 7.4.5: sessions.end(sid)': async (browser, [one]) => one.sessions.end(await idOf(browser)),
    'ASVS 7.4.5: sessions.end(sid), told to the other node': async (browser, [, other]) =>
      other.sessions.end(await idOf(browser)),
    'ASVS 7.5.2: sessions.end(sid, { userId })': async (browser, [one]) =>
      one.sessions.end(await idOf(browser), { userId: 'alice' }),
    'ASVS 7.4.2: endUser': (_browser, [one]) => one.sessions.endUser('alice'),
    endEverybody: (_browser, [one]) => one.sessions.endEverybody(),
    'ASVS 7.2.4: signing in again': browser => browser.signIn('alice'),
    'ASVS 7.2.4: signing in as somebody else': browser => browser.signIn('bob'),
    'ASVS 7.2.4: step-up': browser => browser.stepUp(),
    rotate: browser => browser.rotate(),
  }
  for (const [what, end] of Object.entries(ends)) {
    it(`${what} kills every copy of the cookie at once`, async () => {
      const nodes = twoNodes()
      const browser = await signedIn(nodes[0])
      await browser.put({ n: 1 })
      const earlier = browser.thief()
      await browser.put({ n: 2 })
      const copies = nodes.flatMap(node => [copyAt(node, browser), copyAt(node, earlier)])
      for (const copy of copies) assert.equal(await userOf(copy), 'alice')
      await end(browser, nodes)
      for (const copy of copies) {
        const seen = await copy.see()
        assert.deepEqual([seen.body, seen.setCookie], [{ id: null, userId: null, data: {} }, null])
      }
    })
  }

  it('ASVS 7.4.1: the anonymous cookie from before a sign-in is dead on the other node, too', async () => {
    const [one, other] = twoNodes()
    const browser = new Browser(one)
    await browser.put({ cart: [1] })
    const copy = copyAt(other, browser)
    assert.deepEqual((await copy.see()).body?.data, { cart: [1] })
    await browser.signIn('alice')
    assert.deepEqual((await copy.see()).body, { id: null, userId: null, data: {} })
    assert.deepEqual((await browser.see()).body?.data, { cart: [1] })
  })

  it('ASVS 7.4.3: endUser spares the session it is told to, and nobody else', async () => {
    const [one, other] = twoNodes()
    const [kept, gone, stranger] = [await signedIn(one), await signedIn(other), await signedIn(other, 'bob')]
    assert.equal(await one.sessions.endUser('alice', { except: await idOf(kept) }), 1)
    assert.deepEqual(
      [await userOf(copyAt(other, kept)), await userOf(copyAt(one, gone)), await userOf(copyAt(one, stranger))],
      ['alice', null, 'bob'],
    )
  })

  it("ASVS 7.5.2: an id from a form ends nobody else's session", async () => {
    const [one, other] = twoNodes()
    const browser = await signedIn(one)
    assert.equal(await other.sessions.end(await idOf(browser), { userId: 'mallory' }), false)
    assert.equal(await userOf(browser), 'alice')
  })

  it('a sign-in whose password was being checked when everything ended is refused', async () => {
    const [one, other] = twoNodes()
    const generation = await one.sessions.generation('alice')
    await other.sessions.endUser('alice')
    const { code, setCookie } = await new Browser(one).signIn('alice', { generation })
    assert.deepEqual([code, setCookie], ['sign-in-overtaken', null])
  })

  it('ASVS 7.1.2: maxSessions counts, and ends the oldest', async () => {
    const [one, other] = twoNodes({ policy: { maxSessions: 2 } })
    const browsers = [await signedIn(one), await signedIn(other), await signedIn(one)]
    assert.deepEqual(await Promise.all(browsers.map(userOf)), [null, 'alice', 'alice'])
    assert.equal((await other.sessions.list('alice')).length, 2)
  })

  it('a change under way when its session ends is refused, and leaves no cookie behind', async () => {
    const [one, other] = twoNodes()
    const browser = await signedIn(one)
    const id = await idOf(browser)
    const reply = await browser.send(async session => {
      await session.load()
      session.data.n = 1
      await other.sessions.end(id)
    })
    assert.deepEqual([reply.code, reply.setCookie], ['session-ended', null])
  })

  it('a replayed token ends the session for both, with an alert', async () => {
    const [one, other] = twoNodes()
    const browser = await signedIn(one)
    const thief = copyAt(other, browser)
    await browser.rotate()
    one.clock.advance('1m')
    assert.equal(await userOf(thief), null)
    assert.deepEqual(told(other), ['token.replayed', 'session.ended replayed'])
    assert.equal(await userOf(browser), null)
  })
})

describe('rotation of sealed sessions', () => {
  it('CK-13: whoever comes with the old cookie gets the new one until it has arrived, and never a third', async () => {
    const [one, other] = twoNodes()
    const browser = await signedIn(one)
    const late = copyAt(other, browser)
    one.clock.advance('10m')
    await browser.see({ lost: true })
    await browser.see({ lost: true })
    assert.ok((await late.see()).token, 'the replies were lost')
    assert.equal(told(one, 'session.rotated').length + told(other, 'session.rotated').length, 1)
    assert.equal(await userOf(late), 'alice')
    one.clock.advance('29s')
    assert.equal(await userOf(browser), 'alice')
    one.clock.advance('1s')
    assert.equal((await browser.see({ lost: true })).body?.userId, null, 'the grace is over')
  })

  it('who is late with the old cookie does not overwrite what the new one carries by then', async () => {
    const [one, other] = twoNodes()
    const browser = await signedIn(one)
    const late = copyAt(other, browser)
    one.clock.advance('10m')
    await browser.see()
    await browser.put({ n: 1 })
    const seen = await late.see()
    assert.deepEqual([seen.body?.userId, seen.setCookie], ['alice', null])
  })

  it('use is written down in the database, so a read makes no new cookie', async () => {
    const [one] = twoNodes()
    const browser = await signedIn(one)
    const copy = browser.thief()
    for (let minute = 1; minute <= 9; minute += 1) {
      one.clock.advance('1m')
      assert.equal((await browser.see()).setCookie, null)
    }
    one.clock.advance('10m')
    assert.equal((await copy.see()).body?.userId, 'alice', 'its cookie is old, but the session was in use')
  })
})

describe('data of sealed sessions with a list', () => {
  it('every change is in the new cookie, and known on every node that gets it', async () => {
    const [one, other] = twoNodes()
    const browser = await signedIn(one)
    await browser.put({ n: 1 })
    await browser.send(session => session.update(data => Object.assign(data, { m: 2 })))
    assert.deepEqual((await copyAt(other, browser).see()).body?.data, { n: 1, m: 2 })
    assert.equal((await browser.put({ n: 1 })).setCookie, null)
  })
})

describe('what the database knows of sealed sessions', () => {
  it('not a byte of data', async () => {
    const [one] = twoNodes()
    const browser = await signedIn(one)
    await browser.put({ diary: 'dear diary' })
    await browser.stepUp()
    const [session] = await one.sessions.list('alice')
    assert.deepEqual([session?.aal, session?.address, session?.userAgent], [2, '192.0.2.1', 'Test/1.0'])
    const record = await one.store.read(session?.sid ?? '')
    assert.equal(JSON.parse(record?.body ?? '').data, '')
    for (const file of globSync(`${root}/*`)) assert.ok(!readFileSync(file, 'latin1').includes('dear diary'), file)
  })

  const changes: Record<string, (record: StoredRecord) => StoredRecord> = {
    'somebody else': record => ({ ...record, userId: 'admin' }),
    younger: record => ({ ...record, createdAt: record.createdAt + 3_600_000 }),
    stronger: record => ({ ...record, body: record.body.replace('"aal":1', '"aal":3') }),
    'longer-lived': record => ({ ...record, body: record.body.replace('"persistent":false', '"persistent":true') }),
  }
  for (const [what, change] of Object.entries(changes)) {
    it(`whoever can write to it makes no session ${what}: the cookie knows better`, async () => {
      const inner = memoryStore()
      let changed = false
      const read = (sid: string) => {
        const record = inner.read(sid) as StoredRecord | null
        return record && changed ? change(record) : record
      }
      const revocations = new Proxy(inner, {
        get(target, property: keyof SessionStore) {
          const member: unknown = property === 'read' ? read : target[property]
          return typeof member === 'function' ? member.bind(target) : member
        },
      })
      const server = startServer({ store: sealedStore({ revocations }) })
      const browser = await signedIn(server)
      assert.equal(await userOf(browser), 'alice')
      changed = true
      const stranger = new Browser(
        startServer({ store: server.store, secrets: [server.secret], clock: server.clock }),
        browser.token,
      )
      for (const one of [browser, stranger]) assert.equal(await userOf(one), null)
      assert.deepEqual(told(server, 'record.corrupt'), ['record.corrupt'])
    })
  }

  for (const [what, fault] of Object.entries(faults)) {
    it(`ASVS 16.5.2: when it ${what}, a request is a 503 and nobody is signed in, or out`, async () => {
      const list = faultyStore(memoryStore())
      const server = startServer({ store: sealedStore({ revocations: list }), storeTimeout: '40ms' })
      const browser = await signedIn(server)
      list.disturb(fault)
      for (const ask of [
        () => browser.see(),
        () => browser.put({ n: 1 }),
        () => browser.signOut(),
        () => browser.stepUp(),
      ]) {
        const { status, setCookie } = await ask()
        assert.deepEqual([status, setCookie], [503, null])
      }
      list.heal()
      assert.equal(list.calls.filter(call => call === 'end').length, 0)
      assert.equal(await userOf(browser), 'alice')
    })
  }

  it('data beyond what a cookie holds is refused before anything is written', async () => {
    const list = faultyStore(memoryStore())
    const server = startServer({ store: sealedStore({ revocations: list }), maxDataBytes: 2_800 })
    const browser = await signedIn(server, 'ä'.repeat(256))
    list.calls.length = 0
    const { status, setCookie } = await browser.put({ a: 'x'.repeat(2_700) })
    assert.deepEqual([status, setCookie, list.calls], [413, null, ['read']])
  })
})
