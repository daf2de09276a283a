import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { sampleEntry } from 'latchkey/testing'
import { sqliteWatch } from 'latchkey/watch/stores/sqlite'
import type { AuditEntry } from '../../../src/watch/entry.ts'
import type { TrailQuery, WatchStore } from '../../../src/watch/store.ts'

const directory = mkdtempSync(join(tmpdir(), 'latchkey-watch-parts-'))
after(() => rmSync(directory, { recursive: true }))

const start = Date.UTC(2030, 0, 1)
const types = ['session.created', 'sign-in.failed', 'session.ended'] as const

/** Of two nodes that write in turns, one of them two seconds late, with now and then an entry of a clock that is far ahead or behind. */
function manyEntries(count: number): AuditEntry[] {
  return Array.from({ length: count }, (_, i) => {
    const odd = i % 997 === 0 ? (i % 2 === 0 ? 86_400_000 : -86_400_000) : 0
    return sampleEntry({
      chain: (i % 2 ? 'a' : 'b').repeat(22),
      seq: i + 1,
      at: start + Math.floor(i / 3) + (i % 2 ? -2_000 : 0) + odd,
      type: i === 77 ? 'operator.acted' : (types[i % 3] ?? 'session.created'),
      severity: i % 5_000 === 0 ? 'alert' : 'info',
      sid: `sid ${i % 9_001}`,
      userId: i % 4 === 0 ? null : `user ${i % 101}`,
      address: `192.0.2.${i % 200}`,
    })
  })
}

async function allPages(store: WatchStore, query: Omit<TrailQuery, 'limit'>): Promise<AuditEntry[]> {
  const found: AuditEntry[] = []
  let cursor: string | undefined
  do {
    const page = await store.entries({ ...query, limit: 1_000, cursor })
    found.push(...page.entries)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return found
}

describe('the parts of a trail in SQLite', () => {
  it('are found through as if they were one, and begin at most some thousand entries apart', async () => {
    const file = join(directory, 'many.db')
    const store = sqliteWatch(file)
    const entries = manyEntries(40_000)
    for (let i = 0; i < entries.length; i += 500) await store.append(entries.slice(i, i + 500))
    const expected = entries.toSorted(
      (one, other) =>
        other.at - one.at || (one.chain < other.chain ? 1 : one.chain > other.chain ? -1 : other.seq - one.seq),
    )
    const queries: readonly (readonly [Omit<TrailQuery, 'limit'>, (entry: AuditEntry) => boolean])[] = [
      [{}, () => true],
      [{ sid: 'sid 5' }, ({ sid }) => sid === 'sid 5'],
      [{ userId: 'user 7' }, ({ userId }) => userId === 'user 7'],
      [
        { address: '192.0.2.9', types: ['session.ended'] },
        ({ address, type }) => address === '192.0.2.9' && type === 'session.ended',
      ],
      [{ types: ['operator.acted'] }, ({ type }) => type === 'operator.acted'],
      [
        { types: ['operator.acted', 'session.ended'] },
        ({ type }) => ['operator.acted', 'session.ended'].includes(type),
      ],
      [{ severity: 'warning' }, ({ severity }) => severity === 'alert'],
      [{ since: start + 3_000, until: start + 9_000 }, ({ at }) => at >= start + 3_000 && at < start + 9_000],
      [{ sid: 'nobody' }, () => false],
    ]
    for (const [query, matches] of queries)
      assertSame(await allPages(store, query), expected.filter(matches), JSON.stringify(query))

    assertInParts(file, 5)
    const heads = await store.prunable(start + 9_000)
    for (;;) if ((await store.prune(heads, 3_000)) === 0) break
    const left = expected.filter(({ chain, seq }) => seq > (heads[chain]?.seq ?? 0))
    assert.ok(left.length < 30_000 && left.length > 5_000, `${left.length}`)
    assertSame(await allPages(store, {}), left, 'after pruning')
    assertInParts(file, 2)
    await store.close()
  })

  it('any number of entries of one instant are one part, and still in order', async () => {
    const file = join(directory, 'instant.db')
    const store = sqliteWatch(file)
    const entries = Array.from({ length: 20_000 }, (_, i) => sampleEntry({ chain: 'c'.repeat(22), seq: i + 1, at: 5 }))
    for (let i = 0; i < entries.length; i += 1_000) await store.append(entries.slice(i, i + 1_000))
    assertSame(await allPages(store, {}), entries.toReversed(), 'one instant')
    await store.append([sampleEntry({ at: 6 }), sampleEntry({ at: 4 })])
    assertInParts(file, 2)
    await store.close()
  })
})

/** Tells the first difference: a difference of thousands of entries would take minutes to print. */
function assertSame(found: readonly AuditEntry[], expected: readonly AuditEntry[], message: string): void {
  const place = expected.findIndex((entry, i) => !isDeepStrictEqual(entry, found[i]))
  assert.deepEqual([found.length, found[place]], [expected.length, expected[place]], `${message}, from ${place} on`)
}

/** Every entry is in the part of its time, and every part knows how many it has. */
function assertInParts(file: string, atLeast: number): void {
  const database = new DatabaseSync(file)
  const parts = database.prepare('SELECT id, begins_at, entries FROM parts ORDER BY begins_at').all()
  assert.ok(parts.length >= atLeast, `${parts.length} parts`)
  for (const [i, { id, begins_at, entries }] of parts.entries()) {
    const found = database
      .prepare('SELECT count(*) AS n, min(at) AS first, max(at) AS last FROM entries WHERE part = ?')
      .get(id ?? null)
    assert.equal(found?.n, entries)
    if (found?.n === 0) continue
    assert.ok(Number(found?.first) >= Number(begins_at))
    assert.ok(Number(found?.last) < Number(parts[i + 1]?.begins_at ?? Number.POSITIVE_INFINITY))
  }
  database.close()
}
