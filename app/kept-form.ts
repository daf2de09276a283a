import type { Request } from 'express'
import { safeReturnTo } from 'latchkey'
import { textField } from './fields.ts'

/** A form that somebody sent when they first had to prove who they are, to be sent again by them. */
export interface KeptForm {
  /** Where it goes: a path of ours. */
  readonly action: string
  /** Its fields in order, names and texts. */
  readonly fields: readonly (readonly [name: string, value: string])[]
}

/**
 * What is never kept: what proves who somebody is, what stands for a page that is old by then, and the secret of an app that
 * is being set up, which would stand in a page again.
 */
const neverKept = /password|passkey|^(?:code|csrf_token|kept_action|kept_fields|uri|ticket)$/i

/** What was sent with this request. */
export function sentForm(request: Request): KeptForm {
  const body: unknown = request.body
  const entries = typeof body === 'object' && body !== null ? Object.entries(body) : []
  const fields = entries.flatMap(([name, value]) =>
    [value].flat().flatMap(text => (typeof text === 'string' ? [[name, text] as const] : [])),
  )
  return { action: request.originalUrl, fields: fields.filter(isKept) }
}

/** The form that a page of ours kept in two hidden fields, or `null`. The browser had it: it is checked like any other form. */
export function keptForm(body: unknown): KeptForm | null {
  const action = safeReturnTo(textField(body, 'kept_action'), '')
  const fields = fieldsIn(textField(body, 'kept_fields') ?? '')
  return action === '' || fields === null ? null : { action, fields: fields.filter(isKept) }
}

/** The hidden field's text for the fields of a form. */
export function keptText({ fields }: KeptForm): string {
  return JSON.stringify(fields)
}

function fieldsIn(text: string): KeptForm['fields'] | null {
  try {
    const fields: unknown = JSON.parse(text)
    return Array.isArray(fields) && fields.every(isField) ? fields : null
  } catch {
    return null
  }
}

function isField(entry: unknown): entry is readonly [string, string] {
  return Array.isArray(entry) && entry.length === 2 && entry.every(part => typeof part === 'string')
}

function isKept([name]: readonly [string, string]): boolean {
  return !neverKept.test(name)
}
