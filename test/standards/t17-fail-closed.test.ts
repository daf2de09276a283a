/**
 * T17: a store that is dead, slow or lying, over real HTTP on every adapter. Whatever it does, nobody becomes somebody
 * else, no failure looks like a sign-out or a success, and the server serves the next request.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { StoredRecord } from 'latchkey'
import { type Fault, faults, type StoreOperation } from 'latchkey/testing'
import { adapters, type Running, running } from '../actors/application.ts'
import type { HttpClient, WireAnswer } from '../actors/http-client.ts'

/** The answer of a server whose store is down: come back soon; nothing happened, and you are still who you were. */
function isUnavailable({ status, headers, setCookies, body }: WireAnswer, row: string): void {
  assert.equal(status, 503, row)
  assert.match(String(headers['retry-after']), /^[1-9]\d*$/, row)
  assert.deepEqual([setCookies, headers.location, headers['x-success']], [[], undefined, undefined], row)
  assert.doesNotMatch(body, /success|alice|bob|ECONN/, row)
}

/** Answers with the same record, but changed. */
const altered =
  (change: (record: StoredRecord) => unknown): Fault =>
  async proceed =>
    change((await proceed()) as StoredRecord)

/** Changes the readable part of a record's body. */
const bodyWith = (change: (body: Record<string, unknown>) => unknown): Fault =>
  altered(record => {
    const body = JSON.parse(record.body)
    return { ...record, body: JSON.stringify(change(body) ?? body) }
  })

/** What a store may answer to `read` that is no record at all: it is out of order. */
const garbage: Readonly<Record<string, Fault>> = {
  undefined: async () => undefined,
  zero: async () => 0,
  'an empty text': async () => '',
  'a text': async () => 'record',
  yes: async () => true,
  'a list': async () => [],
  'an empty object': async () => ({}),
  'a record in a list': altered(record => [record]),
  'a record as text': altered(record => JSON.stringify(record)),
  'a record without sid': altered(({ sid: _, ...record }) => record),
  'another record than the one asked for': altered(record => ({ ...record, sid: 'A'.repeat(22) })),
  'a record without body': altered(({ body: _, ...record }) => record),
  'a body that is no text': altered(record => ({ ...record, body: { user: 'bob' } })),
  'a record from no time': altered(record => ({ ...record, createdAt: Number.NaN })),
  'a use in no time': altered(record => ({ ...record, lastSeenAt: Number.NaN })),
  'a use in a text': altered(record => ({ ...record, lastSeenAt: 'yesterday' })),
  'a use at no time': altered(({ lastSeenAt: _, ...record }) => record),
  'a version of no number': altered(record => ({ ...record, version: 'two' })),
  'an end that is none': altered(record => ({ ...record, ended: 'yesterday' })),
  'an end without reason': altered(record => ({ ...record, ended: {} })),
}

/** Records that are damaged or that somebody has changed: their session is refused, and an alert is told. */
const tampered: Readonly<Record<string, Fault>> = {
  'a body of null': altered(record => ({ ...record, body: 'null' })),
  'half a body': altered(record => ({ ...record, body: record.body.slice(0, 99) })),
  'a body with a hole': bodyWith(({ secret: _, ...body }) => body),
  'a secret of null': bodyWith(body => ({ ...body, secret: null })),
  'a retired secret of null': bodyWith(body => ({ ...body, secret: { hash: 'x', issuedAt: 0 }, retired: [null] })),
  'retired secrets that are none': bodyWith(body => ({
    ...body,
    secret: { hash: 'x', issuedAt: 0 },
    retired: [1, 'a'],
  })),
  'a client of null': bodyWith(body => ({ ...body, client: null })),
  'methods that are no texts': bodyWith(body => ({ ...body, proofs: [{ method: null, at: 0, aal: 1 }, {}] })),
  'data that is not sealed': bodyWith(body => ({ ...body, data: '{"admin":true}' })),
  'data cut short': bodyWith(body => ({ ...body, data: String(body.data).slice(0, -1) })),
  "the record as another user's": altered(record => ({ ...record, userId: 'bob' })),
  'the record as an anonymous one': altered(record => ({ ...record, userId: null })),
  'a user that is no text': altered(record => ({ ...record, userId: { id: 'bob' } })),
  'a younger record': altered(record => ({ ...record, createdAt: record.createdAt + 1 })),
  'a stronger record': bodyWith(body => ({ ...body, proofs: [{ method: 'pwd', at: Date.UTC(2030, 0, 1), aal: 3 }] })),
  'a fresher record': bodyWith(body => ({ ...body, proofs: [{ method: 'pwd', at: Date.UTC(2031, 0, 1), aal: 1 }] })),
  'a record with a sign-in that nobody began': bodyWith(body => ({
    ...body,
    pending: { userId: 'bob', proofs: [], persistent: false, generation: 0, expiresAt: Date.UTC(2031, 0, 1) },
  })),
  'a persistent record': bodyWith(body => ({ ...body, persistent: true })),
}

