import type { Signal } from './detector.ts'
import type { Facts } from './facts.ts'

/**
 * What a finding about a session is about: the session of a signed-in user; where nobody is signed in, the address. Sessions of guests
 * and names of programs cost nothing, and who can choose what an alert is about makes as many alerts as they like.
 */
export function subjectOf({ sid, userId, origin }: Signal, { spot }: Pick<Facts, 'spot'>): string {
  return (userId === null ? null : sid) ?? (origin && spot(origin).address) ?? 'unknown'
}
