import type { AuditEntry } from '../watch/index.ts'
import type { FeedEvent } from './api.ts'
import type { News } from './trail-follower.ts'

/** Where somebody is in the trail: an entry that they have. */
export interface Position {
  /** When it happened, epoch ms. */
  readonly at: number
}

const idShape = /^(\d{1,16}):[A-Za-z0-9_-]{1,64}:\d{1,16}$/

function idOf({ at, chain, seq }: Pick<AuditEntry, 'at' | 'chain' | 'seq'>): string {
  return `${at}:${chain}:${seq}`
}

/** Reads `Last-Event-ID`; `null` when it is none of ours. */
export function positionOf(id: string): Position | null {
  const at = Number(idShape.exec(id)?.[1] ?? Number.NaN)
  return at <= 8.64e15 ? { at } : null
}

/** What is new, as events; made once for all who listen. */
export function newsText({ gap, entries, alerts }: News): string {
  return [
    gap ? eventText({ event: 'gap', data: {} }) : '',
    ...entries.map(entryText),
    ...alerts.map(alert => eventText({ event: 'alert', data: alert })),
  ].join('')
}

function entryText(entry: AuditEntry): string {
  const id = idOf(entry)
  // What a damaged store says must not become lines of ours.
  const idLine = idShape.test(id) ? `id: ${id}\n` : ''
  return `${idLine}${eventText({ event: 'entry', data: entry })}`
}

/** A server-sent event (HTML, 9.2). JSON has no line breaks of its own, so no value can begin a line. */
export function eventText({ event, data }: FeedEvent): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/** Says that the server is still there; proxies cut connections that are silent. */
export const heartbeat = ': still here\n\n'
