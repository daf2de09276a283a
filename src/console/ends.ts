import type { Administrator } from './admission.ts'
import type { Ended } from './api.ts'
import type { ConsoleRequest } from './contract.ts'
import type { Desk } from './desk.ts'
import { needed, sidField, textField } from './input.ts'
import { Declined } from './problem.ts'

/**
 * `POST api/session/end`: ends one session. What an administrator does is written down before it is done: what fails half-way
 * was still somebody's doing.
 */
export async function endSession(desk: Desk, request: ConsoleRequest, who: Administrator): Promise<Ended> {
  const sid = sidField(await request.json(), 'sid')
  assertRevocable(desk)
  desk.watch.operatorActed('end-session', sid, who.userId)
  if (sid !== who.sid) return { ended: (await desk.sessions.end(sid)) ? 1 : 0 }
  // One's own is a sign-out: the browser forgets the cookie, which would otherwise come back as a token used after its end.
  await who.session.end()
  return { ended: 1 }
}

/** `POST api/user/end`: ends all sessions of a user. */
export async function endUser(desk: Desk, request: ConsoleRequest, who: Administrator): Promise<Ended> {
  const userId = needed(textField(await request.json(), 'userId', 1_000), 'userId')
  assertRevocable(desk)
  desk.watch.operatorActed('end-user', userId, who.userId)
  const ended = await desk.sessions.endUser(userId)
  if (userId === who.userId) await who.session.end()
  return { ended }
}

/** Throws where sessions live in their cookies alone, and nobody can take one back. */
export function assertRevocable({ sessions }: Desk): void {
  if (sessions.revocable) return
  throw new Declined(409, 'not-revocable', 'These sessions are kept in cookies alone: nobody can end one from here.')
}