const everyRequest = [
  'GET /me',
  'GET /private',
  'POST /set?a=1',
  'POST /increment',
  'POST /logout',
  'POST /login?user=bob',
]

async function request(visitor: HttpClient, address: string, csrf: string): Promise<WireAnswer> {
  const [method = '', path = ''] = address.split(' ')
  return visitor.send(path, { method, headers: { 'X-CSRF-Token': csrf } })
}

/** After the store has recovered, the session is what it was. */
async function isUnharmed({ store }: Running, visitor: HttpClient): Promise<void> {
  store.heal()
  const { userId, data } = await visitor.me()
  assert.deepEqual([userId, data], ['alice', { color: 'red' }])
}

async function withData({ signedIn }: Running): Promise<[HttpClient, string]> {
  const alice = await signedIn()
  await alice.post('/set?color=red')
  return [alice, await alice.csrf()]
}

for (const adapter of Object.keys(adapters)) {
  suite(`T17: a failing store on ${adapter}`, () => {
    for (const [name, fault] of Object.entries({ refuses: faults.refuses, hangs: faults.hangs })) {
      test(`ASVS 16.5.2, 16.5.3: while it ${name}, every request of a session is a 503, and public pages are served`, () =>
        running(
          adapter,
          async application => {
            const [alice, csrf] = await withData(application)
            application.store.disturb(fault)
            for (const address of everyRequest) isUnavailable(await request(alice, address, csrf), address)
            assert.equal((await alice.send('/public')).body, 'public')
            // Nobody needs the store to be told that they are nobody.
            assert.equal((await application.client().me()).userId, null)
            assert.equal((await application.client().send('/private')).status, 401)
            assert.ok(application.events.some(event => event.type === 'store.failed'))
            await isUnharmed(application, alice)
          },
          { sessions: { storeTimeout: '30ms' } },
        ))
    }

    for (const [name, fault] of Object.entries(garbage)) {
      test(`ASVS 16.5.2: a store that answers a read with ${name} is a failing store`, () =>
        running(adapter, async application => {
          const [alice, csrf] = await withData(application)
          application.store.disturb(fault, 'read')
          for (const address of everyRequest) isUnavailable(await request(alice, address, csrf), address)
          assert.ok(application.events.some(event => event.type === 'store.failed'))
          await isUnharmed(application, alice)
        }))
    }

    for (const [name, fault] of Object.entries(tampered)) {
      test(`ASVS 16.5.2: a store that answers a read with ${name} gives nobody an identity, and it is told`, () =>
        running(adapter, async application => {
          const [alice] = await withData(application)
          application.store.disturb(fault, 'read')
          const { status, body } = await alice.send('/private')
          assert.deepEqual([status, /alice|bob|red/.test(body)], [401, false])
          const { userId, data } = await alice.me()
          assert.deepEqual([userId, data], [null, {}])
          assert.ok(application.events.some(event => event.type === 'record.corrupt'))
          await isUnharmed(application, alice)
        }))
    }

    test('ASVS 16.5.2: a store that swaps the bodies of two records gives nobody the other one', () =>
      running(adapter, async application => {
        const { store, signedIn } = application
        const people = { alice: await signedIn('alice'), bob: await signedIn('bob') }
        const records: StoredRecord[] = []
        store.disturb(async proceed => {
          const record = (await proceed()) as StoredRecord
          records.push(record)
          return record
        }, 'read')
        for (const person of Object.values(people)) await person.me()
        store.disturb(
          altered(record => ({ ...records.find(({ sid }) => sid !== record.sid), sid: record.sid })),
          'read',
        )
        for (const person of Object.values(people)) assert.equal((await person.me()).userId, null)
      }))

    const answers: readonly (readonly [operation: StoreOperation, address: string, wrong: readonly unknown[]])[] = [
      [
        'create',
        'POST /login?user=alice',
        [
          undefined,
          null,
          'created',
          true,
          {},
          { outcome: 'ok' },
          { outcome: 'created' },
          { outcome: 'created', evicted: null },
        ],
      ],
      ['save', 'POST /set?color=blue', [undefined, null, true, 'ok', {}]],
      ['end', 'POST /logout', [undefined, true, 'ended', 0]],
      ['generation', 'POST /login?user=alice', [undefined, null, Number.NaN, '1', {}]],
    ]
    for (const [operation, address, wrong] of answers) {
      for (const answer of wrong) {
        const shown = JSON.stringify(answer) ?? 'undefined'
        test(`ASVS 16.5.2: a store that answers ${shown} to ${operation} is a failing store`, () =>
          running(
            adapter,
            async application => {
              const [alice, csrf] = await withData(application)
              const cookie = await alice.cookie()
              application.store.disturb(async () => answer, operation)
              isUnavailable(await request(alice, address, csrf), address)
              assert.equal(await alice.cookie(), cookie)
              await isUnharmed(application, alice)
            },
            { sessions: { storeTimeout: '50ms' } },
          ))
      }
    }

    const midway: readonly (readonly [name: string, operation: StoreOperation, address: string])[] = [
      ['between reading and writing', 'save', 'POST /set?color=blue'],
      ['between reading and writing a read-modify-write', 'save', 'POST /increment'],
      ['before a sign-in is written', 'create', 'POST /login?user=bob'],
      ['when a sign-in asks for the generation', 'generation', 'POST /login?user=bob'],
      ['only on sign-out', 'end', 'POST /logout'],
    ]
    for (const [name, operation, address] of midway) {
      for (const how of ['refuses', 'hangs'] as const) {
        test(`ASVS 16.5.3: a store that ${how} ${name} makes it a 503, and the session is what it was`, () =>
          running(
            adapter,
            async application => {
              const [alice, csrf] = await withData(application)
              application.store.disturb(faults[how], operation)
              isUnavailable(await request(alice, address, csrf), address)
              await isUnharmed(application, alice)
              assert.ok(
                application.events.some(event => event.type === 'store.failed' && event.operation === operation),
              )
            },
            { sessions: { storeTimeout: '30ms' } },
          ))
      }
    }

    test('ASVS 16.5.3: a sign-out that failed can be repeated, and a lost answer to it loses nothing else', () =>
      running(adapter, async application => {
        const [alice, csrf] = await withData(application)
        const thief = application.client()
        const cookie = await alice.cookie()
        application.store.disturb(faults.losesAnswer, 'end')
        isUnavailable(await request(alice, 'POST /logout', csrf), 'lost answer')
        application.store.heal()
        assert.equal((await thief.me({ cookie })).userId, null, 'it had reached the store')
        assert.equal((await request(alice, 'POST /logout', csrf)).status, 303)
        assert.equal(await alice.token(), null)
      }))

    test('ASVS 16.5.3: a failing note of the last use disturbs nobody', () =>
      running(adapter, async application => {
        const [alice] = await withData(application)
        application.clock.advance('2m')
        application.store.disturb(faults.refuses, 'touch')
        assert.equal((await alice.me()).userId, 'alice')
        assert.ok(application.events.some(event => event.type === 'store.failed' && event.operation === 'touch'))
        await isUnharmed(application, alice)
      }))

    test('ASVS 16.5.3: a rotation that cannot be written is a 503, and the token is what it was', () =>
      running(adapter, async application => {
        const [alice] = await withData(application)
        const token = await alice.token()
        application.clock.advance('10m')
        application.store.disturb(faults.refuses, 'save')
        isUnavailable(await alice.send('/me'), '/me')
        assert.equal(await alice.token(), token)
        await isUnharmed(application, alice)
        assert.notEqual(await alice.token(), token)
      }))

    test('ASVS 16.5.4: a listener that throws stops nothing and lets nobody in', () =>
      running(
        adapter,
        async ({ client, signedIn }) => {
          const alice = await signedIn()
          assert.equal((await alice.send('/private')).status, 200)
          assert.equal((await alice.post('/set?a=1')).status, 303)
          assert.equal((await client().send('/private', { cookie: '__Host-Http-sid=forged' })).status, 401)
          assert.equal((await alice.send('/set?a=1', { method: 'POST' })).status, 403)
          assert.equal((await alice.post('/logout')).status, 303)
          assert.equal((await alice.send('/private')).status, 401)
        },
        {
          sessions: {
            onEvent: () => {
              throw new Error('the log is full')
            },
          },
        },
      ))
  })
}
