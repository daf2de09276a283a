import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { before, describe, it, type TestContext } from 'node:test'
import type { AuditEntry, WatchStore } from 'latchkey/watch'
import { migrateWatch, postgresWatch } from 'latchkey/watch/stores/postgres'
import { sqliteWatch } from 'latchkey/watch/stores/sqlite'
import { verifyTrail } from '../../src/watch/verify.ts'
import { everything, key, keyId, keyOf, olderKey, olderKeyId, openTrail, troubledStore } from '../actors/trail.ts'
import { describeWithPostgres } from '../servers/postgres.ts'
import { manualTimers } from './manual-timers.ts'

/** A row that somebody writes into the database who has no key. Numbers as texts: some are too large for JavaScript. */
interface Row {
  readonly chain: string
  readonly seq: string
  readonly at: string
  readonly severity?: number
  readonly userId?: string
  readonly mac?: string
}

/** A database, and what somebody does to it who may write to it. */
interface Victim {
  readonly store: WatchStore
  run(sql: string): Promise<void>
  forge(...rows: Row[]): Promise<void>
  /** Changes some columns of an entry. */
  change(entry: AuditEntry, columns: string): Promise<void>
  remove(entry: AuditEntry): Promise<void>
}

const macOfNobody = 'x'.repeat(43)

function sqliteVictim(t: TestContext): Victim {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-tampering-'))
  const store = sqliteWatch(join(directory, 'watch.db'))
  const database = new DatabaseSync(join(directory, 'watch.db'))
  // Who can write can do without constraints.
  database.exec('PRAGMA ignore_check_constraints = ON')
  t.after(async () => {
    database.close()
    await store.close()
    rmSync(directory, { recursive: true })
  })
  const run = async (sql: string) => database.exec(sql)
  const idOf = (chain: string) => `(SELECT id FROM chains WHERE chain = '${chain}')`
  const where = ({ chain, seq }: AuditEntry) => `WHERE seq = ${seq} AND chain = ${idOf(chain)}`
  const forged = ({ chain, seq, at, severity = 2, userId = 'forged', mac = macOfNobody }: Row) =>
    `INSERT OR IGNORE INTO chains (chain) VALUES ('${chain}');
        INSERT OR IGNORE INTO kinds (type, severity) VALUES ('operator.acted', ${severity});
        INSERT INTO entries (part, chain, seq, at, kind, user_id, detail, mac) SELECT 1, ${idOf(chain)}, ${seq}, ${at}, id, '${userId}', '{}', '${mac}'
          FROM kinds WHERE type = 'operator.acted' AND severity = ${severity}`
  return {
    store,
    run,
    forge: (...rows) => run(rows.map(forged).join(';')),
    change: (entry, columns) => run(`UPDATE entries SET ${columns} ${where(entry)}`),
    remove: entry => run(`DELETE FROM entries ${where(entry)}`),
  }
}

/** Two processes that stopped in order, and another one that pruned: what is left of the first begins in the middle, of the second nothing. */
async function prunedTrail(
  store: WatchStore,
): Promise<{ cut: number; next: AuditEntry; now: number; gone: AuditEntry; old: AuditEntry[] }> {
  const [timers, inner] = [manualTimers(), troubledStore(store)]
  const choices = { store: inner, timers, retentionMs: 3_600_000 }
  const dead = await openTrail(choices)
  await dead.trail.close()
  const [gone] = await everything(store)
  const { trail, write } = await openTrail(choices)
  write(20)
  await trail.flush()
  timers.clock.advance('2h')
  write(5)
  await trail.flush()
  const old = await everything(store)
  await trail.prune()
  await trail.flush()
  const [next] = await everything(store)
  assert.ok(gone && next && next.seq > 1)
  const now = timers.clock.now()
  return {
    cut: next.seq - 1,
    next,
    now,
    gone,
    old: old.filter(({ chain, seq }) => chain === next.chain && seq < next.seq),
  }
}

async function whole(store: WatchStore, events = 9): Promise<AuditEntry[]> {
  const { trail, write } = await openTrail({ store: troubledStore(store), maxQueued: 10_000 })
  write(events)
  await trail.close()
  assert.deepEqual(await found(store), [])
  return everything(store)
}

/** What verification finds, as `what seq` of each broken chain, and `unreadable` when there are such rows. */
async function found(store: WatchStore): Promise<string[]> {
  const { chains, unreadable, isWhole } = await verifyTrail(store, keyOf)
  const all = chains.flatMap(({ broken }) => (broken ? `${broken.what} ${broken.seq}` : []))
  if (unreadable > 0) all.push('unreadable')
  assert.equal(isWhole, all.length === 0)
  return all
}

