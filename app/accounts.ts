import type { Session } from 'latchkey'
import type { SessionData } from './session-data.ts'
import type { User, Users } from './users.ts'

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
