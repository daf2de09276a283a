import type { Request } from 'express'
import { safeReturnTo } from 'latchkey'
import { textField } from './fields.ts'

/** Where the visitor wanted to go, as form or address say, if that is a page of ours. */
export function returnTo(request: Request): string | null {
  const path = safeReturnTo(textField(request.body, 'returnTo') ?? request.query.returnTo, '')
  return path === '' ? null : path
}