function crimes(open: (t: TestContext) => Victim | Promise<Victim>): void {
  it('ASVS 16.4.2: entries put below a pruning are found', async t => {
    const { store, forge } = await open(t)
    const { cut, next, now, gone } = await prunedTrail(store)
    assert.deepEqual(await found(store), [])
    await forge({ chain: next.chain, seq: `${cut - 3}`, at: `${now}` })
    assert.deepEqual(await found(store), [`changed ${cut - 3}`])
    await forge({ chain: gone.chain, seq: '2', at: `${gone.at}` })
    assert.deepEqual((await found(store)).sort(), [`changed ${cut - 3}`, 'changed 2'].sort())
  })

  it('ASVS 16.4.2: an entry of today with the MAC of the last that was pruned is found', async t => {
    const { store, forge } = await open(t)
    const { cut, next, now, old } = await prunedTrail(store)
    await forge({ chain: next.chain, seq: `${cut}`, at: `${now}`, mac: old.at(-1)?.mac ?? '' })
    assert.deepEqual(await found(store), [`changed ${cut}`])
  })

  it('ASVS 16.4.2: what a pruning left that stopped halfway is whole, and one change in it is found', async t => {
    const { store, change } = await open(t)
    const { cut, old } = await prunedTrail(store)
    await store.append(old.slice(-6))
    assert.deepEqual(await found(store), [])
    await store.append(old.slice(0, -6))
    assert.deepEqual(await found(store), [], 'nothing was removed yet')
    await change(old[cut - 3] as AuditEntry, "user_id = 'mallory'")
    assert.deepEqual(await found(store), [`changed ${cut - 2}`])
  })

  it('ASVS 16.4.2: a hole in what a pruning left is found', async t => {
    const { store, remove } = await open(t)
    const { cut, old } = await prunedTrail(store)
    await store.append(old.slice(-6))
    await remove(old.at(-2) as AuditEntry)
    assert.deepEqual(await found(store), [`changed ${cut}`])
  })

  for (const seq of ['0', '-1', '-7', '9007199254740992', '9223372036854775807']) {
    it(`ASVS 16.4.2: an entry of number ${seq} is found and not listed`, async t => {
      const { store, forge } = await open(t)
      const entries = await whole(store)
      await forge({ chain: entries[0]?.chain ?? '', seq, at: `${entries[0]?.at}` })
      const [first] = await found(store)
      assert.match(first ?? '', /^changed/)
      const { entries: listed } = await store.entries({ limit: 1_000 })
      assert.equal(listed.length, entries.length)
      assert.deepEqual(
        Object.values(await store.heads()).map(({ seq }) => seq),
        [entries.length],
      )
      await store.prunable(Number.MAX_SAFE_INTEGER)
    })
  }

  it('ASVS 16.4.2: another spelling of a user is found, because nobody finds the entry under that user', async t => {
    const { store, change } = await open(t)
    const entries = await whole(store)
    await change(entries[4] as AuditEntry, "user_id = '\\u0075ser-4'")
    assert.deepEqual(await found(store), ['changed 5', 'unreadable'])
  })

  for (const [what, spell] of Object.entries({
    'another spelling of a chain': (chain: string) =>
      `\\u${chain.charCodeAt(0).toString(16).padStart(4, '0')}${chain.slice(1)}`,
    'a name of a chain that is none': () => 'é',
  })) {
    it(`ASVS 16.4.2: an entry under ${what} is found, and not listed`, async t => {
      const { store, forge } = await open(t)
      const entries = await whole(store)
      await forge({ chain: spell(entries[0]?.chain ?? ''), seq: '13', at: `${entries[0]?.at}` })
      assert.deepEqual(await found(store), ['unreadable'])
      for (const limit of [1, 4, 1_000])
        assert.equal((await store.entries({ limit })).entries.length, Math.min(limit, 11))
    })
  }

  it('CS-L2: many rows that cannot be read keep nobody from seeing the others, nor from pruning', async t => {
    const { store, forge } = await open(t)
    const entries = await whole(store)
    const [{ chain, at } = { chain: '', at: 0 }] = entries
    await forge(
      ...Array.from({ length: 1_200 }, (_, i) => ({ chain, seq: `${100 + i}`, at: `${at + 100}`, severity: 9 })),
    )
    await forge({ chain, seq: '5000', at: '9007199254740991' })
    const listed = await store.entries({ limit: 5 })
    assert.equal(listed.entries.length, 5)
    assert.ok((listed.unreadable ?? 0) >= 1_200)
    assert.deepEqual((await found(store)).at(-1), 'unreadable')
    assert.ok(Object.hasOwn(await store.prunable(at + 1), chain))
  })
}

