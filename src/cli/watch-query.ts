import { parseArgs } from 'node:util'
import type { AuditEntry, TrailQuery, TrailStore } from '../watch/index.ts'
import { readLimit, readSeverity, readTypes, writeEntries } from './entry-lines.ts'
import { readInstant } from './instant.ts'
import type { Terminal } from './terminal.ts'
import { openWatchStore, tableOptions } from './watch-place.ts'

const mostEntries = 100_000
const pageSize = 1_000

/** Prints what the trail knows: the newest entries that match, the newest one last, as a log has it. */
export async function query(args: string[], terminal: Terminal): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args,
    options: {
      ...tableOptions,
      ...{ store: text, since: text, until: text, user: text, sid: text, address: text, severity: text, limit: text },
      type: { type: 'string', multiple: true },
      json: { type: 'boolean', default: false },
    },
  })
  const limit = readLimit(values.limit, 100, mostEntries)
  const since = values.since === undefined ? undefined : readInstant('since', values.since, 'ago')
  const until = values.until === undefined ? undefined : readInstant('until', values.until, 'ago')
  const [types, severity] = [readTypes(values.type), readSeverity(values.severity)]
  const { user: userId, sid, address } = values
  const store = await openWatchStore(values.store, values)
  try {
    const { entries, more } = await newest(store, { since, until, userId, sid, address, types, severity }, limit)
    writeEntries(entries.toReversed(), values.json, terminal)
    if (more) terminal.error(`These are the newest ${limit}; there are more: say --limit, or --until.`)
    return 0
  } finally {
    await store.close()
  }
}

/** The newest entries that match, newest first, as many as are wanted. */
export async function newest(
  store: Pick<TrailStore, 'entries'>,
  match: Omit<TrailQuery, 'limit' | 'cursor'>,
  limit: number,
): Promise<{ entries: AuditEntry[]; more: boolean }> {
  const entries: AuditEntry[] = []
  let cursor: string | undefined
  do {
    const page = await store.entries({ ...match, cursor, limit: Math.min(pageSize, limit - entries.length) })
    entries.push(...page.entries)
    cursor = page.next ?? undefined
  } while (cursor !== undefined && entries.length < limit)
  return { entries, more: cursor !== undefined }
}
