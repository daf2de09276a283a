import type { AssuranceLevel } from '../session/assurance.ts'
import type { Awaitable } from '../session/awaitable.ts'
import type { LoadOptions } from '../session/session.ts'

/** Asks, and goes on with the answer or turns away with the error: at once where the answer is at hand. */
export function afterCheck<Answer>(
  ask: () => Awaitable<Answer>,
  goOn: (answer: Answer) => void,
  turnAway: (error: unknown) => void,
): void | Promise<void> {
  let answer: Awaitable<Answer>
  try {
    answer = ask()
  } catch (error) {
    turnAway(error)
    return
  }
  // A failure of what follows is the framework's, not the check's.
  if (answer instanceof Promise) return answer.then(goOn, turnAway)
  goOn(answer as Answer)
}

/** What `requireFresh` demands besides the time. */
export interface FreshOptions extends LoadOptions {
  /** The level that what was proved within the time must reach by itself, 1 to 3. Default 1: one factor. */
  readonly level?: Exclude<AssuranceLevel, 0>
}

/** How `requireUser`, `requireLevel` and `requireFresh` treat a request. */
export interface GuardOptions extends LoadOptions {
  /**
   * Page to send a browser to with 303, `returnTo` added for requests that can be repeated (GET, HEAD). Default: no
   * redirect, the refusal (401) goes to the framework's error handling.
   */
  readonly redirectTo?: string
}

/** How `requireFresh` treats a request. */
export interface FreshGuardOptions extends GuardOptions, FreshOptions {}

/** The refusals after which the user can do something about it on another page. */
const sentOn: ReadonlySet<unknown> = new Set(['not-signed-in', 'session-locked', 'level-too-low', 'not-fresh'])

/** Where a guard sends the browser of somebody who may not pass, or `null`: then the error is the answer. */
export function turnedAwayTo(
  error: unknown,
  { redirectTo }: GuardOptions,
  method: string,
  target: string,
): string | null {
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (redirectTo === undefined || !sentOn.has(code)) return null
  if (method !== 'GET' && method !== 'HEAD') return redirectTo
  return `${redirectTo}${redirectTo.includes('?') ? '&' : '?'}returnTo=${encodeURIComponent(target)}`
}
