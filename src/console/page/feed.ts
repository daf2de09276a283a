/** The live feed: one connection for the whole page, that comes back by itself and goes on where it was. */
import type { Alert, AuditEntry } from '../api.ts'
import { type Client, Refused } from './client.ts'
import { createEventReader, type StreamEvent } from './event-stream.ts'

/** How the connection is. `over`: the session is over, or may not look any more, and nothing comes after it. */
export type FeedState =
  | { readonly at: 'connecting' | 'live' | 'over' }
  | { readonly at: 'waiting'; readonly forMs: number; readonly why: string }

/** Who wants to know. */
export interface FeedListener {
  /** Entries that came together. */
  entries(entries: readonly AuditEntry[]): void
  /** An alert that is new or changed. */
  alert(alert: Alert): void
  /** How the connection is now. */
  state(state: FeedState): void
}

/** What a feed needs of the world. */
export interface FeedWorld {
  /** Opens connections. */
  readonly client: Pick<Client, 'stream'>
  /** Resolves after so long, or at once when the signal fires. */
  wait(ms: number, signal: AbortSignal): Promise<void>
  /** From 0 to 1: so that all pages do not come back at once when a server has restarted. */
  random(): number
}

/** Two signs of life (one every 15 s) are missing, and some: whatever is between us has forgotten the connection. */
const silenceMs = 40_000
const longestWaitMs = 30_000

/** The id that the feed goes on after. */
export function feedIdOf({ at, chain, seq }: AuditEntry): string {
  return `${at}:${chain}:${seq}`
}

/** Keeps the feed open until the signal fires or the session is over. `after` is the entry that it goes on from, or `''`. */
export async function followFeed(
  after: string,
  listener: FeedListener,
  { client, wait, random }: FeedWorld,
  signal: AbortSignal,
): Promise<void> {
  let lastId = after
  let failures = 0
  while (!signal.aborted) {
    listener.state({ at: 'connecting' })
    const silence = new AbortController()
    const either = AbortSignal.any([signal, silence.signal])
    let why = 'The connection was closed.'
    try {
      const response = await client.stream('feed', lastId, either)
      listener.state({ at: 'live' })
      for await (const events of eventsOf(response, silence)) {
        failures = 0
        lastId = events.at(-1)?.id || lastId
        if (tell(events, listener)) return listener.state({ at: 'over' })
      }
    } catch (error) {
      if (error instanceof Refused && error.isOver) return listener.state({ at: 'over' })
      if (error instanceof Refused) why = error.message
    }
    if (signal.aborted) return
    failures += 1
    const ms = Math.min(longestWaitMs, 1_000 * 2 ** Math.min(failures - 1, 5)) * (0.75 + random() / 4)
    listener.state({ at: 'waiting', forMs: ms, why })
    await wait(ms, signal)
  }
}

/** Passes events on; true when the last one is among them. */
function tell(events: readonly StreamEvent[], listener: FeedListener): boolean {
  const entries: AuditEntry[] = []
  let over = false
  for (const { name, data } of events) {
    if (name === 'over') over = true
    if (name === 'entry') entries.push(JSON.parse(data) as AuditEntry)
    if (name === 'alert') listener.alert(JSON.parse(data) as Alert)
  }
  if (entries.length > 0) listener.entries(entries)
  return over
}

/** The events of a response as they come in; when nothing at all came for long, the connection is given up. */
async function* eventsOf(response: Response, silence: AbortController): AsyncGenerator<StreamEvent[]> {
  if (response.body === null) return
  const read = createEventReader()
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  let timer = setTimeout(() => silence.abort(), silenceMs)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), silenceMs)
      const events = read(decoder.decode(value, { stream: true }))
      if (events.length > 0) yield events
    }
  } finally {
    clearTimeout(timer)
    reader.cancel().catch(() => {})
  }
}
