import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sampleRecord } from 'latchkey/testing'
import type { RetiredSecret, SessionBody } from '../../src/session/body.ts'
import { type PolicyOptions, resolvePolicy } from '../../src/session/policy.ts'
import type { EndReason } from '../../src/session/store.ts'
import { expiryOf, judge, judgeEnded, timedOut, type Verdict, worthKeeping } from '../../src/session/verdict.ts'

const s = 1_000
const m = 60 * s
const h = 60 * m
/** Now. Everything else is told in milliseconds before or after. */
const now = 1_000 * h

/** A session that was created an hour ago, was used just now, and whose secret is a minute old. */
interface Life {
  readonly age?: number
  readonly unused?: number
  readonly secretAge?: number
  readonly persistent?: boolean
  readonly retired?: readonly RetiredSecret[]
  readonly policy?: PolicyOptions
}

function lifeOf({ age = h, unused = 0, secretAge = m, persistent = false, retired = [], policy = {} }: Life) {
  const record = sampleRecord({ createdAt: now - age, lastSeenAt: now - unused })
  const body: SessionBody = {
    proofs: [{ method: 'pwd', at: now - age, aal: 1 }],
    persistent,
    bearer: null,
    pending: null,
    challenges: [],
    client: { address: null, userAgent: null },
    secret: { hash: 'current', keyId: 'key', issuedAt: now - secretAge },
    retired,
    data: '',
  }
  return { record, body, policy: resolvePolicy(policy) }
}

/** The predecessor, rotated away `ago`, whose successor was first seen `seenAgo` (or not yet). */
const rotatedAway = (ago: number, seenAgo: number | null): RetiredSecret => ({
  hash: 'predecessor',
  at: now - ago,
  handoff: { sealed: 'successor', seenAt: seenAgo === null ? null : now - seenAgo },
})
/** A secret that a step-up killed `ago`. */
const killed = (ago: number): RetiredSecret => ({ hash: 'killed', at: now - ago, handoff: null })

const current = (confirm = false, rotate = false, renewable = true): Verdict => ({
  kind: 'current',
  confirm,
  renewable,
  rotate,
})
const retired: Verdict = { kind: 'retired', handoff: 'successor' }
const replayed: Verdict = { kind: 'replayed' }
const inFlight: Verdict = { kind: 'in-flight' }
const idle: Verdict = { kind: 'over', reason: 'idle' }
const expired: Verdict = { kind: 'over', reason: 'expired' }

type Row = readonly [name: string, presented: string, life: Life, verdict: Verdict]
const grace: PolicyOptions = { grace: '30s' }

