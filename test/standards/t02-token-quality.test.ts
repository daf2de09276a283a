import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { before, describe, it } from 'node:test'
import { createKeyRing } from '../../src/session/key-ring.ts'
import { pooledRandomBytes } from '../../src/session/random.ts'
import { newSecret, newSid, writeToken } from '../../src/session/token.ts'
import { Browser } from '../actors/browser.ts'
import { startServer } from '../actors/server.ts'

const count = 100_000

/** Bits set at each of the 256 places, over all the values. */
function bitCounts(values: readonly Buffer[]): number[] {
  const counts = new Array<number>(256).fill(0)
  for (const value of values) {
    for (let place = 0; place < 256; place += 1) {
      counts[place] = (counts[place] ?? 0) + (((value[place >> 3] ?? 0) >> (place & 7)) & 1)
    }
  }
  return counts
}

/**
 * How far a count is from what chance expects, in standard deviations. The tests allow six: for all places together one
 * false alarm in two million runs.
 */
const deviation = (hits: number, tries: number, chance: number) =>
  Math.abs(hits - tries * chance) / Math.sqrt(tries * chance * (1 - chance))

describe('T02 quality of 100,000 tokens of one user', () => {
  const ring = createKeyRing([randomBytes(32).toString('base64url')])
  const tokens: Buffer[] = []
  const secrets: Buffer[] = []
  before(() => {
    for (let n = 0; n < count; n += 1) {
      const sid = newSid(pooledRandomBytes, 'alice')
      tokens.push(Buffer.from(writeToken(ring.newest, sid, newSecret(pooledRandomBytes)).slice(9), 'base64url'))
    }
    secrets.push(...tokens.map(token => token.subarray(16, 48)))
  })

  it('7.2.3, WSTG-SESS-01a: all sids, secrets and tags are different', () => {
    for (const [from, to] of [
      [0, 16],
      [16, 48],
      [48, 64],
    ]) {
      assert.equal(new Set(tokens.map(token => token.toString('hex', from, to))).size, count)
    }
  })

  it('7.2.3, 11.5.1: a secret has 256 bits, and none of them leans to one side', () => {
    const worst = Math.max(...bitCounts(secrets).map(hits => deviation(hits, count, 0.5)))
    assert.ok(worst < 6, `${worst} standard deviations`)
  })

  it('WSTG-SESS-01a: every byte value is as frequent as every other', () => {
    const counts = new Array<number>(256).fill(0)
    for (const secret of secrets) for (const byte of secret) counts[byte] = (counts[byte] ?? 0) + 1
    const worst = Math.max(...counts.map(hits => deviation(hits, count * 32, 1 / 256)))
    assert.ok(worst < 6, `${worst} standard deviations`)
  })

  it('WSTG-SESS-01a: a secret tells nothing about the next one', () => {
    const flips = secrets.slice(1).map((secret, index) => {
      const previous = secrets[index] as Buffer
      return Buffer.from(secret.map((byte, at) => byte ^ (previous[at] ?? 0)))
    })
    const worst = Math.max(...bitCounts(flips).map(hits => deviation(hits, count - 1, 0.5)))
    assert.ok(worst < 6, `${worst} standard deviations`)
  })

  it('WSTG-SESS-01a: the sids of a user share the twelve bits that name their slot, as declared, and no other', () => {
    const slot = createHash('sha256').update('alice').digest()
    const set = bitCounts(tokens.map(token => token.subarray(0, 16)))
    for (let place = 0; place < 128; place += 1) {
      const hits = set[place] ?? 0
      // The slot: the first byte and the upper half of the second.
      if (place < 8 || (place >= 12 && place < 16))
        assert.equal(hits, ((slot[place >> 3] ?? 0) >> (place & 7)) & 1 ? count : 0)
      else assert.ok(deviation(hits, count, 0.5) < 6, `bit ${place}`)
    }
  })

  it('WSTG-SESS-01a: sids of anonymous sessions share nothing, and users spread over the slots', () => {
    const anonymous = Array.from({ length: 10_000 }, () => Buffer.from(newSid(pooledRandomBytes, null), 'base64url'))
    const worst = Math.max(
      ...bitCounts(anonymous)
        .slice(0, 128)
        .map(hits => deviation(hits, 10_000, 0.5)),
    )
    assert.ok(worst < 6, `${worst} standard deviations`)
    const slots = new Set(Array.from({ length: 10_000 }, (_, n) => newSid(pooledRandomBytes, `user ${n}`).slice(0, 2)))
    assert.ok(slots.size > 3_500, `${slots.size} of 4,096 slots`)
  })
})

