import type { Severity } from '../session/events.ts'
import type { AuditType } from './events.ts'

/**
 * One line of the audit trail, in the one documented schema. Every field is there in every entry; what does not apply is
 * `null`. Addresses and user agents are as the privacy options have them. Texts are well-formed Unicode without NUL.
 */
export interface AuditEntry {
  /** The chain it belongs to: one for each process that wrote, 22 base64url characters, the first eight the id of its key. */
  readonly chain: string
  /** Its place in the chain, 1 for the first. */
  readonly seq: number
  /** When it happened, epoch ms. */
  readonly at: number
  /** What happened. */
  readonly type: AuditType
  /** How urgent it is. */
  readonly severity: Severity
  /** The session concerned, or `null`. */
  readonly sid: string | null
  /** The user concerned, or `null`. Hostile characters are possible. */
  readonly userId: string | null
  /** The client's address, full, truncated (`192.0.2.0/24`) or hashed (`h:…`); `null` when unknown or switched off. */
  readonly address: string | null
  /** The `User-Agent` header, at most 256 characters, or its family only (`Chrome on Windows`), or `null`. Hostile characters are possible. */
  readonly userAgent: string | null
  /** The event's own fields, as the catalogue lists them; JSON values. */
  readonly detail: Readonly<Record<string, unknown>>
  /** HMAC-SHA-256 over this entry and the MAC before it, base64url. */
  readonly mac: string
}
