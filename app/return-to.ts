import type { Request } from 'express'
import { safeReturnTo } from 'latchkey'
import { textField } from './fields.ts'

/** Where nobody is signed in who should be: the way to sign in, and from there on to where the visitor wanted to go. */
export function signInAddress(request: Request): string {
  const path = returnTo(request)
  return path === null ? '/login' : `/login?returnTo=${encodeURIComponent(path)}`
}

/** Where the visitor wanted to go, as form or address say, if that is a page of ours. */
export function returnTo(request: Request): string | null {
  const path = safeReturnTo(textField(request.body, 'returnTo') ?? request.query.returnTo, '')
  return path === '' ? null : path
}
