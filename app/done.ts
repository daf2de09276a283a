import type { Session } from 'latchkey'
import type { Done, SessionData } from './session-data.ts'

/**
 * Whether this was just done, and forgets it: said once, to whoever did it. A note in the address would be repeated by every
 * reload, bookmark and copied link.
 */
export function takeDone(session: Session<SessionData>, ...mine: readonly Done[]): Done | null {
  const { done } = session.data
  if (done === undefined || !mine.includes(done)) return null
  delete session.data.done
  return done
}
