import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UsageError } from '../../src/errors.ts'
import { deviations, lifetimeOf, type PolicyOptions, presets, resolvePolicy } from '../../src/session/policy.ts'
import { policyPage } from '../../src/session/policy-page.ts'

const s = 1_000
const m = 60 * s
const h = 60 * m
const d = 24 * h

describe('policy', () => {
  it('7.1.1: without options every limit has a safe value', () => {
    assert.deepEqual(resolvePolicy(), {
      preset: null,
      idleTimeoutMs: 15 * m,
      absoluteTimeoutMs: 8 * h,
      rotateEveryMs: 10 * m,
      graceMs: 30 * s,
      touchEveryMs: 15 * s,
      persistent: { idleTimeoutMs: 14 * d, absoluteTimeoutMs: 30 * d },
      maxSessions: null,
      atIdle: 'end',
      atMaxSessions: 'evict-oldest',
      justification: null,
    })
  })

  const taken: readonly (readonly [options: PolicyOptions, expected: object])[] = [
    [{ idleTimeout: '30m' }, { idleTimeoutMs: 30 * m, absoluteTimeoutMs: 8 * h, touchEveryMs: 30 * s }],
    [{ idleTimeout: '2h' }, { touchEveryMs: 1 * m }],
    [{ idleTimeout: '1s' }, { touchEveryMs: 17 }],
    [{ idleTimeout: '8h', absoluteTimeout: '8h' }, { idleTimeoutMs: 8 * h }],
    [{ absoluteTimeout: '400d' }, { absoluteTimeoutMs: 400 * d }],
    [{ rotateEvery: false }, { rotateEveryMs: null }],
    [{ rotateEvery: '31s' }, { rotateEveryMs: 31 * s, graceMs: 30 * s }],
    [{ rotateEvery: false, grace: '1h' }, { graceMs: 1 * h }],
    [{ touchEvery: '7.5m' }, { touchEveryMs: 7.5 * m }],
    [{ persistent: false }, { persistent: null }],
    [{ persistent: { idleTimeout: '1m', absoluteTimeout: '1h' } }, { touchEveryMs: 1 * s }],
    [
      { persistent: { idleTimeout: '1d', absoluteTimeout: '2d' } },
      { persistent: { idleTimeoutMs: d, absoluteTimeoutMs: 2 * d } },
    ],
    [{ maxSessions: 1 }, { maxSessions: 1 }],
    [{ maxSessions: false }, { maxSessions: null }],
    [{ atMaxSessions: 'refuse' }, { atMaxSessions: 'refuse' }],
    [{ justification: '  because  ' }, { justification: 'because' }],
    [{ justification: '   ' }, { justification: null }],
  ]
  for (const [options, expected] of taken) {
    it(`takes ${JSON.stringify(options)}`, () => assert.partialDeepStrictEqual(resolvePolicy(options), expected))
  }

  const refused: readonly (readonly [options: object, names: RegExp])[] = [
    [{ idleTimeout: '0s' }, /policy\.idleTimeout/],
    [{ idleTimeout: false }, /policy\.idleTimeout/],
    [{ idleTimeout: 900 }, /policy\.idleTimeout.*unit/],
    [{ absoluteTimeout: false }, /policy\.absoluteTimeout/],
    [{ absoluteTimeout: 'Infinityd' }, /policy\.absoluteTimeout/],
    [{ idleTimeout: '481m' }, /policy\.idleTimeout.*absoluteTimeout/],
    [{ absoluteTimeout: '401d' }, /policy\.absoluteTimeout.*400 days/],
    [{ rotateEvery: true }, /policy\.rotateEvery/],
    [{ rotateEvery: '30s' }, /policy\.grace.*policy\.rotateEvery/],
    [{ grace: '10m' }, /policy\.grace.*policy\.rotateEvery/],
    [{ grace: '0s' }, /policy\.grace/],
    [{ touchEvery: '451s' }, /policy\.touchEvery.*policy\.idleTimeout/],
    [{ persistent: { idleTimeout: '31d', absoluteTimeout: '30d' } }, /policy\.persistent\.idleTimeout/],
    [{ persistent: { idleTimeout: '1d', absoluteTimeout: '401d' } }, /policy\.persistent\.absoluteTimeout.*400/],
    [
      { touchEvery: '15s', persistent: { idleTimeout: '20s', absoluteTimeout: '1h' } },
      /policy\.touchEvery.*policy\.persistent\.idleTimeout/,
    ],
    [{ persistent: { idleTimeout: '1d' } }, /policy\.persistent\.absoluteTimeout/],
    [{ maxSessions: 0 }, /policy\.maxSessions/],
    [{ maxSessions: -1 }, /policy\.maxSessions/],
    [{ maxSessions: 1.5 }, /policy\.maxSessions/],
    [{ maxSessions: Number.NaN }, /policy\.maxSessions/],
    [{ maxSessions: Number.POSITIVE_INFINITY }, /policy\.maxSessions/],
    [{ maxSessions: '3' }, /policy\.maxSessions/],
    [{ atMaxSessions: 'evict' }, /policy\.atMaxSessions.*evict-oldest.*refuse/],
    [{ preset: 'aal4' }, /policy\.preset.*aal1, aal2, aal3, owasp-high/],
    [{ preset: 'toString' }, /policy\.preset.*aal1, aal2, aal3, owasp-high/],
    [{ preset: null }, /policy\.preset/],
  ]
  for (const [options, names] of refused) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      assert.throws(
        () => resolvePolicy(options as PolicyOptions),
        error => error instanceof UsageError && names.test(error.message),
      )
    })
  }

  it('a persistent session lives by its own limits, and by the ordinary ones once its kind is switched off', () => {
    const policy = resolvePolicy()
    assert.equal(lifetimeOf(policy, false).idleTimeoutMs, 15 * m)
    assert.equal(lifetimeOf(policy, true).idleTimeoutMs, 14 * d)
    assert.equal(lifetimeOf(resolvePolicy({ persistent: false }), true).idleTimeoutMs, 15 * m)
  })
})