const rows: readonly Row[] = [
  ['the current secret is good', 'current', {}, current()],
  ['7.3.1: unused until a millisecond before the idle time-out', 'current', { unused: 15 * m - 1 }, current()],
  ['7.3.1: unused for the idle time-out', 'current', { unused: 15 * m }, idle],
  ['7.3.1: unused for longer', 'current', { unused: 15 * m + 1 }, idle],
  ['7.3.2: a millisecond younger than the absolute time-out', 'current', { age: 8 * h - 1 }, current()],
  ['7.3.2: as old as the absolute time-out', 'current', { age: 8 * h }, expired],
  ['7.3.2: older', 'current', { age: 8 * h + 1 }, expired],
  ['both time-outs have passed: it is the absolute one', 'current', { age: 8 * h, unused: h }, expired],
  ['persistent: unused for an hour', 'current', { persistent: true, unused: h }, current()],
  [
    'persistent: 14 days but a millisecond',
    'current',
    { age: 20 * 24 * h, persistent: true, unused: 14 * 24 * h - 1 },
    current(),
  ],
  ['persistent: unused for 14 days', 'current', { age: 20 * 24 * h, persistent: true, unused: 14 * 24 * h }, idle],
  ['persistent: 30 days old', 'current', { age: 30 * 24 * h, persistent: true }, expired],
  [
    'persistent, but no longer allowed',
    'current',
    { persistent: true, unused: 15 * m, policy: { persistent: false } },
    idle,
  ],
  ['a policy made shorter holds at once', 'current', { unused: 5 * m, policy: { idleTimeout: '5m' } }, idle],
  ['a clock that went back: seen in the future', 'current', { unused: -h }, current()],
  ['a clock that went back: created in the future', 'current', { age: -h, unused: -h }, current()],

  ['CS-S5: a secret a millisecond too young to rotate', 'current', { secretAge: 10 * m - 1 }, current()],
  ['CS-S5: a secret that is due', 'current', { secretAge: 10 * m }, current(false, true)],
  ['rotation is off', 'current', { secretAge: 7 * h, policy: { rotateEvery: false } }, current()],
  [
    'CK-13: due, but the predecessor does not know yet that this one arrived',
    'current',
    { secretAge: h, retired: [rotatedAway(h, null)] },
    current(true),
  ],
  [
    'CK-13: due, but the predecessor is still in its grace',
    'current',
    { secretAge: h, retired: [rotatedAway(h, 30 * s - 1)] },
    current(),
  ],
  [
    'CK-13: due, and the grace is over',
    'current',
    { secretAge: h, retired: [rotatedAway(h, 30 * s)] },
    current(false, true),
  ],
  [
    'not to be renewed: refreshes with the predecessor may be under way',
    'current',
    { secretAge: 30 * s - 1, retired: [rotatedAway(30 * s - 1, null)] },
    current(true, false, false),
  ],
  [
    'to be renewed although nobody has seen it before: it was handed out a grace ago',
    'current',
    { secretAge: 30 * s, retired: [rotatedAway(30 * s, null)] },
    current(true),
  ],
  [
    'due, with a secret that a step-up killed just now',
    'current',
    { secretAge: h, retired: [killed(0)] },
    current(false, true),
  ],

  ['CK-13: the predecessor, its successor never seen', 'predecessor', { retired: [rotatedAway(7 * h, null)] }, retired],
  ['CK-13: the predecessor, its successor seen just now', 'predecessor', { retired: [rotatedAway(m, 0)] }, retired],
  [
    'CK-13: the predecessor in the last millisecond of grace',
    'predecessor',
    { retired: [rotatedAway(m, 30 * s - 1)], policy: grace },
    retired,
  ],
  [
    'the predecessor when the grace is over: another node’s clock may be ahead',
    'predecessor',
    { retired: [rotatedAway(m, 30 * s)], policy: grace },
    inFlight,
  ],
  [
    'the predecessor in the last millisecond of its minute',
    'predecessor',
    { retired: [rotatedAway(h, m - 1)], policy: grace },
    inFlight,
  ],
  [
    'the predecessor a minute after its successor was seen',
    'predecessor',
    { retired: [rotatedAway(h, m)], policy: grace },
    replayed,
  ],
  [
    'the predecessor when a grace of two minutes is over',
    'predecessor',
    { retired: [rotatedAway(h, 2 * m)], policy: { grace: '2m' } },
    replayed,
  ],
  [
    'the predecessor of a session that timed out',
    'predecessor',
    { unused: 15 * m, retired: [rotatedAway(m, null)] },
    idle,
  ],
  ['the predecessor behind a killed one', 'predecessor', { retired: [killed(0), rotatedAway(m, null)] }, retired],

  ['stepped up: the old secret at once', 'killed', { retired: [killed(0)] }, inFlight],
  [
    'stepped up: the old secret in the last millisecond of its minute',
    'killed',
    { retired: [killed(m - 1)] },
    inFlight,
  ],
  ['stepped up: the old secret after a minute', 'killed', { retired: [killed(m)] }, replayed],
  ['a secret that is in no list', 'unknown', {}, replayed],
  ['a secret that is in no list, of a session that timed out', 'unknown', { unused: 15 * m }, idle],
]

describe('verdict on a presented secret', () => {
  for (const [name, presented, life, verdict] of rows) {
    it(name, () => {
      const { record, body, policy } = lifeOf(life)
      assert.deepEqual(judge(record, body, presented, { now, arrivedAt: now }, policy), verdict)
    })
  }

  const continuing: readonly Row[] = [
    ['the predecessor may finish after the grace', 'predecessor', { retired: [rotatedAway(h, 31 * s)] }, retired],
    ['but not after a time-out', 'predecessor', { unused: 15 * m, retired: [rotatedAway(h, 31 * s)] }, idle],
    ['a killed secret may not', 'killed', { retired: [killed(0)] }, inFlight],
    ['an unknown one may not', 'unknown', {}, replayed],
  ]
  for (const [name, presented, life, verdict] of continuing) {
    it(`a request that was let in: ${name}`, () => {
      const { record, body, policy } = lifeOf(life)
      assert.deepEqual(judge(record, body, presented, { now, arrivedAt: now }, policy, 'continuing'), verdict)
    })
  }
})

