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

/** How `requireUser` and `requireFresh` treat a request. */
export interface GuardOptions extends LoadOptions {
  /**
   * Page to send a browser to with 303, `returnTo` added for requests that can be repeated (GET, HEAD). Default: no
   * redirect, the refusal (401) goes to the framework's error handling.
   */
  readonly redirectTo?: string
}

/** Where a guard sends the browser of somebody who may not pass, or `null`: then the error is the answer. */
export function turnedAwayTo(
  error: unknown,
  { redirectTo }: GuardOptions,
  method: string,
  target: string,
): string | null {
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (redirectTo === undefined || (code !== 'not-signed-in' && code !== 'not-fresh')) return null
  if (method !== 'GET' && method !== 'HEAD') return redirectTo
  return `${redirectTo}${redirectTo.includes('?') ? '&' : '?'}returnTo=${encodeURIComponent(target)}`
}
