import type { Session, Sessions } from 'latchkey'
import type { Factors } from 'latchkey/mfa'
import type { SessionData } from './session-data.ts'
import type { Departure, User, Users } from './users.ts'

/**
 * The account behind a loaded session, or `null` for a guest. A session whose account was disabled or removed ends here
 * and now: whoever did that ends the sessions too, and this holds even if they forgot (ASVS 7.4.2).
 */
export async function accountOf(session: Session<SessionData>, users: Users): Promise<User | null> {
  if (session.userId === null) return null
  const user = await users.find(session.userId)
  if (user === null) await session.end()
  return user
}

/**
 * Ends what a closed account has elsewhere (ASVS 7.4.2): its sessions, browsers' and programs', and with them every sign-in
 * that has begun. Second factors go with a deleted account only: one that is enabled again must not come back weaker.
 */
export function departure(parts: {
  readonly sessions: Pick<Sessions<SessionData>, 'revocable' | 'endUser'>
  readonly factors: Pick<Factors, 'removeUser'>
}): Departure {
  const { sessions, factors } = parts
  return async (username, how) => {
    // Without a list of sessions, each one ends when it asks for its account.
    if (sessions.revocable) await sessions.endUser(username)
    if (how === 'removed') await factors.removeUser(username)
  }
}
