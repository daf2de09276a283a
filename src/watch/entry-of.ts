import type { Draft } from './chain.ts'
import { type AuditEvent, severityOf } from './events.ts'
import type { Privacy } from './privacy.ts'

const mostUser = 256
const mostText = 1_000
const deepest = 6
/** The last instant that a date can show (ECMA-262); what is beyond no clock tells. */
const longestTime = 8.64e15

/**
 * What is written down of an event. Texts become such that every database gives back what it was given, or the chain would
 * break on the way: well-formed Unicode without NUL (PostgreSQL refuses it, UTF-8 has no lone surrogates).
 */
export function entryOf(event: AuditEvent, privacy: Privacy): Draft {
  const { at, type, sid, userId, origin, ...detail } = event
  return {
    at: Math.abs(at) <= longestTime ? Math.trunc(at) : 0,
    type,
    severity: severityOf(event),
    sid: sid === null ? null : keepable(sid, mostText),
    userId: userId === null ? null : keepable(userId, mostUser),
    address: origin && privacy.address(origin.address),
    userAgent: origin && textOrNull(privacy.userAgent(origin.userAgent)),
    detail: plainObject(detail, 0),
  }
}

function textOrNull(text: string | null): string | null {
  return text === null ? null : keepable(text, mostUser)
}

/** As long as it may be, without what a database might change or refuse. */
function keepable(text: string, most: number): string {
  const cut = text.length > most ? text.slice(0, most) : text
  return cut.isWellFormed() && !cut.includes('\0') ? cut : cut.toWellFormed().replaceAll('\0', '\uFFFD')
}

/** As JSON has it. What JSON has not becomes `null`, and so does what is nested too deep, which ends circles. */
function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return keepable(value, mostText)
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value === 'boolean') return value
  if (typeof value !== 'object' || value === null || depth > deepest) return null
  return Array.isArray(value) ? value.map(item => plain(item, depth + 1)) : plainObject(value, depth + 1)
}

function plainObject(value: object, depth: number): Record<string, unknown> {
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(members.map(([name, member]) => [keepable(name, mostText), plain(member, depth)]))
}
