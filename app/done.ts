import type { Session } from 'latchkey'
import type { Done, SessionData } from './session-data.ts'

/**
 * What was just done, if it is one of mine, and forgets it: said once, to whoever did it. A note in the address would be
 * repeated by every reload, bookmark and copied link.
 */
export function takeDone(session: Session<SessionData>, ...mine: readonly Done['what'][]): Done | null {
  const { done } = session.data
  if (done === undefined || !mine.includes(done.what)) return null
  delete session.data.done
  return done
}
