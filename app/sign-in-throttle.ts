import type { DatabaseSync } from 'node:sqlite'
import { transaction } from './database.ts'

/** Somebody tries to sign in to an account from a place on the network. */
export interface Attempt {
  /** The name in its one spelling, whether such an account exists or not. */
  readonly account: string
  /** Where from, as {@link placeOf} says it. */
  readonly place: string
}

/** Slows down guessing of passwords, without letting a guesser lock the owner out. */
export interface SignInThrottle {
  /** Milliseconds until this attempt may be made; 0 is now. */
  waitMs(attempt: Attempt): number
  /** What attempts must be decided one after another, so that a burst cannot pass before the first failure counts. */
  queues(attempt: Attempt): readonly string[]
  /** The password was wrong. */
  failed(attempt: Attempt): void
  /** The password was right. */
  succeeded(attempt: Attempt): void
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

/** A throttle that remembers in Campus's database, so that a restart forgives nobody. */
export function openSignInThrottle(database: DatabaseSync, clock: () => number): SignInThrottle {
  const selectCount = database.prepare(
    'SELECT failures, failed_at AS failedAt FROM sign_in_failures WHERE scope = ? AND subject = ?',
  )
  const count = database.prepare(`
    INSERT INTO sign_in_failures (scope, subject, failures, failed_at) VALUES (:scope, :subject, 1, :now)
    ON CONFLICT DO UPDATE SET failures = iif(failed_at <= :now - :forgottenAfterMs, 1, failures + 1), failed_at = :now`)
  const forget = database.prepare('DELETE FROM sign_in_failures WHERE scope = ? AND subject = ?')
  const prune = database.prepare('DELETE FROM sign_in_failures WHERE failed_at <= ?')
  const isFamiliar = database.prepare(
    'SELECT 1 FROM familiar_places WHERE account = ? AND place = ? AND signed_in_at > ?',
  )
  const remember = database.prepare(
    'INSERT OR REPLACE INTO familiar_places (account, place, signed_in_at) VALUES (?, ?, ?)',
  )
  const forgetPlaces = database.prepare(`
    DELETE FROM familiar_places WHERE account = :account AND place NOT IN
      (SELECT place FROM familiar_places WHERE account = :account ORDER BY signed_in_at DESC LIMIT ${familiarPlacesPerAccount})`)

  /** The counts that an attempt falls under, each with its subject. */
  const counts = ({ account, place }: Attempt): [Scope, string][] => {
    const always: [Scope, string][] = [
      ['place', place],
      ['pair', `${place} ${account}`],
    ]
    return isFamiliar.get(account, place, clock() - familiarForMs) ? always : [...always, ['account', account]]
  }

  const waitMs = (scope: Scope, subject: string): number => {
    const row = selectCount.get(scope, subject) as { failures: number; failedAt: number } | undefined
    const rule = rules[scope]
    if (!row || clock() - row.failedAt >= rule.forgottenAfterMs) return 0
    return Math.max(0, row.failedAt + delayMs(rule, row.failures) - clock())
  }

  return {
    waitMs: attempt => Math.max(...counts(attempt).map(([scope, subject]) => waitMs(scope, subject))),
    queues: attempt =>
      counts(attempt)
        .filter(([scope]) => scope !== 'pair')
        .map(([scope, subject]) => `${scope} ${subject}`),
    failed(attempt) {
      const now = clock()
      transaction(database, () => {
        for (const [scope, subject] of counts(attempt)) {
          count.run({ scope, subject, now, forgottenAfterMs: rules[scope].forgottenAfterMs })
        }
        // Made-up names must not fill the disk.
        prune.run(now - day)
      })
    },
    succeeded(attempt) {
      transaction(database, () => {
        for (const [scope, subject] of counts(attempt)) {
          // A guesser with an account of their own must not wipe their place's slate clean by signing in to it.
          if (scope !== 'place') forget.run(scope, subject)
        }
        remember.run(attempt.account, attempt.place, clock())
        forgetPlaces.run({ account: attempt.account })
      })
    },
  }
}

function delayMs(rule: Rule, failures: number): number {
  return failures < rule.free ? 0 : Math.min(rule.firstMs * 2 ** (failures - rule.free), rule.longestMs)
}
