import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { createSessions, type SessionsOptions, UsageError } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'

const secret = randomBytes(32).toString('base64url')
const durable = Object.defineProperty(memoryStore(), 'persistent', { value: true })
const sound: SessionsOptions = {
  secrets: [secret],
  store: durable,
  trustProxy: false,
  environment: 'production',
  sweepEvery: false,
}

const refused: readonly (readonly [name: string, change: object, names: RegExp])[] = [
  ['WSTG-SESS-10e: no secret', { secrets: [] }, /secrets.*latchkey keygen/],
  [
    '13.3.1: a secret whose environment variable is not set',
    { secrets: [undefined] },
    /secrets\[0\] is missing.*environment/,
  ],
  ['an empty secret', { secrets: [''] }, /secrets\[0\] is missing/],
  ['11.2.3: a short secret', { secrets: [secret.slice(0, 31)] }, /secrets\[0\] has 31 characters/],
  ['a weak secret behind a good one', { secrets: [secret, 'short'] }, /secrets\[1\]/],
  ['WSTG-SESS-10e: a secret from a tutorial', { secrets: ['keyboard cat keyboard cat keyboard cat'] }, /example/],
  ['WSTG-SESS-10e: a placeholder', { secrets: ['change-me-please-change-me-please-42'] }, /example/],
  ['a monotonous secret', { secrets: ['ab'.repeat(32)] }, /repeats too few/],
  ['the same secret twice', { secrets: [secret, secret] }, /secrets\[1\].*twice/],
  ['no store', { store: undefined }, /store is missing.*sqliteStore/],
  ['a store that forgets, in production', { store: memoryStore() }, /memory store.*sqliteStore/],
  ['plain HTTP in production', { insecureHttp: true }, /insecureHttp.*trustProxy/],
  ['4.1.3: an unwritten trustProxy in production', { trustProxy: undefined }, /trustProxy must be written down.*false/],
  ['report-only CSRF in production', { csrf: { insecureReportOnly: true } }, /csrf\.insecureReportOnly.*remove/],
  ['ASVS 3.3.1: a cookie name no browser accepts', { cookie: { name: 'my session' } }, /cookie/i],
  ['ASVS 3.3.3: a hand-written prefix', { cookie: { name: '__Host-sid' } }, /prefix/i],
  ['ASVS 3.3.2: SameSite=None without saying so', { cookie: { sameSite: 'none' } }, /insecureSameSiteNone/],
  ['CSRF-4: an origin with a path', { csrf: { origins: ['https://a.example/x'] } }, /origins/],
  ['CSRF-4: a wildcard origin', { csrf: { origins: ['https://*.a.example'] } }, /origins/],
  ['a trusted proxy that is not an address', { trustProxy: ['proxy.internal'] }, /trustProxy/],
  ['a length without a unit', { policy: { idleTimeout: '900' } }, /policy\.idleTimeout.*unit/],
  ['ASVS 7.3.1: an idle time-out that is off', { policy: { idleTimeout: '0s' } }, /policy\.idleTimeout/],
  ['an idle time-out that cannot strike', { policy: { idleTimeout: '9h' } }, /idleTimeout.*longer.*absoluteTimeout/],
  ['CK-5: a life that browsers cut', { policy: { idleTimeout: '401d', absoluteTimeout: '401d' } }, /400 days/],
  ['a grace as long as the rotation', { policy: { rotateEvery: '30s', grace: '30s' } }, /grace.*rotateEvery/],
  ['a touch that signs people out while they work', { policy: { touchEvery: '10m' } }, /touchEvery.*idleTimeout/],
  [
    'ASVS 7.1.1: a policy weaker than its preset, unjustified',
    { policy: { preset: 'aal3', idleTimeout: '1h' } },
    /justification/,
  ],
  ['an unknown preset', { policy: { preset: 'aal9' } }, /preset.*aal1/],
  ['ASVS 7.1.2: no session per user', { policy: { maxSessions: 0 } }, /maxSessions/],
  ['half a session per user', { policy: { maxSessions: 1.5 } }, /maxSessions/],
  ['a data limit that is no number', { maxDataBytes: Number.NaN }, /maxDataBytes/],
  ['a store time-out without a unit', { storeTimeout: '2000' }, /storeTimeout/],
]

describe('T23: unsafe configuration does not start', () => {
  it('a sound configuration starts in production', async () => {
    await createSessions(sound).close()
  })

  for (const [name, change, names] of refused) {
    it(`${name} is refused with the option and the fix`, () => {
      assert.throws(
        () => createSessions({ ...sound, ...change } as SessionsOptions),
        error => error instanceof UsageError && names.test(error.message) && !error.message.includes(secret),
      )
    })
  }

  it('NODE_ENV=production is what makes it strict when no environment is given', () => {
    const before = process.env.NODE_ENV
    process.env.NODE_ENV = 'production'
    try {
      assert.throws(() => createSessions({ secrets: [secret], store: memoryStore(), trustProxy: false }), UsageError)
    } finally {
      if (before === undefined) delete process.env.NODE_ENV
      else process.env.NODE_ENV = before
    }
  })

  it('development allows what production refuses', async () => {
    const sessions = createSessions({
      secrets: [secret],
      store: memoryStore(),
      insecureHttp: true,
      environment: 'development',
      sweepEvery: false,
    })
    await sessions.close()
  })

  it('ASVS 7.1.1: a justified deviation starts, and the policy page prints it', async () => {
    const sessions = createSessions({
      ...sound,
      policy: { preset: 'aal3', idleTimeout: '1h', justification: 'Exams take an hour.' },
    })
    assert.match(sessions.policyPage(), /idle time-out 1h instead of 15m.*Exams take an hour\./)
    await sessions.close()
  })
})
