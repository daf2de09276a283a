/** Data for the console's page: an ordinary morning with a few attacks, or as hostile as it gets. */
import type { SessionInfo } from 'latchkey'
import { type Alert, type AuditEntry, type AuditType, auditCatalogue } from 'latchkey/watch'
import type { MadeUp } from './console-server.ts'

const minute = 60_000
const agents = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
  'campus-notes/2.1',
]
const names = ['ada', 'grace', 'student123', 'instructor', 'edsger', 'barbara', 'ken', 'margaret', 'tim', 'radia']

/** What somebody hostile may have typed as a name, sent as a header or made a session id look like. */
export const hostileTexts: readonly string[] = [
  '<img src=x onerror="globalThis.canary = 1">',
  '"><script>globalThis.canary = 1</script>',
  "';globalThis.canary=1;//",
  'javascript:globalThis.canary=1',
  '\u202Eevil\u2066 moc.elpmaxe\u2069',
  'two\r\nlines\u2028and\u0000\u001b[31mred',
  'M'.repeat(256),
  '\u{1F9D1}\u{200D}\u{1F4BB}\u{D800}'.repeat(20),
  `Z${'\u0335\u0322\u0310'.repeat(70)}algo`,
  '   ',
  '{{constructor.constructor("globalThis.canary=1")()}}',
  '%3Csvg/onload=globalThis.canary=1%3E',
]

/** A sid, or anything else of 22 base64url characters. */
export function madeId(kind: string, index: number): string {
  return `${kind}${String(index).padStart(6, '0')}`.padEnd(22, 'aB3-_xY9kQ')
}

/** A live session. */
export function madeSession(index: number, now: number, with_: Partial<SessionInfo> = {}): SessionInfo {
  const createdAt = now - ((index * 37) % 460) * minute
  const lastSeenAt = now - ((index * 13) % 14) * minute - index * 900
  const aal = ([2, 1, 1, 0, 1, 2, 3] as const)[index % 7] ?? 0
  const bearer = index % 9 === 4
  return {
    sid: madeId('S', index),
    userId: aal === 0 ? null : (names[index % names.length] ?? null),
    createdAt,
    lastSeenAt: Math.max(createdAt, lastSeenAt),
    authenticatedAt: aal === 0 ? null : createdAt,
    idleExpiresAt: lastSeenAt + 15 * minute,
    absoluteExpiresAt: createdAt + 480 * minute,
    aal,
    amr: aal === 0 ? [] : aal === 1 ? ['pwd'] : ['pwd', 'otp'],
    locked: index % 23 === 5,
    carrier: bearer ? 'bearer' : 'cookie',
    clientId: bearer ? 'campus-notes' : null,
    persistent: index % 4 === 0,
    address: `192.0.2.${index % 250}`,
    userAgent: bearer ? 'campus-notes/2.1' : (agents[index % 4] ?? null),
    ...with_,
  }
}

/** Details of every type, as the engine and the watch write them; `text` stands wherever a text comes from outside. */
export function detailOf(type: AuditType, text: string): AuditEntry['detail'] {
  const details: Partial<Record<AuditType, AuditEntry['detail']>> = {
    'session.signed-in': { amr: ['pwd', 'otp'], aal: 2, from: madeId('S', 999) },
    'sign-in.begun': { amr: ['pwd'] },
    'sign-in.failed': { account: 'h:0123456789abcdef' },
    'session.unlocked': { amr: ['pwd'], aal: 1 },
    'confirmation.opened': { operation: text },
    'confirmation.redeemed': { operation: text },
    'confirmation.refused': { operation: text, fault: 'failed' },
    'factor.added': { factor: 'totp' },
    'factor.removed': { factor: 'passkey' },
    'factor.passed': { factor: 'totp' },
    'factor.refused': { factor: 'totp', fault: 'wrong' },
    'factor.throttled': { seconds: 30 },
    'session.stepped-up': { amr: ['otp'], aal: 2 },
    'session.ended': { reason: 'signed-out' },
    'sessions.ended-all': { reason: 'revoked', count: 3 },
    'token.used-after-end': { reason: 'signed-out' },
    'access-token.refused': { reason: 'expired' },
    'proof.refused': { fault: 'replayed' },
    'request.refused': { reason: 'csrf-cross-site' },
    'sign-in.refused': { reason: 'too-many-sessions' },
    'store.failed': { operation: text },
    'events.suppressed': { suppressed: 'token.forged', count: 812 },
    'session.seen-elsewhere': { changed: ['network', 'agent'] },
    'detector.hit': { detector: 'two-places', alert: madeId('A', 1), evidence: { addresses: ['192.0.2.1', text] } },
    'action.taken': { detector: 'two-places', action: 'end', outcome: 'dry-run' },
    'alert.acknowledged': { alert: madeId('A', 1), by: text },
    'alert.closed': { alert: madeId('A', 1), by: text },
    'alert.undelivered': { alert: madeId('A', 1), notifier: text },
    'operator.acted': { operation: 'end-user', target: text, by: text },
    'trail.opened': { keyId: 'k1', heads: {} },
    'trail.checkpoint': { heads: {} },
    'trail.pruned': { heads: {} },
    'trail.dropped': { sink: text, count: 17 },
    'sink.failed': { sink: text },
  }
  return details[type] ?? {}
}

