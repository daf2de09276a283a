import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { StoredRecord } from 'latchkey'
import {
  decodeBody,
  encodeBody,
  type SessionBody,
  sealData,
  sealHandoff,
  unsealData,
  unsealHandoff,
} from '../../src/session/body.ts'
import { createKeyRing } from '../../src/session/key-ring.ts'
import { sealingKey } from '../../src/session/seal.ts'
import { readToken } from '../../src/session/token.ts'
import { Browser } from '../actors/browser.ts'
import { type Server, startServer, told } from '../actors/server.ts'

const ring = createKeyRing([randomBytes(32).toString('base64url')])
const key = sealingKey(ring.newest, randomBytes(32))

const sound: SessionBody = {
  proofs: [{ method: 'pwd', at: 1, aal: 1 }],
  persistent: false,
  bearer: null,
  pending: { userId: 'alice', proofs: [], persistent: false, generation: 0, expiresAt: 1 },
  challenges: [{ hash: 'hash', digest: 'digest', level: 1, expiresAt: 1, failures: 0 }],
  client: { address: '192.0.2.1', userAgent: null },
  secret: { hash: 'hash', keyId: 'key', issuedAt: 1 },
  retired: [{ hash: 'old', at: 1, handoff: { sealed: 'x', seenAt: null } }],
  data: 'sealed',
}

describe('body of a record', () => {
  it('comes back as it was written', () => assert.deepEqual(decodeBody(encodeBody(sound)), sound))

  const broken: readonly object[] = [
    { proofs: null },
    { proofs: [null] },
    { proofs: [{ method: 1, at: 1, aal: 1 }] },
    { proofs: [{ method: 'pwd', at: '1', aal: 1 }] },
    { proofs: [{ method: 'pwd', at: 1, aal: '1' }] },
    { pending: 'alice' },
    { pending: { ...sound.pending, userId: null } },
    { pending: { ...sound.pending, proofs: {} } },
    { pending: { ...sound.pending, persistent: 0 } },
    { pending: { ...sound.pending, generation: null } },
    { pending: { ...sound.pending, expiresAt: '1' } },
    { challenges: {} },
    { challenges: [null] },
    { challenges: [{ ...sound.challenges[0], hash: 1 }] },
    { challenges: [{ ...sound.challenges[0], digest: null }] },
    { challenges: [{ ...sound.challenges[0], level: '1' }] },
    { challenges: [{ ...sound.challenges[0], expiresAt: null }] },
    { challenges: [{ ...sound.challenges[0], failures: null }] },
    { persistent: 0 },
    { bearer: 'app' },
    { bearer: { clientId: 1, keyThumbprint: null } },
    { bearer: { clientId: 'app' } },
    { client: null },
    { client: 'x' },
    { client: { address: 1, userAgent: null } },
    { client: {} },
    { secret: null },
    { secret: { hash: 1, issuedAt: 1 } },
    { secret: { hash: 'x', issuedAt: '1' } },
    { retired: {} },
    { retired: [null] },
    { retired: ['x'] },
    { retired: [{ hash: 'x', at: 1 }] },
    { retired: [{ hash: 1, at: 1, handoff: null }] },
    { retired: [{ hash: 'x', at: '1', handoff: null }] },
    { retired: [{ hash: 'x', at: 1, handoff: { sealed: 1, seenAt: null } }] },
    { retired: [{ hash: 'x', at: 1, handoff: { sealed: 'x', seenAt: '1' } }] },
    { data: 1 },
    { data: undefined },
  ]
  for (const part of broken) {
    it(`with ${JSON.stringify(part)} it is unreadable`, () => {
      assert.equal(decodeBody(JSON.stringify({ ...sound, ...part })), null)
    })
  }

  it('cut short at any character it is unreadable', () => {
    const text = encodeBody(sound)
    for (let length = 0; length < text.length; length += 1) assert.equal(decodeBody(text.slice(0, length)), null)
  })

  it('no text makes reading throw', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), text => decodeBody(text) === null))
  })

  it('a handoff opens only under its own secret and for its own session', () => {
    const successor = randomBytes(32)
    const sealed = sealHandoff(key, successor, 'sid', randomBytes)
    assert.deepEqual(unsealHandoff(key, sealed, 'sid'), successor)
    assert.equal(unsealHandoff(key, sealed, 'other'), null)
    assert.equal(unsealHandoff(sealingKey(ring.newest, randomBytes(32)), sealed, 'sid'), null)
  })

  it('sealed data and handoffs cannot be taken for each other', () => {
    const record = { sid: 'sid', userId: null, createdAt: 1 }
    assert.equal(unsealHandoff(key, sealData(key, '{}', record, sound, randomBytes), 'sid'), null)
    assert.equal(
      unsealData(key, record, { ...sound, data: sealHandoff(key, randomBytes(32), 'sid', randomBytes) }),
      null,
    )
  })
})

/** Changes a stored record behind the engine's back, as somebody who can write to the store but holds no token. */
function tamper(server: Server, change: (record: StoredRecord, body: SessionBody) => Partial<StoredRecord>): void {
  const read = server.store.read.bind(server.store)
  server.store.read = async sid => {
    const record = await read(sid)
    return record && { ...record, ...change(record, JSON.parse(record.body)) }
  }
}

const inBody = (change: object) => (_: StoredRecord, body: SessionBody) => ({
  body: JSON.stringify({ ...body, ...change }),
})

async function signedIn() {
  const server = startServer()
  const browser = new Browser(server)
  await browser.put({ secret: 'diary' })
  await browser.signIn('alice')
  server.events.length = 0
  return { server, browser }
}

