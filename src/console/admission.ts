import { levelReachedAt, type Session } from '../index.ts'
import type { ConsoleRequest } from './contract.ts'
import type { Desk } from './desk.ts'
import { notFound } from './problem.ts'

/** Somebody who may use the console, for this one request. */
export interface Administrator {
  /** Who. */
  readonly userId: string
  /** The public id of the session. */
  readonly sid: string
  /** The session, loaded. */
  readonly session: Session<object>
  /** Until when what was proved is fresh enough, epoch ms. */
  readonly freshUntil: number
}

/**
 * Who may pass: signed in, an administrator, at level 2, by factors that were all proved a short while ago. In this order, so
 * that a user who is no administrator hears of nothing to prove, and finds nothing.
 *
 * With `activity: false` the request does not count as use of the session: a console that is left open must not keep its
 * administrator signed in (NIST SP 800-63B-4 5.2).
 */
export async function admit(desk: Desk, request: ConsoleRequest, activity: boolean): Promise<Administrator> {
  const { session, guards } = request
  await guards.requireUser({ activity })
  const { id: sid, userId } = session
  if (sid === null || userId === null || !(await desk.administrator(session))) throw notFound()
  await guards.requireLevel(2, { activity })
  await guards.requireFresh(desk.fresh, { level: 2, activity })
  const provedAt = levelReachedAt(session.proofs, 2) ?? 0
  return { userId, sid, session, freshUntil: provedAt + desk.freshMs }
}