describe('T02 what is in a token', () => {
  it('WSTG-SESS-01b: neither user, nor time, nor address, nor anything of the request, in any encoding', async () => {
    const server = startServer()
    const browser = new Browser(server, null, '198.51.100.77')
    await browser.signIn('alice@campus.example', {}, { headers: { 'user-agent': 'Seeded/9.9' } })
    const now = server.clock.now()
    const time = Buffer.alloc(8)
    time.writeBigUInt64BE(BigInt(now))
    const seconds = Buffer.alloc(4)
    seconds.writeUInt32BE(Math.floor(now / 1000))
    const texts = ['alice', 'campus', 'Seeded', '198.51.100.77', String(now), String(Math.floor(now / 1000))]
    const seeds = [...texts.map(seed => Buffer.from(seed)), Buffer.from([198, 51, 100, 77]), time.subarray(2), seconds]
    const text = browser.token ?? ''
    const raw = Buffer.from(text.slice(9), 'base64url')
    const backwards = Buffer.from(raw).reverse()
    const readings = [text, raw.toString('latin1'), raw.toString('hex'), backwards.toString('latin1')]
    for (const seed of seeds) {
      for (const reading of readings) {
        for (const encoding of ['latin1', 'hex', 'base64url'] as const) {
          assert.ok(!reading.includes(seed.toString(encoding)), `${seed.toString('latin1')} as ${encoding}`)
        }
      }
    }
  })

  it('7.2.2: the same user in the same millisecond gets tokens that have nothing but the key id and the slot in common', async () => {
    const server = startServer()
    const tokens: string[] = []
    for (let n = 0; n < 2; n += 1) {
      const browser = new Browser(server)
      await browser.signIn('alice')
      tokens.push(browser.token ?? '')
    }
    const [one = '', other = ''] = tokens
    const same = [...one].filter((character, at) => character === other[at]).length
    assert.equal(one.slice(0, 11), other.slice(0, 11))
    assert.ok(same < 11 + 12, `${same} of 95 characters`)
  })

  it('RT-7, CS-S2: the store gets the hash of the secret, and neither the secret nor the token', async () => {
    const server = startServer()
    const browser = new Browser(server)
    await browser.signIn('alice')
    const secret = Buffer.from(browser.token?.slice(9) ?? '', 'base64url').subarray(16, 48)
    const [{ sid } = { sid: '' }] = await server.sessions.list('alice')
    const record = JSON.stringify(await server.store.read(sid))
    assert.ok(record.includes(createHash('sha256').update(secret).digest('base64url')))
    for (const encoding of ['base64', 'base64url', 'hex', 'latin1'] as const) {
      assert.ok(!record.includes(secret.toString(encoding)), encoding)
    }
    assert.ok(!record.includes(browser.token ?? ''))
  })
})

describe('T02 the source of randomness', () => {
  it('7.2.3: sid and secret are what the source gave, all of it and nothing else', async () => {
    const given: Buffer[] = []
    const random = (size: number) => {
      const bytes = randomBytes(size)
      given.push(Buffer.from(bytes))
      return bytes
    }
    const browser = new Browser(startServer({ random }))
    await browser.put({ n: 1 })
    const raw = Buffer.from(browser.token?.slice(9) ?? '', 'base64url')
    const has = (part: Buffer) => given.some(bytes => bytes.equals(part))
    assert.ok(has(raw.subarray(0, 16)), 'the sid of an anonymous session')
    assert.ok(has(raw.subarray(16, 48)), 'the secret')
  })

  const broken: readonly (readonly [name: string, random: (size: number) => Buffer])[] = [
    ['too few bytes', () => randomBytes(8)],
    ['half of them', size => randomBytes(size / 2)],
    ['one byte less', size => randomBytes(size - 1)],
    ['one byte more', size => randomBytes(size + 1)],
    ['always the same', size => Buffer.alloc(size, 7)],
  ]
  for (const [name, random] of broken) {
    it(`7.2.3: a source that gives ${name} is refused, naming the option, before a second token is issued`, async () => {
      const server = startServer({ random })
      const [one, other] = [new Browser(server), new Browser(server)]
      await one.signIn('alice')
      const reply = await other.signIn('alice')
      assert.deepEqual([reply.status, reply.code, reply.token], [500, 'usage', null])
    })
  }
})