describe('RT-8, 11.3.3: a record that was tampered with in the store', () => {
  type Tamper = Parameters<typeof tamper>[1]
  const tampered: readonly (readonly [name: string, change: Tamper])[] = [
    ['another user', () => ({ userId: 'admin' })],
    ['no user', () => ({ userId: null })],
    ['created later', record => ({ createdAt: record.createdAt + 1 })],
    ['a higher level', inBody({ proofs: [{ method: 'pwd', at: Date.UTC(2030, 0, 1), aal: 3 }] })],
    [
      'another method',
      (record, body) =>
        inBody({ proofs: [...body.proofs, { method: 'otp', at: record.createdAt, aal: 1 }] })(record, body),
    ],
    ['a fresher sign-in', inBody({ proofs: [{ method: 'pwd', at: Number.MAX_SAFE_INTEGER, aal: 1 }] })],
    ['no proof at all', inBody({ proofs: [] })],
    ['a sign-in that nobody began', inBody({ pending: sound.pending })],
    ['a persistent session', inBody({ persistent: true })],
    ['no data', inBody({ data: '' })],
    ['other data', inBody({ data: Buffer.alloc(64).toString('base64url') })],
    ['an empty body', () => ({ body: '' })],
    ['a body that is no JSON', () => ({ body: '{"authenticatedAt":' })],
    ['a body that is null', () => ({ body: 'null' })],
    ['a body that is a list', () => ({ body: '[]' })],
    ['a cut body', record => ({ body: record.body.slice(0, -10) })],
    ['a body of another version', inBody({ secret: undefined })],
    ['a list of retired secrets with nothing in it', inBody({ retired: [null] })],
    ['64 KiB of garbage', () => ({ body: 'x'.repeat(65_536) })],
  ]
  for (const [name, change] of tampered) {
    it(`${name}: the session is refused, told of, and not ended`, async () => {
      const { server, browser } = await signedIn()
      tamper(server, change)
      const reply = await browser.see()
      assert.equal(reply.status, 200)
      assert.deepEqual(reply.body, { id: null, userId: null, data: {} })
      assert.equal(reply.setCookie, null)
      assert.deepEqual(told(server), ['record.corrupt'])
    })

    it(`${name}: lists and look-ups survive it`, async () => {
      const { server } = await signedIn()
      const [info] = await server.sessions.list('alice')
      tamper(server, change)
      const list = server.store.list.bind(server.store)
      server.store.list = async userId =>
        (await list(userId)).map(record => ({ ...record, ...change(record, JSON.parse(record.body)) }))
      await server.sessions.list('alice')
      await server.sessions.find(info?.sid ?? '')
    })
  }

  it('the body of another session of the same user is refused', async () => {
    const { server, browser } = await signedIn()
    const other = new Browser(server)
    await other.signIn('alice')
    const [{ sid } = { sid: '' }] = await server.sessions.list('alice')
    const foreign = (await server.store.read(sid))?.body ?? ''
    tamper(server, record => (record.sid === sid ? {} : { body: foreign }))
    server.events.length = 0
    // The foreign body names another secret than the one that is presented, so this is a replay.
    assert.equal((await browser.see()).body?.userId, null)
    assert.deepEqual(told(server), ['token.replayed', 'session.ended replayed'])
  })

  it('the sealed data of another session under the own secret is refused', async () => {
    const { server, browser } = await signedIn()
    const other = new Browser(server)
    await other.signIn('alice')
    const [{ sid } = { sid: '' }] = await server.sessions.list('alice')
    const { data } = JSON.parse((await server.store.read(sid))?.body ?? '')
    tamper(server, (record, body) => (record.sid === sid ? {} : inBody({ data })(record, body)))
    server.events.length = 0
    assert.equal((await browser.see()).body?.userId, null)
    assert.deepEqual(told(server), ['record.corrupt'])
  })

  it('a store that answers with another record than the one asked for: 503, and nobody is signed in or out', async () => {
    const { server, browser } = await signedIn()
    const other = new Browser(server)
    await other.signIn('mallory')
    const [{ sid } = { sid: '' }] = await server.sessions.list('mallory')
    const read = server.store.read.bind(server.store)
    server.store.read = () => read(sid)
    assert.equal((await browser.see()).status, 503)
    server.store.read = read
    assert.deepEqual([(await browser.see()).body?.userId, (await other.see()).body?.userId], ['alice', 'mallory'])
  })
})

describe('somebody who can write to the store and has a session of his own', () => {
  /** Rewrites his own record to be the administrator's, sealed with what he knows: his token's secret and `serverSecret`. */
  async function becomeAdmin(serverSecret: (server: Server) => string) {
    const { server, browser } = await signedIn()
    const own = readToken(createKeyRing([server.secret]), browser.token ?? '')
    assert.ok(own)
    const guess = sealingKey(createKeyRing([serverSecret(server)]).newest, own.secret)
    tamper(server, (record, body) => {
      const raised = { ...body, proofs: [{ method: 'pwd', at: record.createdAt, aal: 3 } as const] }
      const data = sealData(guess, '{}', { ...record, userId: 'admin' }, raised, randomBytes)
      return { userId: 'admin', body: JSON.stringify({ ...raised, data }) }
    })
    return (await browser.send(async session => (await session.load()).userId, { method: 'GET' })).body
  }

  it('does not become somebody else: sealing needs the server, too', async () => {
    assert.equal(await becomeAdmin(() => randomBytes(32).toString('base64url')), null)
  })

  it("would, if he had the server's secret as well: the test above tests something", async () => {
    assert.equal(await becomeAdmin(server => server.secret), 'admin')
  })
})
