import { toColumn, toColumnOrNull } from '../../../databases/column-text.ts'
import type { Database } from '../../../databases/postgres/database.ts'
import type { AuditEntry } from '../../entry.ts'
import { severities } from '../../severities.ts'
import type { TrailQuery, TrailStore } from '../../store.ts'
import { assertLimit, pageOf, trailCursor, trailPlaceIn } from '../places.ts'
import { entryColumns, headsIn, readable, toEntry, type Value } from '../rows.ts'
import { Conditions } from './conditions.ts'
import type { WatchNames } from './names.ts'

const columns = entryColumns.join(', ')
/** Whether the number of an entry is one. */
const hasNumber = `seq BETWEEN 1 AND ${Number.MAX_SAFE_INTEGER}`
/** Rows that are looked at in one go behind one that cannot be read. */
const skippedAtOnce = 500

/** Where a row stands that perhaps cannot be read. */
type Place = readonly [at: Value, chain: Value, seq: Value]
const arrays =
  '$1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::smallint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[]'

/** The trail in PostgreSQL. */
export function postgresTrail(database: Database<WatchNames>): TrailStore {
  const { entries } = database.names
  /** Every chain there is, each with one look into the index. */
  const chains = `RECURSIVE chains AS (
    (SELECT chain FROM ${entries} ORDER BY chain LIMIT 1)
    UNION ALL
    SELECT (SELECT chain FROM ${entries} WHERE chain > chains.chain ORDER BY chain LIMIT 1) FROM chains WHERE chain IS NOT NULL
  )`

  return {
    async append(added) {
      const insert = `INSERT INTO ${entries} (${columns}) SELECT * FROM unnest(${arrays})`
      if (added.length > 0) await database.rows(insert, ...toArrays(added))
    },

    async entries(query) {
      assertLimit(query.limit, 1_000)
      const place = trailPlaceIn(query.cursor)
      const found: AuditEntry[] = []
      let unreadable = 0
      let behind: Place | null = place && [place.at, toColumn(place.chain), place.seq]
      for (;;) {
        // Where rows were left out, others are: many at once, or somebody makes us ask for ever.
        const most = unreadable > 0 ? Math.max(query.limit + 1, skippedAtOnce) : query.limit + 1 - found.length
        const conditions = conditionsOf(query, behind)
        const limit = conditions.parameter(most)
        const order = 'ORDER BY at DESC, chain DESC, seq DESC'
        const select = `SELECT ${columns} FROM ${entries} ${conditions.where} ${order} LIMIT ${limit}`
        const rows = await database.rows(select, ...conditions.values)
        const read = readable(rows)
        found.push(...read.entries)
        unreadable += read.unreadable
        const [chain = null, seq = null, at = null] = rows.at(-1) ?? []
        if (rows.length < most || found.length > query.limit) break
        behind = [at, chain, seq]
      }
      const { items, next } = pageOf(found, query.limit, trailCursor)
      return { entries: items, next, ...(unreadable > 0 ? { unreadable } : {}) }
    },

    async heads() {
      const last = `SELECT seq, mac FROM ${entries} WHERE chain = chains.chain AND ${hasNumber} ORDER BY seq DESC LIMIT 1`
      return headsIn(
        await database.rows(`WITH ${chains} SELECT chain, seq, mac FROM chains CROSS JOIN LATERAL (${last}) AS last`),
      )
    },

    async chain(chain, afterSeq, limit) {
      const select = `SELECT ${columns} FROM ${entries} WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT $3`
      return (await database.rows(select, toColumn(chain), afterSeq, limit)).map(toEntry)
    },

    async prunable(before, wrongFrom = Number.MAX_SAFE_INTEGER) {
      const young = `SELECT seq FROM ${entries} WHERE chain = chains.chain AND at >= $1 AND at < $2 ORDER BY seq LIMIT 1`
      const isBefore = `at < $1 AND ${hasNumber} AND seq < coalesce((${young}), ${2n ** 63n - 1n})`
      const last = `SELECT seq, mac FROM ${entries} WHERE chain = chains.chain AND ${isBefore} ORDER BY seq DESC LIMIT 1`
      const select = `WITH ${chains} SELECT chain, seq, mac FROM chains CROSS JOIN LATERAL (${last}) AS last`
      return headsIn(await database.rows(select, before, wrongFrom))
    },

    async prune(upTo, limit) {
      const heads = Object.entries(upTo)
      // Locked in their order, so that a chain never gets a gap, however many do this at once.
      const oldest = `SELECT chain, seq FROM ${entries} WHERE chain = head.chain AND seq <= head.seq ORDER BY seq LIMIT $3 FOR UPDATE`
      const all = `SELECT old.chain, old.seq FROM unnest($1::text[], $2::bigint[]) AS head (chain, seq) CROSS JOIN LATERAL (${oldest}) AS old LIMIT $3`
      return database.change(
        `DELETE FROM ${entries} WHERE (chain, seq) IN (${all}) RETURNING 1`,
        heads.map(([chain]) => toColumn(chain)),
        heads.map(([, { seq }]) => seq),
        limit,
      )
    },
  }
}

/** One array for each column. */
function toArrays(added: readonly AuditEntry[]): unknown[][] {
  return [
    added.map(({ chain }) => toColumn(chain)),
    added.map(({ seq }) => seq),
    added.map(({ at }) => at),
    added.map(({ type }) => toColumn(type)),
    added.map(({ severity }) => severities.indexOf(severity)),
    added.map(({ sid }) => toColumnOrNull(sid)),
    added.map(({ userId }) => toColumnOrNull(userId)),
    added.map(({ address }) => toColumnOrNull(address)),
    added.map(({ userAgent }) => toColumnOrNull(userAgent)),
    added.map(({ detail }) => JSON.stringify(detail)),
    added.map(({ mac }) => toColumn(mac)),
  ]
}

function conditionsOf(query: TrailQuery, behind: Place | null): Conditions {
  const { since, until, sid, userId, address, types, severity } = query
  const conditions = new Conditions()
  if (sid !== undefined) conditions.add('sid = ?', toColumn(sid))
  if (userId !== undefined) conditions.add('user_id = ?', toColumn(userId))
  if (address !== undefined) conditions.add('address = ?', toColumn(address))
  if (types) conditions.add('type = ANY (?::text[])', types.map(toColumn))
  // Written out, so that PostgreSQL sees that the index of what is urgent has all of them.
  if (severity && severity !== 'info') conditions.add(`severity >= ${severities.indexOf(severity)}`)
  if (since !== undefined) conditions.add('at >= ?', since)
  if (until !== undefined) conditions.add('at < ?', until)
  if (behind) conditions.add('(at, chain, seq) < (?::bigint, ?, ?::bigint)', ...behind)
  return conditions
}
