import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { openCampus } from './open-campus.ts'

const campus = await openCampus()

describe('T17: the health of Campus', () => {
  const health = async () => (await campus.visitor().get('/healthz')).status

  for (const [what, file, table] of [
    ['the records of sessions', 'sessions.db', 'records'],
    ['what is written beside the records', 'sessions.db', 'generations'],
    ['the accounts', 'campus.db', 'campus_users'],
  ] as const) {
    it(`is 503 while the database is there but not the table with ${what}`, async () => {
      assert.equal(await health(), 200)
      const database = new DatabaseSync(join(campus.directory, file))
      try {
        database.exec(`ALTER TABLE ${table} RENAME TO elsewhere`)
        assert.equal(await health(), 503)
        database.exec(`ALTER TABLE elsewhere RENAME TO ${table}`)
        assert.equal(await health(), 200)
      } finally {
        database.close()
      }
    })
  }
})
