import type { LoadOptions } from '../session/session.ts'

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