/** An entry of the trail; number 0 is the newest. */
export function madeEntry(index: number, now: number, with_: Partial<AuditEntry> = {}): AuditEntry {
  const types = Object.keys(auditCatalogue) as AuditType[]
  const usual: AuditType[] = [
    'session.signed-in',
    'session.created',
    'session.rotated',
    'session.ended',
    'factor.passed',
  ]
  const type =
    with_.type ?? (index % 3 === 2 ? types[index % types.length] : usual[index % usual.length]) ?? 'session.created'
  const session = madeSession(index % 40, now)
  return {
    chain: madeId('C', 1),
    seq: 100_000 - index,
    at: now - index * 21_000,
    type,
    severity: auditCatalogue[type].severity,
    sid: type.startsWith('trail') ? null : session.sid,
    userId: session.userId,
    address: session.address,
    userAgent: session.userAgent,
    detail: detailOf(type, 'billing'),
    mac: madeId('M', index),
    ...with_,
  }
}

const detectors: readonly [Alert['detector'], Alert['severity'], Alert['evidence']][] = [
  ['token-replay', 'alert', {}],
  ['password-stuffing', 'alert', { from: '203.0.113.0/24', accounts: 397, succeeded: 2, minutes: 10 }],
  ['impossible-travel', 'alert', { between: 'city', km: 18_021, minutes: 120, countries: ['DE', 'NZ'] }],
  [
    'dormant-session',
    'warning',
    { days: 14, before: 'Firefox on Linux', now: 'Chrome on Windows', countries: ['DE', 'DE'] },
  ],
  ['risky-sign-in', 'warning', { score: 412, signInsOfUser: 81, new: ['network', 'browser'], country: 'NZ' }],
  ['csrf-probing', 'warning', { refusals: 12 }],
]

/** An alert. */
export function madeAlert(index: number, now: number, with_: Partial<Alert> = {}): Alert {
  const [detector, severity, evidence] = detectors[index % detectors.length] ?? ['two-places', 'alert', {}]
  const session = madeSession(index * 3 + 1, now)
  const lastAt = now - index * 17 * minute - 20_000
  return {
    ...{ id: madeId('A', index), detector, severity, evidence, fingerprint: `${detector}:${index}` },
    ...{ sid: session.sid, userId: session.userId, address: session.address },
    ...{ state: 'open', count: ((index * 7) % 5) + 1, firstAt: lastAt - 4 * minute, lastAt, moved: null },
    ...with_,
  }
}

/** An ordinary morning. */
export function ordinaryWorld(now: number = Date.now(), sessions = 240): MadeUp {
  const by = { by: 'grace', at: now - 30 * minute }
  return {
    overview: {
      me: { userId: 'admin' },
      watch: {
        ...{ queued: 3, written: 48_211, dropped: 0, hits: { 'token-replay': 2 } },
        ...{ signals: { waiting: 1, lost: 0 }, detections: { waiting: 0, lost: 0 } },
        sinks: [{ name: 'json-lines', queued: 0, dropped: 0, failing: false }],
      },
      ...{ revocable: true, listable: true, proof: { password: true, code: true, passkey: true } },
      ...{ csrfToken: 'token', sessionEndsAt: now + 300 * minute, freshUntil: now + 12 * minute },
    },
    sessions: Array.from({ length: sessions }, (_, index) => madeSession(index, now)),
    entries: Array.from({ length: 400 }, (_, index) => madeEntry(index, now)),
    alerts: [
      ...Array.from({ length: 6 }, (_, index) => madeAlert(index, now)),
      madeAlert(6, now, { state: 'acknowledged', moved: by }),
      madeAlert(7, now, { state: 'closed', moved: by }),
    ],
    refusals: new Map(),
    over: false,
  }
}

/** Everything that a client can have written is hostile, and every type of entry and every detector is there. */
export function hostileWorld(now: number = Date.now()): MadeUp {
  const world = ordinaryWorld(now, 0)
  const text = (index: number) => hostileTexts[index % hostileTexts.length] ?? ''
  const types = Object.keys(auditCatalogue) as AuditType[]
  return {
    ...world,
    overview: {
      ...world.overview,
      me: { userId: text(0) },
      watch: {
        ...{ queued: 20_000, written: 5, dropped: 12, hits: {} },
        ...{ signals: { waiting: 9, lost: 8 }, detections: { waiting: 7, lost: 6 } },
        sinks: [{ name: text(1), queued: 9, dropped: 4, failing: true }],
      },
    },
    sessions: hostileTexts.map((_, index) =>
      madeSession(index * 9 + (index % 2) * 4, now, {
        ...{ sid: madeId('S', index), userId: text(index), address: text(index + 1), userAgent: text(index + 2) },
        ...{ clientId: text(index + 3), amr: [text(index), 'pwd'], aal: 2 },
      }),
    ),
    entries: types.map((type, index) =>
      madeEntry(index, now, {
        ...{ type, sid: madeId('S', index % hostileTexts.length), userId: text(index), address: text(index + 1) },
        ...{ userAgent: text(index + 2), detail: detailOf(type, text(index + 3)) },
      }),
    ),
    alerts: hostileTexts.map((_, index) =>
      madeAlert(index, now, {
        ...{ sid: madeId('S', index), userId: text(index), address: text(index + 1) },
        evidence: { [text(index)]: text(index + 1), agents: [...hostileTexts], atAll: true },
        ...(index % 3 === 2 ? { state: 'closed', moved: { by: text(index), at: now } } : {}),
      }),
    ),
  }
}
