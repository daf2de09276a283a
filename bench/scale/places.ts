import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { SessionStore, StoredRecord } from 'latchkey'
import { fileStore } from 'latchkey/stores/file'
import { memoryStore } from 'latchkey/stores/memory'
import { migratePostgres, postgresStore } from 'latchkey/stores/postgres'
import { redisStore } from 'latchkey/stores/redis'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { createClient, createCluster } from 'redis'
import { postgresServer } from '../../tools/servers/postgres.ts'
import { type RedisServer, startRedis, startRedisCluster } from '../../tools/servers/redis.ts'

/** A store in a place of its own. */
export type Place = {
  store: SessionStore
  /** What keeps the records, with its version. */
  version: string
  /** Sessions that are created at a time. */
  atOnce: number
  /** Writes records past the store, many at once, where creating a million one by one takes too long. */
  insert?(records: readonly StoredRecord[]): Promise<void>
  /** What all sessions take now, where the store keeps them. */
  bytes(): Promise<number>
  /** Does now what the server would do soon, so that it does not do it in the middle of a measurement. */
  settle(): Promise<void>
  /** Where the server expires records by itself: has these expire together, and resolves in the moment they do. */
  expiry: ServerExpiry | null
  /** Removes everything. */
  stop(): Promise<void>
}

/** Expiry by the server. */
export type ServerExpiry = {
  /** Has the records expire at one instant, and resolves when it has come. */
  expire(sids: string[]): Promise<void>
  /** How many keys there are. */
  keys(): Promise<number>
  /** Has the server remove what expired as eagerly as it can; by itself it is content with a tenth of dead keys. */
  hurry(): Promise<void>
}

/** What is measured, in the order of the tables. */
export const placeNames = ['memory', 'sqlite', 'file', 'postgres', 'redis', 'redis-cluster'] as const

export type PlaceName = (typeof placeNames)[number]

/** As tables and plot call them. */
export const labels: Record<PlaceName, string> = {
  memory: 'memory',
  sqlite: 'SQLite',
  file: 'file',
  postgres: 'PostgreSQL',
  redis: 'Redis',
  'redis-cluster': 'Redis Cluster',
}

/** Opens an empty store for at most so many sessions. */
export async function openPlace(name: PlaceName, sessions: number): Promise<Place> {
  switch (name) {
    case 'memory':
      return {
        store: memoryStore({ maxRecords: sessions }),
        version: `Node ${process.version}`,
        atOnce: 1_000,
        bytes: heapBytes,
        settle: async () => {},
        expiry: null,
        stop: async () => {},
      }
    case 'sqlite':
      return inDirectory(`SQLite ${process.versions.sqlite}`, 1_000, directory => sqliteStore(join(directory, 'db')))
    case 'file':
      return inDirectory('files', 64, directory => fileStore(join(directory, 'sessions')))
    case 'postgres':
      return inPostgres()
    case 'redis':
      return inRedis()
    case 'redis-cluster':
      return inRedisCluster()
  }
}

/** What this process holds, garbage apart. Needs --expose-gc. */
export async function heapBytes(): Promise<number> {
  // Twice: what a finalizer of the first lets go is gone after the second.
  global.gc?.()
  await wait(50)
  global.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function inDirectory(version: string, atOnce: number, open: (directory: string) => SessionStore): Place {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-scale-'))
  return {
    store: open(directory),
    version,
    atOnce,
    bytes: async () => Number(execFileSync('du', ['-s', '-B1', directory], { encoding: 'utf8' }).split('\t')[0]),
    settle: async () => {},
    expiry: null,
    // The store is not closed: it would spend minutes on bringing files up to date that nobody reads.
    stop: async () => rmSync(directory, { recursive: true, force: true }),
  }
}

async function inPostgres(): Promise<Place> {
  // As on a server of its own: the default of 128 MB is for a machine that has other things to do.
  const server = postgresServer({ fsync: 'on', shared_buffers: '1GB', max_wal_size: '4GB' })
  await server.create()
  const pool = server.pool({ max: 20 })
  await migratePostgres(pool)
  const answer = async (sql: string) => Object.values((await server.sql(sql))[0] ?? {})[0]
  return {
    store: postgresStore(pool),
    version: `PostgreSQL ${String(await answer('SHOW server_version')).split(' ')[0]}`,
    atOnce: 100,
    async insert(records) {
      const column = (name: keyof StoredRecord) => records.map(record => record[name])
      await pool.query(
        `INSERT INTO latchkey_records (sid, version, user_id, created_at, last_seen_at, expires_at, body)
          SELECT sid, 1, user_id, created_at, seen_at, expires_at, body FROM
          unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[]) AS new (sid, user_id, created_at, seen_at, expires_at, body)`,
        [
          column('sid'),
          column('userId'),
          column('createdAt'),
          column('lastSeenAt'),
          column('expiresAt'),
          column('body'),
        ],
      )
    },
    bytes: async () => Number(await answer(`SELECT pg_total_relation_size('latchkey_records')`)),
    async settle() {
      await server.sql('VACUUM ANALYZE latchkey_records')
      await server.sql('CHECKPOINT')
    },
    expiry: null,
    stop: () => server.stop(),
  }
}

async function inRedis(): Promise<Place> {
  const server = await startRedis()
  const client = await createClient({ url: server.url }).connect()
  const expire = async (sid: string, at: string) => client.sendCommand(['PEXPIREAT', keyOf(sid), at])
  return redisPlace([server], redisStore(client), expire, async () => {
    client.destroy()
    await server.stop()
  })
}

async function inRedisCluster(): Promise<Place> {
  const servers = await startRedisCluster()
  const { rootNodes } = servers
  const cluster = await createCluster({ rootNodes }).connect()
  const expire = async (sid: string, at: string) =>
    cluster.sendCommand(keyOf(sid), false, ['PEXPIREAT', keyOf(sid), at])
  return redisPlace(servers.nodes.slice(0, 3), redisStore(cluster), expire, async () => {
    cluster.destroy()
    await servers.stop()
  })
}

async function redisPlace(
  masters: readonly RedisServer[],
  store: SessionStore,
  expireAt: (sid: string, at: string) => Promise<unknown>,
  stop: () => Promise<void>,
): Promise<Place> {
  const clients = await Promise.all(masters.map(({ url }) => createClient({ url }).connect()))
  const info = async (section: string, field: string) => {
    const texts = await Promise.all(clients.map(client => client.info(section)))
    return texts.map(text => new RegExp(`^${field}:(\\S+)`, 'm').exec(text)?.[1] ?? '')
  }
  return {
    store,
    version: `Redis ${(await info('server', 'redis_version'))[0]}`,
    atOnce: 256,
    bytes: async () => sum((await info('memory', 'used_memory')).map(Number)),
    settle: () => wait(2_000),
    expiry: {
      async expire(sids) {
        const at = Date.now() + 5_000 + sids.length / 10
        for (let from = 0; from < sids.length; from += 1_000) {
          await Promise.all(sids.slice(from, from + 1_000).map(sid => expireAt(sid, String(Math.ceil(at)))))
        }
        if (Date.now() >= at) throw new Error('The records expired before the last of them was told to.')
        await wait(at - Date.now())
      },
      keys: async () => sum(await Promise.all(clients.map(client => client.dbSize()))),
      async hurry() {
        await Promise.all(clients.map(client => client.configSet('active-expire-effort', '10')))
      },
    },
    async stop() {
      for (const client of clients) client.destroy()
      await stop()
    },
  }
}

/** As the store calls the record of a sid. */
function keyOf(sid: string): string {
  return `latchkey:{${sid.slice(0, 2)}}:r:${sid}`
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
