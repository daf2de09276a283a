import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testClock } from 'latchkey/testing'
import { HOTP, Secret, TOTP, URI } from 'otpauth'
import { memoryFactors } from '../../src/mfa/stores/memory.ts'
import { Totp } from '../../src/mfa/totp.ts'
import { createKeyRing } from '../../src/session/key-ring.ts'
import { pooledRandomBytes } from '../../src/session/random.ts'
import { appWith, enrol, sessionOf, startFactors } from '../actors/second-factors.ts'
import { newSecretText } from '../actors/server.ts'

const asciiSeed = (length: number) => '1234567890'.repeat(7).slice(0, length)

describe('the vectors of the RFCs', () => {
  // RFC 4226, appendix D: the secret is the ASCII text 12345678901234567890.
  const hotp = ['755224', '287082', '359152', '969429', '338314', '254676', '287922', '162583', '399871', '520489']
  for (const [counter, code] of hotp.entries()) {
    it(`RFC 4226 appendix D: count ${counter} gives ${code}`, () => {
      const secret = Secret.fromLatin1(asciiSeed(20))
      assert.equal(HOTP.generate({ secret, algorithm: 'SHA1', digits: 6, counter }), code)
    })
  }

  // RFC 6238, appendix B: 8 digits; the secrets are as long as the hash.
  const totp: readonly (readonly [seconds: number, sha1: string, sha256: string, sha512: string])[] = [
    [59, '94287082', '46119246', '90693936'],
    [1_111_111_109, '07081804', '68084774', '25091201'],
    [1_111_111_111, '14050471', '67062674', '99943326'],
    [1_234_567_890, '89005924', '91819424', '93441116'],
    [2_000_000_000, '69279037', '90698825', '38618901'],
    [20_000_000_000, '65353130', '77737706', '47863826'],
  ]
  const seeds = { SHA1: 20, SHA256: 32, SHA512: 64 }
  for (const [seconds, ...codes] of totp) {
    for (const [index, [algorithm, length]] of Object.entries(seeds).entries()) {
      it(`RFC 6238 appendix B: ${seconds} s with ${algorithm} gives ${codes[index]}`, () => {
        const secret = Secret.fromLatin1(asciiSeed(length))
        const code = TOTP.generate({ secret, algorithm, digits: 8, period: 30, timestamp: seconds * 1_000 })
        assert.equal(code, codes[index])
      })
    }

    it(`RFC 6238 appendix B: at ${seconds} s the code of six digits passes here, and its neighbour does not`, async () => {
      const store = memoryFactors()
      const totp = new Totp({
        store,
        ring: createKeyRing([newSecretText()]),
        random: size => (size === 20 ? Buffer.from(asciiSeed(20), 'latin1') : pooledRandomBytes(size)),
        now: () => seconds * 1_000,
        issuer: 'Campus',
        window: 'current',
        corrupt: () => assert.fail('nothing is damaged'),
      })
      const session = sessionOf('ada')
      const whose = { sid: 'sid', userId: 'ada' }
      const { ticket } = await totp.begin(session, whose, 'ada')
      const [eight = ''] = codes
      const code = eight.slice(2)
      const neighbour = String((Number(code) + 1) % 1_000_000).padStart(6, '0')
      assert.equal((await totp.confirm(session, whose, { ticket, code: neighbour, label: '' })).ok, false)
      assert.equal((await totp.confirm(session, whose, { ticket, code, label: '' })).ok, true)
    })
  }
})

describe('what an authenticator app scans', () => {
  it('is a Key URI with 160 bits, SHA-1, six digits and 30 seconds, and the same secret for typing', async () => {
    const { factors } = startFactors({ factors: { issuer: 'Campus & Söhne' } })
    const { uri, secret } = await factors.beginTotp(sessionOf('ada'), 'ada@campus.test')
    const url = new URL(uri)
    assert.equal(url.protocol, 'otpauth:')
    assert.equal(decodeURIComponent(url.pathname), '/Campus & Söhne:ada@campus.test')
    assert.deepEqual(Object.fromEntries(url.searchParams), {
      issuer: 'Campus & Söhne',
      secret,
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    })
    assert.match(secret, /^[A-Z2-7]{32}$/)
  })

  it('is another secret each time, and differs from the ticket', async () => {
    const { factors } = startFactors()
    const begun = await Promise.all([1, 2, 3].map(() => factors.beginTotp(sessionOf('ada'), 'ada')))
    assert.equal(new Set(begun.map(({ secret }) => secret)).size, 3)
    for (const { secret, ticket } of begun) {
      assert.ok(!ticket.includes(Secret.fromBase32(secret).hex.toLowerCase()))
      assert.ok(
        !Buffer.from(ticket.split('.')[1] ?? '', 'base64url').includes(Buffer.from(Secret.fromBase32(secret).bytes)),
      )
    }
  })

  const accounts = [
    'a:b',
    'Evil%3Abank',
    '?issuer=Bank&secret=AAAA',
    '#',
    '/',
    '\ud800',
    'x'.repeat(5_000),
    '\0',
    '😀'.repeat(300),
    '',
  ]
  it('shows the right issuer and keeps its secret, whatever the account is called', async () => {
    const { factors } = startFactors()
    for (const account of accounts) {
      const { uri, secret } = await factors.beginTotp(sessionOf('ada'), account)
      const scanned = URI.parse(uri)
      assert.deepEqual(
        [scanned.issuer, scanned.secret.base32],
        ['Campus', secret],
        JSON.stringify(account).slice(0, 50),
      )
      assert.ok(uri.length < 2_900, 'it fits a QR code')
    }
  })
})

describe('the label of a factor', () => {
  it('is what its owner calls it: at most 64 characters, without space around', async () => {
    const node = startFactors()
    for (const [typed, label] of [
      ['  My phone\n', 'My phone'],
      ['x'.repeat(1_000), 'x'.repeat(64)],
      [`${'x'.repeat(63)}😀`, `${'x'.repeat(63)}\uFFFD`],
      ['<script>', '<script>'],
      [undefined, ''],
    ] as const) {
      const session = sessionOf(`user of ${label}`)
      const { uri, ticket } = await node.factors.beginTotp(session, 'x')
      await node.factors.confirmTotp(session, ticket, appWith(uri, node.clock).code(), typed as string)
      assert.equal((await node.factors.list(`user of ${label}`))[0]?.label, label)
    }
  })
})

describe('what is listed', () => {
  it('says what, since when, and when it was last used; and nothing that is secret', async () => {
    const clock = testClock()
    const node = startFactors({ clock })
    const createdAt = clock.now()
    const app = await enrol(node, 'ada')
    await node.factors.renewRecoveryCodes('ada')
    const [totp, recovery] = await node.factors.list('ada')
    assert.deepEqual(Object.keys(totp ?? {}).sort(), ['codesLeft', 'createdAt', 'id', 'kind', 'label', 'lastUsedAt'])
    const { id: _, ...shown } = totp ?? {}
    assert.deepEqual(shown, { kind: 'totp', label: 'My phone', createdAt, lastUsedAt: null, codesLeft: null })
    assert.deepEqual([recovery?.kind, recovery?.codesLeft], ['recovery', 10])
    const usedAt = clock.now()
    await node.factors.checkCode({ userId: 'ada', device: null }, app.code())
    assert.equal((await node.factors.list('ada'))[0]?.lastUsedAt, usedAt)
  })
})
