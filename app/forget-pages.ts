import type { Response } from 'express'

/**
 * Makes Chromium forget the pages that it keeps alive in memory for the back button. Whoever sits down at a computer
 * after the session timed out would otherwise press Back and see its pages again, as they were, without a request.
 *
 * `no-store` does not keep a page out of that memory; a change of any HttpOnly cookie throws it out
 * (https://developer.chrome.com/docs/web-platform/bfcache-ccns). Signing in and out change the session cookie. A time-out
 * changes nothing in the browser, and the answer that finds it out must not remove that cookie either: it could arrive
 * after the answer to a sign-in in another tab, and undo it. So there is a cookie for nothing else.
 *
 * Nobody reads it. Its value is the time, so that each is another one than the last. It goes after a minute, so that it
 * follows nobody.
 */
export function forgetPages(response: Response, now: number, https: boolean): void {
  const name = https ? '__Host-Http-forget-pages' : 'forget-pages'
  response.cookie(name, String(now), { maxAge: 60_000, path: '/', secure: https, httpOnly: true, sameSite: 'lax' })
}
