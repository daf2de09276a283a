import { UsageError } from '../errors.ts'
import { type AssuranceLevel, levelOf } from './assurance.ts'
import type { BearerHolder } from './body.ts'
import type { NewSession } from './draft.ts'
import type { Arrival, Engine, Held } from './engine.ts'
import type { RequestOrigin } from './events.ts'
import type { Policy } from './policy.ts'

/** How a sign-in happened. */
export interface SignInOptions {
  /** What the user proved, as RFC 8176 values: `pwd`, `otp`, `hwk` … Recorded, and the level follows from it. */
  readonly amr: readonly string[]
  /** The level reached (NIST AAL), when the application knows better than `amr` tells. Default: 1, or 2 for two kinds of factor. */
  readonly aal?: Exclude<AssuranceLevel, 0>
  /** "Remember me": the cookie survives the end of the browser. Default `false` (NIST 5.1-h). */
  readonly persistent?: boolean
  /**
   * `await sessions.generation(userId)` from before the password was checked. With it, "end all sessions" refuses even
   * a sign-in whose password check was already under way. Default: read when `signIn` is called.
   */
  readonly generation?: number
}

/** Throws a `UsageError` unless somebody can be signed in like this. */
export function assertSignIn(userId: unknown, { persistent }: SignInOptions, policy: Policy): asserts userId is string {
  if (typeof userId !== 'string' || userId.length < 1 || userId.length > 256) {
    throw new UsageError('signIn needs the user id as a string of 1 to 256 characters.')
  }
  if (persistent && !policy.persistent) {
    throw new UsageError(
      'signIn was called with persistent: true, but policy.persistent is false. Allow it there or leave it out.',
    )
  }
}

/** The session that a sign-in makes; `old` is the one it takes over. */
export function signedInAs(
  userId: string,
  options: SignInOptions,
  json: string,
  old: Held | null,
  { origin, bearer }: { readonly origin: RequestOrigin; readonly bearer: BearerHolder | null },
): NewSession {
  const { amr, aal, persistent = false, generation } = options
  return {
    userId,
    json,
    amr: [...amr],
    aal: aal ?? levelOf(amr),
    persistent,
    bearer,
    client: origin,
    replaces: old?.record.sid ?? null,
    ...(generation === undefined ? {} : { generation }),
  }
}

/**
 * Ends the session that a sign-in took over; resolves to the old session's data as it was at
 * the very end, `null` when it was over already. If the end cannot be confirmed, nobody is signed in.
 */
export async function endTakenOver(engine: Engine, old: Held, held: Held, arrival: Arrival): Promise<string | null> {
  try {
    return await engine.supersede(old, held.record.sid, arrival)
  } catch (error) {
    await engine.administration.end(held.record.sid, 'revoked').catch(() => {})
    throw error
  }
}
