import type { Database, Query } from './database.ts'

/** Somebody tries to sign in to an account from a place on the network. */
export interface Attempt {
  /** The name in its one spelling, whether such an account exists or not. */
  readonly account: string
  /** Where from, as {@link placeOf} says it. */
  readonly place: string
}

/** Slows down guessing of passwords, without letting a guesser lock the owner out. */
export interface SignInThrottle {
  /**
   * Asks for permission to look at a password. An attempt that gets it counts as failed at once, until it `succeeded`: were
   * it counted only when the password turns out wrong, a burst over several instances would be through before that.
   */
  admit(attempt: Attempt): Promise<Admission>
  /**
   * Somebody got in from there, with all that the account asks for: the place counts as one of its owner's. A right
   * password is not enough where there is a second factor, or whoever stole it would guess on from a place of the owner's.
   */
  remember(attempt: Attempt): Promise<void>
}

/** The throttle's answer: go on, or come back later. */
export type Admission =
  | { readonly admitted: false; readonly waitMs: number }
  | {
      readonly admitted: true
      /** The password was right. */
      readonly succeeded: () => Promise<void>
    }

/** After `free` failures the next attempt has to wait `firstMs`, and twice as long after each further one, up to `longestMs`. */
interface Rule {
  readonly free: number
  readonly firstMs: number
  readonly longestMs: number
  /** After this long without a failure the count starts anew. */
  readonly forgottenAfterMs: number
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/**
 * Three counts, each against another attack (ASVS 6.1.1, 6.3.1; OWASP Authentication Cheat Sheet: one second, doubled).
 *
 * - `pair`: one account from one place, the ordinary guesser and the owner who mistypes.
 * - `place`: many accounts from one place, the list of leaked passwords. A campus shares an address, hence the room.
 * - `account`: one account from many places, the botnet. Counts and slows only places where the owner never signed in:
 *   whoever burns attempts elsewhere does not lock the owner out at home. The price: while such an attack lasts, the
 *   owner waits too when they are somewhere new. With at most one attempt an hour left, guessing is hopeless, and
 *   nobody has to unlock an account by hand (NIST SP 800-63B-4 section 3.2.2 suggests 30 seconds up to an hour).
 */
const rules: Record<'pair' | 'place' | 'account', Rule> = {
  pair: { free: 5, firstMs: second, longestMs: 15 * minute, forgottenAfterMs: day },
  place: { free: 50, firstMs: second, longestMs: 15 * minute, forgottenAfterMs: hour },
  account: { free: 30, firstMs: 30 * second, longestMs: hour, forgottenAfterMs: day },
}

type Scope = keyof typeof rules

const familiarForMs = 90 * day
const familiarPlacesPerAccount = 20

/** A count as it is kept. */
interface Count {
  readonly failures: number
  readonly failedAt: number
}

/** A count that an attempt was added to: what it was, and what it is since. */
interface Counted {
  readonly scope: Scope
  readonly subject: string
  readonly before: Count
  readonly after: Count
}

/** A throttle that remembers in Campus's database, so that a restart forgives nobody, and no other instance does. */
export function openSignInThrottle(database: Database, clock: () => number): SignInThrottle {
  let prunedAt = Number.NEGATIVE_INFINITY

  const admit = (attempt: Attempt): Promise<Admission> =>
    database.transaction(async query => {
      const now = clock()
      const counted: Counted[] = []
      for (const [scope, subject] of await countsOf(query, attempt, now)) {
        const before = await lockCount(query, scope, subject)
        const failures = isForgotten(rules[scope], before, now) ? 1 : before.failures + 1
        counted.push({ scope, subject, before, after: { failures, failedAt: now } })
      }
      const waitMs = Math.max(...counted.map(({ scope, before }) => waitOf(rules[scope], before, now)))
      if (waitMs > 0) return { admitted: false, waitMs }
      for (const { scope, subject, after } of counted) await setCount(query, scope, subject, after)
      return { admitted: true, succeeded: () => database.transaction(query => forgive(query, counted)) }
    })

  return {
    async admit(attempt) {
      // Made-up names must not fill the disk.
      if (clock() - prunedAt >= minute) {
        prunedAt = clock()
        await database.query('DELETE FROM campus_sign_in_failures WHERE failed_at <= $1', prunedAt - day)
      }
      return admit(attempt)
    },
    remember: attempt => database.transaction(query => remember(query, attempt, clock())),
  }
}

/** The counts that an attempt falls under, always in this order, so that no two transactions wait for each other. */
async function countsOf(query: Query, { account, place }: Attempt, now: number): Promise<[Scope, string][]> {
  const familiar = await query(
    'SELECT 1 FROM campus_familiar_places WHERE account = $1 AND place = $2 AND signed_in_at > $3',
    account,
    place,
    now - familiarForMs,
  )
  const always: [Scope, string][] = [
    ['place', place],
    ['pair', `${place} ${account}`],
  ]
  return familiar.length > 0 ? always : [...always, ['account', account]]
}

/** Reads a count and keeps others from it until the transaction is over. That needs a row, and an update of it. */
async function lockCount(query: Query, scope: Scope, subject: string): Promise<Count> {
  const [count] = await query<Count>(
    `INSERT INTO campus_sign_in_failures (scope, subject, failures, failed_at) VALUES ($1, $2, 0, 0)
     ON CONFLICT (scope, subject) DO UPDATE SET failures = campus_sign_in_failures.failures
     RETURNING failures, failed_at AS "failedAt"`,
    scope,
    subject,
  )
  return count ?? { failures: 0, failedAt: 0 }
}

async function setCount(query: Query, scope: Scope, subject: string, { failures, failedAt }: Count): Promise<void> {
  const update = 'UPDATE campus_sign_in_failures SET failures = $1, failed_at = $2 WHERE scope = $3 AND subject = $4'
  await query(update, failures, failedAt, scope, subject)
}

/** The password was right: takes back what was counted. */
async function forgive(query: Query, counted: readonly Counted[]): Promise<void> {
  for (const { scope, subject, before, after } of counted) {
    if (scope === 'place') {
      // Only this attempt: a guesser with an account of their own must not wipe their place's slate clean with it.
      const { failures, failedAt } = await lockCount(query, scope, subject)
      const isLatest = failures === after.failures && failedAt === after.failedAt
      const left = { failures: Math.max(0, failures - 1), failedAt: isLatest ? before.failedAt : failedAt }
      await setCount(query, scope, subject, left)
    } else {
      await query('DELETE FROM campus_sign_in_failures WHERE scope = $1 AND subject = $2', scope, subject)
    }
  }
}

async function remember(query: Query, { account, place }: Attempt, now: number): Promise<void> {
  await query(
    `INSERT INTO campus_familiar_places (account, place, signed_in_at) VALUES ($1, $2, $3)
     ON CONFLICT (account, place) DO UPDATE SET signed_in_at = excluded.signed_in_at`,
    account,
    place,
    now,
  )
  await query(
    `DELETE FROM campus_familiar_places WHERE account = $1 AND place NOT IN
      (SELECT place FROM campus_familiar_places WHERE account = $1 ORDER BY signed_in_at DESC LIMIT ${familiarPlacesPerAccount})`,
    account,
  )
}

function waitOf(rule: Rule, count: Count, now: number): number {
  if (isForgotten(rule, count, now)) return 0
  return Math.max(0, count.failedAt + delayMs(rule, count.failures) - now)
}

function isForgotten(rule: Rule, { failedAt }: Count, now: number): boolean {
  return now - failedAt >= rule.forgottenAfterMs
}

function delayMs(rule: Rule, failures: number): number {
  return failures < rule.free ? 0 : Math.min(rule.firstMs * 2 ** (failures - rule.free), rule.longestMs)
}
