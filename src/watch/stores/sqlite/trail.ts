import { toColumn, toColumnOrNull } from '../../../databases/column-text.ts'
import type { TrailStore } from '../../store.ts'
import { assertLimit } from '../places.ts'
import { headsIn, type Row, toEntry, whole } from '../rows.ts'
import type { Connection } from './connection.ts'
import { isThere } from './failure.ts'
import { entriesRemoved, PartsOfEntries } from './parts.ts'
import { findEntries, hasNumber, selectEntries } from './search.ts'
import { chainIds, kindIds } from './stored-once.ts'

/** So many entries are removed, or looked at, in one go: some milliseconds of work. */
const removedAtOnce = 500
const examinedAtOnce = 5_000

const insertEntry =
  'INSERT INTO entries (part, chain, seq, at, kind, sid, user_id, address, user_agent, detail, mac) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'

/** The trail in SQLite. */
export function sqliteTrail(connection: Connection): TrailStore {
  return {
    append(entries) {
      return connection.write(() => {
        const parts = new PartsOfEntries(connection)
        const [chainOf, kindOf] = [chainIds(connection), kindIds(connection)]
        const insert = connection.prepared(insertEntry)
        for (const entry of entries) {
          const { chain, seq, at, sid, userId, address, userAgent, detail, mac } = entry
          try {
            insert.run(
              parts.of(at),
              chainOf(chain),
              seq,
              at,
              kindOf(entry),
              toColumnOrNull(sid),
              toColumnOrNull(userId),
              toColumnOrNull(address),
              toColumnOrNull(userAgent),
              JSON.stringify(detail),
              toColumn(mac),
            )
          } catch (error) {
            if (!isThere(error)) throw error
            throw new Error(`The trail has entry ${seq} of chain ${chain} already; nothing was added.`, {
              cause: error,
            })
          }
        }
        parts.finish()
      })
    },

    async entries(query) {
      assertLimit(query.limit, 1_000)
      return findEntries(connection, query)
    },

    async heads() {
      const last = `SELECT id FROM entries WHERE entries.chain = chains.id AND ${hasNumber} ORDER BY seq DESC LIMIT 1`
      const select = `SELECT chains.chain, seq, mac FROM chains JOIN entries ON entries.id = (${last})`
      return headsIn(await connection.read(() => connection.rows(select)))
    },

    async chain(chain, afterSeq, limit) {
      const select = `${selectEntries} WHERE entries.chain = (SELECT id FROM chains WHERE chain = ?) AND seq > ? ORDER BY seq LIMIT ?`
      return (await connection.read(() => connection.rows(select, toColumn(chain), afterSeq, limit))).map(toEntry)
    },

    async prunable(before, wrongFrom = Number.MAX_SAFE_INTEGER) {
      const select = `SELECT id, chain FROM chains WHERE id <= ${Number.MAX_SAFE_INTEGER}`
      const heads: Row[] = []
      for (const [id, chain] of await connection.read(() => connection.rows(select))) {
        heads.push([chain, ...((await lastOfOld(connection, whole(id), before, wrongFrom)) ?? [])])
        await new Promise(setImmediate)
      }
      return headsIn(heads)
    },

    async prune(upTo, limit) {
      let removed = 0
      for (const [chain, { seq }] of Object.entries(upTo)) {
        for (;;) {
          const count = Math.min(removedAtOnce, limit - removed)
          const done = count > 0 ? await connection.write(() => removeOldest(connection, chain, seq, count)) : 0
          removed += done
          if (done < removedAtOnce) break
          await new Promise(setImmediate)
        }
      }
      return removed
    },
  }
}

/** Number and MAC of the last of the old entries of a chain that only has old ones before it. Bit by bit, so that requests are answered meanwhile. */
async function lastOfOld(
  connection: Connection,
  chain: number,
  before: number,
  wrongFrom: number,
): Promise<Row | undefined> {
  const next = `SELECT seq, at FROM entries WHERE chain = ? AND ${hasNumber} AND seq > ? ORDER BY seq LIMIT ?`
  const examine = `SELECT count(*), max(seq), min(CASE WHEN at >= ? AND at < ? THEN seq END) FROM (${next})`
  let seen = 0
  let young: Row[number] = null
  for (;;) {
    const step = await connection.read(() => connection.row(examine, before, wrongFrom, chain, seen, examinedAtOnce))
    const [count, last, firstYoung] = step ?? []
    young = firstYoung ?? null
    if (whole(count) > 0) seen = whole(last)
    if (young !== null || whole(count) < examinedAtOnce) break
    await new Promise(setImmediate)
  }
  const end = young === null ? seen + 1 : whole(young)
  const select = `SELECT seq, mac FROM entries WHERE chain = ? AND ${hasNumber} AND seq < ? AND at < ? ORDER BY seq DESC LIMIT 1`
  return connection.read(() => connection.row(select, chain, end, before))
}

function removeOldest(connection: Connection, chain: string, upTo: number, limit: number): number {
  const ofChain = 'chain = (SELECT id FROM chains WHERE chain = ?)'
  const oldest = `SELECT id FROM entries WHERE ${ofChain} AND seq <= ? ORDER BY seq LIMIT ?`
  const removed = connection.rows(
    `DELETE FROM entries WHERE id IN (${oldest}) RETURNING part`,
    toColumn(chain),
    upTo,
    limit,
  )
  entriesRemoved(
    connection,
    removed.map(([part]) => whole(part)),
  )
  const isEmpty = 'NOT EXISTS (SELECT 1 FROM entries WHERE entries.chain = chains.id)'
  if (removed.length < limit) connection.change(`DELETE FROM chains WHERE chain = ? AND ${isEmpty}`, toColumn(chain))
  return removed.length
}
