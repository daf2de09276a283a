/** How a visit to the console ends. */

/** Why nothing is shown any more, and where to prove who one is. */
export interface Ending {
  /** As in a `Problem`, or one of the two below. */
  readonly code: string
  /** One sentence for the person. */
  readonly message: string
  /** A path of this site, or `null` while it is unknown. */
  readonly signInAt: string | null
}

/** The code of the ending that the administrator made. */
export const everybodyEnded = 'everybody-ended'

/** The ending when somebody is no administrator any more. */
export const closed: Ending = { code: 'closed', message: 'You are no administrator any more.', signInAt: null }

/** The feed, a list and the overview all notice the end, in any order; what the administrator did explains it best. */
export function laterEnding(before: Ending | null, after: Ending): Ending {
  if (before === null) return after
  const { code, message } = before.code === everybodyEnded ? before : after
  return { code, message, signInAt: after.signInAt ?? before.signInAt }
}
