import assert from 'node:assert/strict'
import type { RefusalReason } from 'latchkey'
import type { Running } from './application.ts'
import { type HttpClient, site, type Wanted, type WireAnswer } from './http-client.ts'

/** Somebody else's site. */
export const evil = 'https://evil.example'

/** What became of a request. */
export interface Outcome {
  readonly answer: WireAnswer
  /** Why it was refused, as the event says, or `null`. */
  readonly reason: RefusalReason | null
  /** Whether its change was made. */
  readonly touched: boolean
}

/** One request and what became of it: the reason of its refusal, or `null`; and whether the change was made. */
export async function outcome(
  application: Running,
  visitor: HttpClient,
  wanted: Wanted,
  path = '/set?touched=yes',
): Promise<Outcome> {
  const { events, client, clock } = application
  // Events of one second are limited in number.
  clock.advance('1s')
  events.length = 0
  const answer = await visitor.send(path, { method: 'POST', ...wanted })
  const refusal = events.find(event => event.type === 'request.refused')
  const holder = client()
  for (const line of answer.setCookies) await holder.jar.setCookie(line, site)
  const seen = (await visitor.cookie()) === '' ? holder : visitor
  return { answer, reason: refusal?.reason ?? null, touched: (await seen.me()).data.touched === 'yes' }
}

/** A refusal is a plain 403 that says nothing of the session and that no cache mistakes for the page. */
export function isRefusal({ status, headers, setCookies, body }: WireAnswer, row: string): void {
  assert.deepEqual([status, setCookies], [403, []], row)
  const vary = String(headers.vary)
  for (const name of ['Sec-Fetch-Site', 'Origin']) assert.ok(vary.includes(name), `${row}: CSRF-10: Vary names ${name}`)
  assert.equal(headers['cache-control'], 'no-store', row)
  assert.doesNotMatch(body, /alice|success/, row)
}
