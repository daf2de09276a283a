import { LatchkeyError } from '../index.ts'
import type { Problem } from './api.ts'
import type { ConsoleAnswer } from './contract.ts'

/** An answer that is no success, thrown from wherever that is found out. */
export class Declined extends Error {
  override readonly name = 'Declined'
  /** HTTP status. */
  readonly status: number
  /** For `Problem.code`. */
  readonly code: string
  /** Headers of the answer, lower-case names. */
  readonly headers: Readonly<Record<string, string>>

  /** `message` is for the person in front of the page: nothing of the request is repeated in it. */
  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
  }
}

/** For whoever is no administrator, there is nothing here. */
export function notFound(): Declined {
  return new Declined(404, 'not-found', 'There is nothing here.')
}

/** What proving more, or signing in, can help against. */
const mended: ReadonlySet<string> = new Set(['not-signed-in', 'session-locked', 'level-too-low', 'not-fresh'])

/** Whether somebody can do something about it at `signInAt`. */
export function isMendedBySignIn(error: unknown): error is LatchkeyError {
  return error instanceof LatchkeyError && mended.has(error.code)
}

/** The answer to an error that is one of ours and tells the client what to do; `null` for a fault, which is the framework's. */
export function problemAnswer(error: unknown, signInAt: string): ConsoleAnswer | null {
  if (error instanceof Declined) return problem(error.status, error.code, error.message, null, error.headers)
  if (!(error instanceof LatchkeyError)) return null
  const { status, code, headers } = error
  if (status === 503) return problem(503, code, 'The service is briefly unavailable. Please try again.', null, headers)
  if (status >= 500) return null
  return problem(status, code, error.message, isMendedBySignIn(error) ? signInAt : null, headers)
}

function problem(
  status: number,
  code: string,
  message: string,
  signInAt: string | null,
  headers: Readonly<Record<string, string>>,
): ConsoleAnswer {
  const body: Problem = { code, message, signInAt }
  return { ...json(body, status), headers: { ...headers, ...json(body).headers } }
}

/** An answer in JSON. */
export function json(body: object, status: number = 200): ConsoleAnswer {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(body) }
}