describe('verdict on a request that arrived a while ago, such as an upload', () => {
  // It arrived two minutes ago, and asks for its session only now.
  const arrivedAt = now - 2 * m
  const rows: readonly Row[] = [
    [
      'the predecessor, in its grace on arrival',
      'predecessor',
      { retired: [rotatedAway(5 * m, 2.5 * m - 1)] },
      retired,
    ],
    [
      'the predecessor, out of its grace on arrival',
      'predecessor',
      { retired: [rotatedAway(5 * m, 2.5 * m)] },
      inFlight,
    ],
    [
      'the predecessor, out of its minute on arrival',
      'predecessor',
      { retired: [rotatedAway(5 * m, 3 * m)] },
      replayed,
    ],
    ['the predecessor, rotated away after arrival', 'predecessor', { retired: [rotatedAway(m, m)] }, retired],
    ['a killed secret, in its minute on arrival', 'killed', { retired: [killed(3 * m - 1)] }, inFlight],
    ['a killed secret, out of its minute on arrival', 'killed', { retired: [killed(3 * m)] }, replayed],
    ['a secret in no list', 'unknown', {}, replayed],
    ['time-outs go by now', 'current', { unused: 15 * m }, idle],
    ['and so does rotation', 'current', { secretAge: 10 * m }, current(false, true)],
  ]
  for (const [name, presented, life, verdict] of rows) {
    it(name, () => {
      const { record, body, policy } = lifeOf({ ...life, policy: grace })
      assert.deepEqual(judge(record, body, presented, { now, arrivedAt }, policy), verdict)
    })
  }
})

describe('verdict on the token of an ended session', () => {
  const ends: readonly (readonly [reason: EndReason, age: number, successor: string | null, taken: string])[] = [
    ['signed-out', 0, null, 'over'],
    ['idle', 0, null, 'over'],
    ['expired', 0, null, 'over'],
    ['revoked', 0, null, 'over'],
    ['replayed', 0, null, 'over'],
    ['evicted', 0, null, 'over'],
    ['superseded', 0, 'sid', 'in-flight'],
    ['superseded', m - 1, 'sid', 'in-flight'],
    ['superseded', m, 'sid', 'replayed'],
    ['superseded', 23 * h, 'sid', 'replayed'],
    ['superseded', m - 1, null, 'in-flight'],
    ['superseded', m, null, 'over'],
  ]
  for (const [reason, age, successor, taken] of ends) {
    it(`${reason} ${age} ms ago, ${successor ? 'with a' : 'without'} successor: ${taken}`, () => {
      const mark = { reason, at: now - age, keepUntil: now + h, ...(successor ? { successor } : {}) }
      assert.equal(judgeEnded(mark, now), taken)
    })
  }
})

describe('what follows from the verdict', () => {
  it('a record expires when the first of its time-outs strikes', () => {
    const life = { idleTimeoutMs: 10, absoluteTimeoutMs: 100 }
    assert.equal(expiryOf(1_000, 1_000, life), 1_010)
    assert.equal(expiryOf(1_000, 1_089, life), 1_099)
    assert.equal(expiryOf(1_000, 1_095, life), 1_100)
  })

  it('expiry and time-out agree to the millisecond', () => {
    const { record, body, policy } = lifeOf({ age: 7 * h + 50 * m, unused: 2 * m })
    const at = expiryOf(record.createdAt, record.lastSeenAt, policy)
    assert.equal(timedOut(record, body, at - 1, policy), null)
    assert.equal(timedOut(record, body, at, policy), 'expired')
  })

  it('the predecessor is kept until the next rotation, a killed secret for its minute', () => {
    const kept = [rotatedAway(7 * h, 6 * h), killed(m - 1)]
    assert.deepEqual(worthKeeping([...kept, killed(m)], now), kept)
  })
})
