import { toColumn } from '../../../databases/column-text.ts'
import type { AuditEntry } from '../../entry.ts'
import { atLeast, severities } from '../../severities.ts'
import type { TrailPage, TrailQuery } from '../../store.ts'
import { pageOf, trailCursor, trailPlaceIn } from '../places.ts'
import { longestTime, type Row, readable, readOrNull, text, type Value, whole } from '../rows.ts'
import type { Connection } from './connection.ts'
import { firstOfParts } from './parts.ts'

/** The event loop is not held up for much longer than this, in ms. */
const patienceMs = 10
/** Rows that are looked at in one go behind one that cannot be read. */
const skippedAtOnce = 500

/** CROSS: entries are looked at in the order of their index, and never all those of a chain. */
const sources = 'CROSS JOIN chains ON chains.id = entries.chain CROSS JOIN kinds ON kinds.id = entries.kind'
// What is too large for a number of JavaScript, node:sqlite does not read at all, nor the rows around it.
const urgency = `CASE WHEN severity BETWEEN 0 AND ${severities.length - 1} THEN severity END`
const columns = `chains.chain, seq, at, type, ${urgency}, sid, user_id, address, user_agent, detail, mac`

/** Whether the number of an entry is one. */
export const hasNumber: string = `seq BETWEEN 1 AND ${Number.MAX_SAFE_INTEGER}`

/** Rows for `toEntry`. */
export const selectEntries: string = `SELECT ${columns} FROM entries ${sources}`

/** What a query asks, in SQL. */
interface Search {
  readonly sql: string
  /** Its parameters but the first two and the last, which are where the parts begin, and how many are wanted. */
  readonly values: readonly Value[]
}

/** Asks some parts of the trail after the other, from the newest on, as many at once as are quick, and takes breaks. */
export async function findEntries(connection: Connection, query: TrailQuery): Promise<TrailPage> {
  const place = trailPlaceIn(query.cursor)
  const kinds = query.types || query.severity ? await kindsFor(connection, query) : null
  const wanted = query.limit + 1
  const found: AuditEntry[] = []
  let unreadable = 0
  let behind: Row = []
  let search = searchFor(query, kinds, place && [place.at, toColumn(place.chain), place.seq])
  // Entries of an instant are in the part that began at that instant, or before it.
  let before = Math.min(query.until ?? Number.MAX_SAFE_INTEGER, (place?.at ?? Number.MAX_SAFE_INTEGER - 1) + 1)
  let parts = 1
  while (search && found.length < wanted && before > (query.since ?? Number.MIN_SAFE_INTEGER)) {
    const begunAt = performance.now()
    const { sql, values } = search
    // Where rows were left out, others are: many at once, or somebody makes us ask for ever.
    const most = unreadable > 0 ? Math.max(wanted, skippedAtOnce) : wanted - found.length
    const { from, rows } = await connection.read(() => {
      const oldest = firstOfParts(connection, before, parts)
      return { from: oldest, rows: oldest === null ? [] : connection.rows(sql, oldest, before, ...values, most) }
    })
    if (from === null) break
    const read = readable(rows)
    found.push(...read.entries)
    unreadable += read.unreadable
    const last = rows.at(-1)
    if (last && rows.length === most && found.length < wanted && !isSame(last, behind)) {
      const [chain = null, seq = null, at = null] = last
      behind = last
      search = searchFor(query, kinds, [at, chain, seq])
      await new Promise(setImmediate)
      continue
    }
    before = from
    parts = performance.now() - begunAt < patienceMs / 2 ? parts * 2 : Math.ceil(parts / 2)
    await new Promise(setImmediate)
  }
  const { items, next } = pageOf(found, query.limit, trailCursor)
  return { entries: items, next, ...(unreadable > 0 ? { unreadable } : {}) }
}

/** The numbers under which the types and severities are stored that are asked for. */
async function kindsFor(connection: Connection, { types, severity }: TrailQuery): Promise<readonly number[]> {
  const urgent = atLeast(severity ?? 'info').map(name => severities.indexOf(name))
  const select = `SELECT id, type, ${urgency} FROM kinds WHERE id <= ${Number.MAX_SAFE_INTEGER}`
  const kinds = await connection.read(() => connection.rows(select))
  const isWanted = ([, type, level]: Row) =>
    urgent.includes(whole(level)) && (!types || types.some(name => name === text(type)))
  return kinds.filter(kind => readOrNull(() => isWanted(kind))).map(([id]) => whole(id))
}

/** Whether we are where we were: a name that is not even UTF-8 stands elsewhere than it reads. */
function isSame([chain, seq, at]: Row, [otherChain, otherSeq, otherAt]: Row): boolean {
  return chain === otherChain && seq === otherSeq && at === otherAt
}

/** `null` when nothing can match. One index is chosen here, because SQLite would have to guess which is best. */
function searchFor(
  query: TrailQuery,
  kinds: readonly number[] | null,
  place: readonly [at: Value, chain: Value, seq: Value] | null,
): Search | null {
  const { since, until, sid, userId, address } = query
  if (kinds?.length === 0) return null
  const conditions: [sql: string, ...values: Value[]][] = [
    [hasNumber],
    [`at BETWEEN -${longestTime} AND ${longestTime}`],
  ]
  if (sid !== undefined) conditions.push(['sid = ?', toColumn(sid)])
  if (userId !== undefined) conditions.push(['user_id = ?', toColumn(userId)])
  if (address !== undefined) conditions.push(['address = ?', toColumn(address)])
  // One kind alone comes in the order of its index; several have to be sorted.
  if (kinds?.length === 1) conditions.push(['kind = ?', kinds[0] ?? 0])
  else if (kinds) conditions.push(['kind IN (SELECT value FROM json_each(?))', JSON.stringify(kinds)])
  if (since !== undefined) conditions.push(['at >= ?', since])
  if (until !== undefined) conditions.push(['at < ?', until])
  if (place) conditions.push(['at <= ?', place[0]], ['(at, chains.chain, seq) < (?, ?, ?)', ...place])
  const where = ['begins_at >= ?', 'begins_at < ?', ...conditions.map(([condition]) => condition)].join(' AND ')
  const order = 'begins_at DESC, at DESC, chains.chain DESC, seq DESC'
  const indexed = `parts CROSS JOIN entries INDEXED BY ${indexFor(query, kinds)} ON entries.part = parts.id`
  return {
    sql: `SELECT ${columns} FROM ${indexed} ${sources} WHERE ${where} ORDER BY ${order} LIMIT ?`,
    values: conditions.flatMap(([, ...values]) => values),
  }
}

/** That of what fewest entries have. */
function indexFor({ sid, userId, address }: TrailQuery, kinds: readonly number[] | null): string {
  if (sid !== undefined) return 'entries_by_sid'
  if (userId !== undefined) return 'entries_by_user'
  if (address !== undefined) return 'entries_by_address'
  return kinds ? 'entries_by_kind' : 'entries_by_time'
}
