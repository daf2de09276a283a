/**
 * Every error of Latchkey, in one union of codes.
 *
 * Three kinds of failure are kept apart because each has another reader: {@link UsageError} is for the developer (it
 * names the option and the fix), {@link Refusal} is for the client (it carries a status and gives an attacker nothing),
 * {@link StoreError} is for the operator (a broken world, with its `cause`).
 */

/** What went wrong, as a stable literal to switch on. Messages may change between releases, codes do not. */
export type ErrorCode = 'usage' | 'store' | 'data-too-large' | RefusalReason

/**
 * Why a request was refused. The same literals appear in events and in the docs (`session-ended` and `cookie-ambiguous` have no event).
 *
 * - `csrf-cross-site`: the browser says that another site sent this request (Fetch Metadata or Origin).
 * - `csrf-no-origin`: a cookie came along, but neither Fetch Metadata, Origin nor a token shows where from.
 * - `csrf-token-missing`, `csrf-token-invalid`: the session-bound token is absent or of another session.
 * - `not-signed-in`: the route needs a user.
 * - `not-fresh`: the route needs a user who proved who they are more recently.
 * - `level-too-low`: the route needs a user who proved more, such as a second factor.
 * - `session-locked`: nobody used the session for too long; its user has to prove again who they are.
 * - `confirmation-refused`: a critical action was not confirmed, or not as it was shown, or once already.
 * - `session-ended`: the session ended on another request while this one was changing it.
 * - `cookie-ambiguous`: a sign-out came with two session cookies, so nobody can tell which session is meant.
 * - `too-many-sessions`: the user has the maximum number of sessions and the policy refuses one more.
 * - `access-token-missing`, `access-token-invalid`: the route needs a bearer token, and there is none or it is not good (RFC 6750).
 * - `authentication-insufficient`: the token is good, but its user proved too little or too long ago (RFC 9470).
 * - `authorization-malformed`: several `Authorization` headers, or one that is none of ours.
 * - `carriers-disagree`: a cookie and a bearer token came in one request and stand for different users.
 * - `proof-invalid`: the proof of possession of a key (RFC 9449) is missing, wrong, or was seen before.
 * - `sign-in-overtaken`: "end all sessions" of this user ran while this sign-in was in progress.
 */
export type RefusalReason =
  | 'csrf-cross-site'
  | 'csrf-no-origin'
  | 'csrf-token-missing'
  | 'csrf-token-invalid'
  | 'not-signed-in'
  | 'not-fresh'
  | 'session-ended'
  | 'cookie-ambiguous'
  | 'too-many-sessions'
  | 'sign-in-overtaken'
  | 'access-token-missing'
  | 'access-token-invalid'
  | 'authentication-insufficient'
  | 'authorization-malformed'
  | 'level-too-low'
  | 'session-locked'
  | 'confirmation-refused'
  | 'carriers-disagree'
  | 'proof-invalid'

/** The base class: `instanceof LatchkeyError` is true for every error that Latchkey throws on purpose. */
export abstract class LatchkeyError extends Error {
  /** Stable literal to switch on. */
  abstract readonly code: ErrorCode
  /** HTTP status, 400–599, that frameworks such as Express read to answer the client. */
  abstract readonly status: number
  /** Extra response headers for the error answer, lower-case names; frameworks such as Express read them. */
  readonly headers: Readonly<Record<string, string>> = {}
}

/**
 * What a client may read of an error: the message where it was written for clients, else one line that gives nothing
 * away (ASVS 16.5.1).
 */
export function publicMessage(error: unknown): string {
  if (!(error instanceof LatchkeyError)) return 'Something went wrong on our side.'
  if (error.status < 500) return error.message
  return error.status === 503
    ? 'The service is briefly unavailable. Please try again.'
    : 'Something went wrong on our side.'
}

/** An error of a request, not of the code: it knows the answer to it. */
abstract class AnswerableError extends LatchkeyError {
  /**
   * The answer as a Web-standard `Response`, one line of text; Hono asks errors for it. Misuse has none, so that it takes
   * the framework's way for bugs and is printed.
   */
  getResponse(): Response {
    const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...this.headers }
    // Given as text, so that the platform says `text/plain; charset=utf-8` itself.
    return new Response(`${publicMessage(this)}\n`, { status: this.status, headers })
  }
}

/** A mistake in configuration or in the order of calls. The message names the option or the call, and the fix. */
export class UsageError extends LatchkeyError {
  override readonly name = 'UsageError'
  readonly code = 'usage'
  readonly status = 500
}

/** The session's data would exceed `maxDataBytes`. Nothing was written; the stored session is as it was. */
export class DataTooLargeError extends AnswerableError {
  override readonly name = 'DataTooLargeError'
  readonly code = 'data-too-large'
  readonly status = 413
}

const refusalStatus: Record<RefusalReason, number> = {
  'csrf-cross-site': 403,
  'csrf-no-origin': 403,
  'csrf-token-missing': 403,
  'csrf-token-invalid': 403,
  'not-signed-in': 401,
  'not-fresh': 401,
  'level-too-low': 401,
  'session-locked': 401,
  'confirmation-refused': 403,
  'session-ended': 401,
  'cookie-ambiguous': 400,
  'too-many-sessions': 403,
  'sign-in-overtaken': 401,
  'access-token-missing': 401,
  'access-token-invalid': 401,
  'authentication-insufficient': 401,
  'authorization-malformed': 400,
  'carriers-disagree': 400,
  'proof-invalid': 401,
}

/** @internal Every reason there is, for those who count them. */
export const refusalReasons: readonly RefusalReason[] = Object.keys(refusalStatus) as RefusalReason[]

/** An expected "no". The message is safe to show: it tells an honest person what to do and an attacker nothing. */
export class Refusal extends AnswerableError {
  override readonly name = 'Refusal'
  readonly code: RefusalReason
  readonly status: number
  override readonly headers: Readonly<Record<string, string>>

  /** `headers` come on top of those that every refusal has, such as `www-authenticate`. */
  constructor(reason: RefusalReason, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.code = reason
    this.status = refusalStatus[reason]
    // An everyday answer, not a fault: where in the code it was made is noise in a log and nobody's business on a page.
    this.stack = `${this.name}: ${message}`
    // A cache must not answer an honest request with this refusal (CSRF-10).
    this.headers = reason.startsWith('csrf-')
      ? { 'cache-control': 'no-store', vary: 'Sec-Fetch-Site, Origin', ...headers }
      : { 'cache-control': 'no-store', ...headers }
  }
}

/** The refusal for a request whose session ended while it was under way. */
export function sessionEnded(): Refusal {
  return new Refusal(
    'session-ended',
    'Your session ended, or went on elsewhere, while this request was under way. Look whether it is done before you try again.',
  )
}

/**
 * The store is dead, slow or lying. The request ends with 503 and `Retry-After`: an outage never means "signed in" and
 * never silently means "signed out" (ASVS 16.5.2, 16.5.3). The message names the operation; `cause` holds the details
 * and is for logs only.
 */
export class StoreError extends AnswerableError {
  override readonly name = 'StoreError'
  readonly code = 'store'
  readonly status = 503
  override readonly headers: Readonly<Record<string, string>> = { 'retry-after': '1' }
}
