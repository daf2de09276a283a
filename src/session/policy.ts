import { UsageError } from '../errors.ts'
import { type Duration, durationMs, formatDuration } from './duration.ts'

/** The time and count limits a session lives under, as an application writes them. Every field has a safe default. */
export interface PolicyOptions {
  /**
   * Start from the numbers of a standard (see {@link presets}). A value weaker than the preset's needs a
   * `justification` (ASVS 7.1.1). Default: none, with the defaults named below.
   */
  readonly preset?: PresetName
  /** A session nobody used for this long is over. Default `'15m'`. Always on (ASVS 7.3.1). */
  readonly idleTimeout?: Duration
  /** A session this old is over, however busy it is; only a new sign-in starts anew. Default `'8h'`. Always on (ASVS 7.3.2). */
  readonly absoluteTimeout?: Duration
  /** How often the secret changes while the session is used (OWASP "renewal timeout"). Default `'10m'`; `false` is never. */
  readonly rotateEvery?: Duration | false
  /**
   * How long after the new token was first seen the old one still works, for requests that were under way. Default
   * `'30s'`. Must be shorter than `rotateEvery`. Longer helps slow clients and thieves alike.
   */
  readonly grace?: Duration
  /**
   * "Last seen" is written at most this often, so the idle time-out may strike early by up to this much, never late.
   * Default: a sixtieth of the shortest idle time-out, at most `'1m'`.
   */
  readonly touchEvery?: Duration
  /**
   * What happens to a signed-in session that nobody used for too long: it ends (`'end'`, the default, NIST SP 800-63B-4 5.2),
   * or it is locked (`'lock'`, 2.2.3): it opens nothing until its user has proved again who they are, with one factor, and goes on
   * where it was; the absolute time-out still ends it. Sessions of guests and of programs always end.
   */
  readonly atIdle?: 'end' | 'lock'
  /**
   * Limits of "remember me" sessions, whose cookie survives the browser's end. Default: idle `'14d'`, absolute `'30d'`;
   * with a preset, the preset's own limits. `false` refuses persistent sign-in. Such a session has level 1; a level above it
   * lasts only for `idleTimeout` after the factors that reached it.
   */
  readonly persistent?: { readonly idleTimeout: Duration; readonly absoluteTimeout: Duration } | false
  /** How many sessions a user may have at once, 1 or more. Default `false`: no limit (ASVS 7.1.2). */
  readonly maxSessions?: number | false
  /** What a sign-in beyond `maxSessions` does: end the user's oldest session (default), or be refused. */
  readonly atMaxSessions?: 'evict-oldest' | 'refuse'
  /** Why this policy is weaker than its preset; printed on the policy page (ASVS 7.1.1). */
  readonly justification?: string
}

/** How long a kind of session may live. */
export interface Lifetime {
  /** Longest time without use, milliseconds. */
  readonly idleTimeoutMs: number
  /** Longest time at all, milliseconds. */
  readonly absoluteTimeoutMs: number
}

/** A checked policy; lengths in milliseconds. */
export interface Policy extends Lifetime {
  /** The preset it started from, or `null`. */
  readonly preset: PresetName | null
  /** Age at which a secret is replaced, or `null` when never. */
  readonly rotateEveryMs: number | null
  /** How long a superseded token still works after its successor was seen. */
  readonly graceMs: number
  /** Least distance between two writes of "last seen". */
  readonly touchEveryMs: number
  /** Whether an idle session ends, or waits locked for its user. */
  readonly atIdle: 'end' | 'lock'
  /** Limits of persistent sessions, or `null` when they are not allowed. */
  readonly persistent: Lifetime | null
  /** Most live sessions of one user, or `null` for no limit. */
  readonly maxSessions: number | null
  /** What happens at that limit. */
  readonly atMaxSessions: 'evict-oldest' | 'refuse'
  /** Why the policy is weaker than its preset, or `null`. */
  readonly justification: string | null
}

/** The names of the built-in policies. */
export type PresetName = 'aal1' | 'aal2' | 'aal3' | 'owasp-high'

/** Built-in limits with the standard they come from. */
export const presets: Record<
  PresetName,
  { readonly idleTimeout: Duration; readonly absoluteTimeout: Duration; readonly source: string }
> = {
  aal1: {
    idleTimeout: '30d',
    absoluteTimeout: '30d',
    source: 'NIST SP 800-63B-4 section 2.1.3: overall at most 30 days, no idle limit demanded',
  },
  aal2: {
    idleTimeout: '1h',
    absoluteTimeout: '24h',
    source: 'NIST SP 800-63B-4 section 2.2.3: idle at most 1 hour, overall at most 24 hours',
  },
  aal3: {
    idleTimeout: '15m',
    absoluteTimeout: '12h',
    source: 'NIST SP 800-63B-4 section 2.3.3: idle at most 15 minutes, overall at most 12 hours',
  },
  'owasp-high': {
    idleTimeout: '5m',
    absoluteTimeout: '8h',
    source: 'OWASP Session Management Cheat Sheet: high-value application, idle 2–5 minutes, an office day at most',
  },
}

/** Browsers cut a cookie's life to 400 days (RFC 6265bis section 5.5), so a longer session could not be carried. */
const longestLifeMs = 400 * 86_400_000

