import type { Session, Sessions } from 'latchkey'
import type { Factors } from 'latchkey/mfa'

/** As long as the second click of a double click may come after the first. */
const justNowMs = 5_000

/**
 * Whether a code was most likely refused because the same form, sent twice, had just spent it: a factor of this user was right
 * a moment ago, and by it the very session of this request went on. To tell the owner that somebody knows their password
 * would frighten them for nothing. Neither half is enough: whoever guesses codes can end their own session beside each
 * guess, and whoever saw a right code sends it from elsewhere. `false` when it cannot be found out: then the owner is told.
 */
export async function wasSentTwice(
  { factors, sessions, clock }: WhatHappened,
  session: Pick<Session, 'id' | 'authenticatedAt'>,
  userId: string,
): Promise<boolean> {
  const { id, authenticatedAt } = session
  try {
    const used = (await factors.list(userId)).some(({ lastUsedAt }) => clock() - (lastUsedAt ?? 0) < justNowMs)
    if (!used || id === null) return false
    return (await sessions.find(id))?.authenticatedAt !== authenticatedAt
  } catch {
    return false
  }
}

/** Where to see what happened a moment ago. */
export interface WhatHappened {
  readonly factors: Pick<Factors, 'list'>
  readonly sessions: Pick<Sessions, 'find'>
  readonly clock: () => number
}