describe('presets', () => {
  // The numbers of standards.md section 2.1, written down a second time by hand.
  const sources: readonly (readonly [
    name: keyof typeof presets,
    idleMs: number,
    absoluteMs: number,
    source: RegExp,
  ])[] = [
    ['aal1', 30 * d, 30 * d, /NIST SP 800-63B-4 section 2\.1\.3/],
    ['aal2', 1 * h, 24 * h, /NIST SP 800-63B-4 section 2\.2\.3/],
    ['aal3', 15 * m, 12 * h, /NIST SP 800-63B-4 section 2\.3\.3/],
    ['owasp-high', 5 * m, 8 * h, /OWASP Session Management Cheat Sheet/],
  ]
  it('there are exactly these', () => {
    assert.deepEqual(
      Object.keys(presets),
      sources.map(([name]) => name),
    )
  })

  for (const [preset, idleTimeoutMs, absoluteTimeoutMs, source] of sources) {
    it(`7.1.1, NIST 2.x.3: ${preset} has the limits of its source, for remembered sessions too`, () => {
      const policy = resolvePolicy({ preset })
      assert.partialDeepStrictEqual(policy, { preset, idleTimeoutMs, absoluteTimeoutMs })
      assert.deepEqual(policy.persistent, { idleTimeoutMs, absoluteTimeoutMs })
      assert.match(presets[preset].source, source)
      assert.deepEqual(deviations(policy), [])
    })
  }

  const weaker: readonly (readonly [options: PolicyOptions, phrase: string])[] = [
    [{ preset: 'aal3', idleTimeout: '901s' }, 'idle time-out 901s instead of 15m'],
    [{ preset: 'aal3', absoluteTimeout: '13h' }, 'absolute time-out 13h instead of 12h'],
    [
      { preset: 'aal2', persistent: { idleTimeout: '2h', absoluteTimeout: '24h' } },
      'persistent idle time-out 2h instead of 1h',
    ],
    [
      { preset: 'owasp-high', persistent: { idleTimeout: '5m', absoluteTimeout: '9h' } },
      'persistent absolute time-out 9h instead of 8h',
    ],
  ]
  for (const [options, phrase] of weaker) {
    it(`7.1.1: weaker than its preset (${phrase}) needs a reason, and the page prints both`, () => {
      for (const justification of [undefined, '', '  ']) {
        assert.throws(
          () => resolvePolicy({ ...options, ...(justification === undefined ? {} : { justification }) }),
          error => error instanceof UsageError && error.message.includes(phrase) && /justification/.test(error.message),
        )
      }
      const policy = resolvePolicy({ ...options, justification: 'Exams take long.' })
      assert.deepEqual(deviations(policy), [phrase])
      assert.match(policyPage(policy), new RegExp(`${phrase}\\. Reason: Exams take long\\.`))
    })
  }

  it('stricter than the preset needs no reason', () => {
    assert.deepEqual(deviations(resolvePolicy({ preset: 'aal2', idleTimeout: '10m', persistent: false })), [])
  })
})

describe('policy page', () => {
  it('7.1.1, 7.1.2: names every limit with its value and what happens', () => {
    assert.equal(
      policyPage(resolvePolicy({ preset: 'aal3', maxSessions: 3, persistent: false })),
      `# Session policy

Preset \`aal3\`, from ${presets.aal3.source}.

| limit | value | what happens |
|---|---|---|
| Idle time-out | 15m | A session nobody used for this long ends; the user signs in again. |
| Absolute time-out | 12h | A session this old ends, however busy it is; the user signs in again. |
| Token rotation | every 10m | The secret in the token changes while the session is used. |
| Rotation grace | 30s | The old token works this long after the new one was seen. Use a minute later, or more, ends the session as a replay. |
| Remember me | not allowed | Limits of sessions whose cookie survives the end of the browser. |
| Sessions per user | at most 3 | A further sign-in ends the oldest session. |

No limit is weaker than the preset.
`,
    )
  })

  const rows: readonly (readonly [options: PolicyOptions, row: RegExp])[] = [
    [{ rotateEvery: false }, /\| Token rotation \| off \|/],
    [{}, /\| Remember me \| idle 14d, absolute 30d \|/],
    [{}, /\| Sessions per user \| no limit \| .*ended/],
    [{ maxSessions: 2, atMaxSessions: 'refuse' }, /\| at most 2 \| A further sign-in is refused\. \|/],
    [{}, /No preset: the values of the application\./],
  ]
  for (const [options, row] of rows) {
    it(`for ${JSON.stringify(options)} it says ${row.source}`, () =>
      assert.match(policyPage(resolvePolicy(options)), row))
  }
})