describe('tampering with the trail in a SQLite file', () => {
  crimes(sqliteVictim)

  for (const [what, sql] of Object.entries({
    'one entry was moved to a part that is none': 'UPDATE entries SET part = 77 WHERE seq = 5',
    'the parts were moved': 'UPDATE parts SET begins_at = 9007199254740991',
    'the parts were moved to nowhere': 'UPDATE parts SET begins_at = -9223372036854775807',
    'the parts were removed': 'DELETE FROM parts',
  })) {
    it(`ASVS 16.4.2: ${what}, so that lists do not show them: it is found, and where`, async t => {
      const { store, run } = sqliteVictim(t)
      await whole(store)
      await run(sql)
      assert.deepEqual(await found(store), [sql.includes('seq = 5') ? 'changed 5' : 'changed 1'])
    })
  }

  it('ASVS 16.4.2: a second entry of a number, which only lists show, is found', async t => {
    const { store, run, forge } = sqliteVictim(t)
    const entries = await whole(store, 1_500)
    await run('DROP INDEX entries_by_number')
    await forge({ chain: entries[0]?.chain ?? '', seq: '1000', at: `${entries[0]?.at}` })
    assert.deepEqual(await found(store), ['changed 1000'])
  })

  it('ASVS 16.4.2: an entry is hidden from lists among many, and the one that is shown instead is found', async t => {
    const { store, run, change, forge } = sqliteVictim(t)
    const entries = await whole(store, 6_000)
    const victim = entries[5_000 - 1] as AuditEntry
    await run('DROP INDEX entries_by_number')
    await change(victim, 'part = 77')
    await forge({ chain: victim.chain, seq: '5000', at: `${victim.at}`, mac: victim.mac })
    assert.deepEqual(await found(store), ['changed 5000'])
  })

  it('a number below 1 is refused by the tables', async t => {
    const { store } = sqliteVictim(t)
    const [entry] = await whole(store)
    await assert.rejects(store.append([{ ...(entry as AuditEntry), seq: 0 }]))
  })

  it('a text with NUL in it is found', async t => {
    const { store, change } = sqliteVictim(t)
    const entries = await whole(store)
    await change(entries[4] as AuditEntry, "user_id = user_id || char(0) || 'x'")
    assert.deepEqual((await found(store))[0], 'changed 5')
  })
})

describeWithPostgres('tampering with the trail in PostgreSQL', server => {
  let opened = 0
  before(() => server.sql('SELECT 1'))

  crimes(async t => {
    opened += 1
    const prefix = `crime_${opened}_`
    const pool = server.pool()
    await migrateWatch(pool, { prefix })
    const store = postgresWatch(pool, { prefix })
    t.after(() => store.close())
    const entries = `${prefix}watch_entries`
    const run = async (sql: string) => {
      await server.sql(sql)
    }
    await assert.rejects(
      run(`INSERT INTO ${entries} (chain, seq, at, type, severity, detail, mac) VALUES ('x', 0, 0, 'x', 0, '{}', 'x')`),
    )
    // Who can write can do without constraints.
    await run(`ALTER TABLE ${entries} DROP CONSTRAINT ${entries}_seq_check`)
    const where = ({ chain, seq }: AuditEntry) => `WHERE seq = ${seq} AND chain = '${chain}'`
    const forged = ({ chain, seq, at, severity = 2, userId = 'forged', mac = macOfNobody }: Row) =>
      `('${chain}', ${seq}, ${at}, 'operator.acted', ${severity}, '${userId}', '{}', '${mac}')`
    return {
      store,
      run,
      forge: (...rows) =>
        run(
          `INSERT INTO ${entries} (chain, seq, at, type, severity, user_id, detail, mac) VALUES ${rows.map(forged).join()}`,
        ),
      change: (entry, columns) => run(`UPDATE ${entries} SET ${columns} ${where(entry)}`),
      remove: entry => run(`DELETE FROM ${entries} ${where(entry)}`),
    }
  })
})

describe('chains under older secrets', () => {
  it('one that began after others had begun under the newest is noted, and whole', async () => {
    const [store, timers] = [troubledStore(), manualTimers()]
    const old = { key: olderKey, keyId: olderKeyId }
    for (const choices of [old, { key, keyId }, old, { key, keyId }]) {
      await (await openTrail({ store, timers, ...choices })).trail.close()
      timers.clock.advance('1h')
    }
    const report = await verifyTrail(store, keyOf, { newestKeyId: keyId })
    assert.deepEqual([report.isWhole, report.chains.map(({ note }) => note)], [true, [null, null, 'old-key', null]])
    assert.ok(
      (await verifyTrail(store, keyOf)).chains.every(({ note }) => note === null),
      'nobody said which is the newest',
    )
  })
})