/** Checks the options and fills in the defaults; throws a `UsageError` that names the option and the fix. */
export function resolvePolicy(options: PolicyOptions = {}): Policy {
  if (options.preset !== undefined && !Object.hasOwn(presets, options.preset)) {
    throw new UsageError(
      `policy.preset is ${JSON.stringify(options.preset)}: use one of ${Object.keys(presets).join(', ')}.`,
    )
  }
  const preset = options.preset === undefined ? undefined : presets[options.preset]
  const normal = lifetime(
    'policy',
    options.idleTimeout ?? preset?.idleTimeout ?? '15m',
    options.absoluteTimeout ?? preset?.absoluteTimeout ?? '8h',
  )
  const remembered = options.persistent ?? preset ?? { idleTimeout: '14d', absoluteTimeout: '30d' }
  const persistent =
    remembered === false ? null : lifetime('policy.persistent', remembered.idleTimeout, remembered.absoluteTimeout)
  const rotateEveryMs =
    options.rotateEvery === false ? null : durationMs(options.rotateEvery ?? '10m', 'policy.rotateEvery')
  const graceMs = durationMs(options.grace ?? '30s', 'policy.grace')
  const shortestIdleMs = Math.min(normal.idleTimeoutMs, persistent?.idleTimeoutMs ?? Number.POSITIVE_INFINITY)
  const touchEveryMs =
    options.touchEvery === undefined
      ? Math.min(60_000, Math.ceil(shortestIdleMs / 60))
      : durationMs(options.touchEvery, 'policy.touchEvery')
  const maxSessions = options.maxSessions === undefined || options.maxSessions === false ? null : options.maxSessions
  const justification = options.justification?.trim() || null

  if (rotateEveryMs !== null && graceMs >= rotateEveryMs) {
    throw new UsageError(
      'policy.grace must be shorter than policy.rotateEvery: otherwise a superseded token never stops working.',
    )
  }
  if (touchEveryMs * 2 > shortestIdleMs) {
    throw new UsageError(
      'policy.touchEvery must be at most half of policy.idleTimeout and policy.persistent.idleTimeout: otherwise people are signed out while they work.',
    )
  }
  if (maxSessions !== null && !(Number.isInteger(maxSessions) && maxSessions >= 1)) {
    throw new UsageError('policy.maxSessions must be a whole number of 1 or more, or false for no limit.')
  }
  const atMaxSessions = options.atMaxSessions ?? 'evict-oldest'
  if (atMaxSessions !== 'evict-oldest' && atMaxSessions !== 'refuse') {
    throw new UsageError("policy.atMaxSessions must be 'evict-oldest' or 'refuse'.")
  }
  const atIdle = options.atIdle ?? 'end'
  if (atIdle !== 'end' && atIdle !== 'lock') throw new UsageError("policy.atIdle must be 'end' or 'lock'.")
  const policy: Policy = {
    ...normal,
    atIdle,
    preset: options.preset ?? null,
    rotateEveryMs,
    graceMs,
    touchEveryMs,
    persistent,
    maxSessions,
    atMaxSessions,
    justification,
  }
  const weaker = deviations(policy)
  if (weaker.length > 0 && !justification) {
    throw new UsageError(
      `policy is weaker than preset ${options.preset}: ${weaker.join('; ')}. Shorten it, or say why in policy.justification (ASVS 7.1.1).`,
    )
  }
  return policy
}

/** What of a policy is weaker than its preset, as phrases; empty when nothing is. */
export function deviations(policy: Policy): string[] {
  if (!policy.preset) return []
  const preset = presets[policy.preset]
  const idleMs = durationMs(preset.idleTimeout, 'idleTimeout')
  const absoluteMs = durationMs(preset.absoluteTimeout, 'absoluteTimeout')
  const found: string[] = []
  for (const [name, life] of [
    ['', policy],
    ['persistent ', policy.persistent],
  ] as const) {
    if (life && life.idleTimeoutMs > idleMs)
      found.push(`${name}idle time-out ${formatDuration(life.idleTimeoutMs)} instead of ${preset.idleTimeout}`)
    if (life && life.absoluteTimeoutMs > absoluteMs)
      found.push(
        `${name}absolute time-out ${formatDuration(life.absoluteTimeoutMs)} instead of ${preset.absoluteTimeout}`,
      )
  }
  return found
}

/** The limits that hold for a session. */
export function lifetimeOf(policy: Policy, persistent: boolean): Lifetime {
  // A persistent session whose kind was switched off since lives by the ordinary limits, the shorter ones.
  return (persistent ? policy.persistent : null) ?? policy
}

function lifetime(option: string, idle: Duration, absolute: Duration): Lifetime {
  const idleTimeoutMs = durationMs(idle, `${option}.idleTimeout`)
  const absoluteTimeoutMs = durationMs(absolute, `${option}.absoluteTimeout`)
  if (idleTimeoutMs > absoluteTimeoutMs) {
    throw new UsageError(
      `${option}.idleTimeout (${idle}) is longer than ${option}.absoluteTimeout (${absolute}): it could never strike. Shorten it.`,
    )
  }
  if (absoluteTimeoutMs > longestLifeMs) {
    throw new UsageError(
      `${option}.absoluteTimeout (${absolute}) is over 400 days, the longest a browser keeps a cookie. Shorten it.`,
    )
  }
  return { idleTimeoutMs, absoluteTimeoutMs }
}
