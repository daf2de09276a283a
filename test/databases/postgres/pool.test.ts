import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { postgresFactors } from 'latchkey/mfa/stores/postgres'
import { postgresStore } from 'latchkey/stores/postgres'
import { postgresWatch } from 'latchkey/watch/stores/postgres'
import { statement } from '../../../src/databases/postgres/pool.ts'

/** A pool that is never asked anything. */
function silentPool(options: { connectionTimeoutMillis: number }) {
  const never = () => Promise.reject(new Error('not asked for'))
  return Object.assign(new EventEmitter(), { options, query: never, connect: never })
}

const users = { postgresStore, postgresFactors, postgresWatch }

test('a pool that all of them share is listened to once, and a connection that breaks ends no process', () => {
  const pool = silentPool({ connectionTimeoutMillis: 2_000 })
  for (const use of Object.values(users)) use(pool)
  assert.equal(pool.listenerCount('error'), 1)
  pool.emit('error', new Error('terminated'))
})

test('a pool that would wait for a connection for ever is refused, in the name of whoever was called', () => {
  for (const [caller, use] of Object.entries(users)) {
    const pool = silentPool({ connectionTimeoutMillis: 0 })
    assert.throws(() => use(pool), { name: 'UsageError', message: new RegExp(`^${caller}: give the pool connection`) })
  }
})

test('a statement says only what it has: without values it may be several, without a name it is not kept', () => {
  const keys = (...rest: Parameters<typeof statement>) => Object.keys(statement(...rest)).sort()
  assert.deepEqual(keys('BEGIN; COMMIT', null, 1), ['query_timeout', 'rowMode', 'text', 'types'])
  assert.deepEqual(keys('SELECT $1', [1], 1), ['query_timeout', 'rowMode', 'text', 'types', 'values'])
  assert.deepEqual(keys('SELECT $1', [1], 1, 'n'), ['name', 'query_timeout', 'rowMode', 'text', 'types', 'values'])
})
