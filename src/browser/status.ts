/** What the server says about the session, as `req.sessionStatus()` makes it. */
export interface SessionStatus {
  /** Whether somebody is signed in. */
  readonly signedIn: boolean
  /** Whether the session is idle and can only be unlocked; the page then goes to the sign-in address. */
  readonly locked: boolean
  /** Milliseconds until the session ends for want of activity; `null` when it does not. */
  readonly idleIn: number | null
  /** Milliseconds until the session ends whatever its user does; `null` when it does not. */
  readonly endsIn: number | null
  /** Opaque, the same for the same user in every tab; `null` when nobody is signed in. */
  readonly subject: string | null
  /**
   * base64url of 32 bytes each: the user's own keys, the same after the next sign-in. What was typed is kept under the first and
   * opened with any, because the server may change its secret in between; none keeps nothing.
   */
  readonly formKeys: readonly string[]
  /** For the header `X-CSRF-Token` and the form field `csrf_token`. */
  readonly csrfToken: string
}
