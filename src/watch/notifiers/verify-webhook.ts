import { timingSafeEqual } from 'node:crypto'
import { type Duration, durationMs } from '../../session/duration.ts'
import type { WebhookPayload } from './webhook.ts'
import { secretKeys, signature } from './webhook-signature.ts'

/** Options of {@link verifyWebhook}. */
export interface VerifyOptions {
  /** How old a request may be, and how far in the future. Default `'5m'`. */
  readonly tolerance?: Duration
  /** Now, epoch ms. Default `Date.now()`. */
  readonly now?: number
}

/** A request that is genuine. */
export interface VerifiedWebhook {
  /** The same for every try: what was seen under this id within the tolerance is a repetition. */
  readonly id: string
  /** What it says. */
  readonly payload: WebhookPayload
}

type HeadersOf = Headers | Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * For receivers: what a request from `webhook` says, or `null` when it is not genuine or not fresh. `body` is the raw
 * body as it arrived: parsed and written again it would be another. `secret` may be several, of which one must fit.
 *
 * Whoever overhears a genuine request can send it again within the tolerance: act once for each `id`.
 */
export function verifyWebhook(
  headers: HeadersOf,
  body: string | Uint8Array,
  secret: string | readonly string[],
  { tolerance = '5m', now = Date.now() }: VerifyOptions = {},
): VerifiedWebhook | null {
  const keys = secretKeys(secret, 'verifyWebhook')
  const toleranceMs = durationMs(tolerance, 'verifyWebhook: tolerance')
  const id = headerOf(headers, 'webhook-id')
  const timestamp = headerOf(headers, 'webhook-timestamp')
  const signatures = headerOf(headers, 'webhook-signature')
  if (!id || !signatures || !timestamp || !/^\d{1,12}$/.test(timestamp)) return null
  if (Math.abs(now - Number(timestamp) * 1000) > toleranceMs) return null
  const expected = keys.map(key => signature(key, id, timestamp, body))
  const presented = signatures.split(' ', 10).filter(entry => entry.startsWith('v1,'))
  if (!presented.some(entry => matches(entry.slice(3), expected))) return null
  const payload = parsed(body)
  return payload && { id, payload }
}

/** Compares in a time that says nothing about where the first difference is. */
function matches(presented: string, expected: readonly Buffer[]): boolean {
  const bytes = Buffer.from(presented, 'base64')
  return expected.some(right => bytes.length === right.length && timingSafeEqual(bytes, right))
}

/** A header that comes twice is none: Node joins them, and nobody knows which one was meant. */
function headerOf(headers: HeadersOf, name: string): string | null {
  const value = headers instanceof Headers ? headers.get(name) : headers[name]
  return typeof value === 'string' ? value : null
}

function parsed(body: string | Uint8Array): WebhookPayload | null {
  try {
    const payload: unknown = JSON.parse(typeof body === 'string' ? body : Buffer.from(body).toString())
    return typeof payload === 'object' ? (payload as WebhookPayload | null) : null
  } catch {
    return null
  }
}
