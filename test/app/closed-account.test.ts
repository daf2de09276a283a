import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createSessions } from 'latchkey'
import { sqliteFactors } from 'latchkey/mfa/stores/sqlite'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { departure } from '../../app/accounts.ts'
import { placesIn } from '../../app/data-directory.ts'
import type { SessionData } from '../../app/session-data.ts'
import { openSqlite } from '../../app/sqlite-database.ts'
import { openUsers, type Users } from '../../app/users.ts'
import { addApp } from './factors-of.ts'
import { type OpenCampus, openCampus, password } from './open-campus.ts'

const json = { 'content-type': 'application/json' }

/** Somebody who looks after the accounts of a running Campus, in a process beside it. */
async function administer(campus: OpenCampus, work: (users: Users) => Promise<void>): Promise<void> {
  const store = sqliteStore(join(campus.directory, 'sessions.db'))
  const sessions = createSessions<SessionData>({
    secrets: ['jJ4kU0aVtq1cTgS8Zb5xYw2nRm7LhEoP'],
    store,
    sweepEvery: false,
  })
  const factors = sqliteFactors(placesIn(campus.directory).factors)
  const database = openSqlite(join(campus.directory, 'campus.db'))
  await work(await openUsers(database, departure({ sessions, factors })))
  await database.close()
  await factors.close()
  await sessions.close()
}

/** A student with an authenticator app, a browser, a program, and a sign-in that waits for its code. */
async function open() {
  const campus = await openCampus()
  const browser = campus.visitor()
  await browser.signIn('student123', password)
  const app = await addApp(campus, browser)
  const program = campus.visitor()
  const body = JSON.stringify({ username: 'student123', password, code: app.code() })
  const { access_token: token } = JSON.parse((await program.send('POST', '/api/token', json, body)).text)
  assert.ok(token)
  const pending = campus.visitor()
  assert.equal((await pending.signIn('student123', password)).headers.location, '/login/second-factor')
  campus.pass(30_000)
  const me = () => program.get('/api/me', { authorization: `Bearer ${token}` })
  assert.equal((await me()).status, 200)
  return { campus, browser, app, pending, me }
}

for (const [how, close] of [
  ['disabled', (users: Users) => users.setDisabled('student123', true)],
  ['deleted', (users: Users) => users.remove('student123')],
] as const)
  describe(`ASVS 7.4.2: when an account is ${how}`, () => {
    it('its sessions end in browsers and programs', async () => {
      const { campus, browser, me } = await open()
      await administer(campus, close)
      assert.equal((await browser.get('/dashboard')).status, 303)
      assert.equal((await me()).status, 401)
    })

    it('a sign-in that waits for its second factor comes to nothing', async () => {
      const { campus, pending, app } = await open()
      await administer(campus, close)
      const answer = await pending.submit('/login/second-factor', { code: app.code() })
      assert.notEqual(answer.headers.location, '/dashboard')
      assert.equal((await pending.get('/dashboard')).status, 303)
    })

    it('and nothing comes back when it is enabled or made again before that', async () => {
      const { campus, browser, pending, app, me } = await open()
      await administer(campus, async users => {
        await close(users)
        await users.setDisabled('student123', false)
      })
      await pending.submit('/login/second-factor', { code: app.code() })
      for (const visitor of [browser, pending]) assert.equal((await visitor.get('/dashboard')).status, 303)
      assert.equal((await me()).status, 401)
    })
  })

it('a disabled account keeps its second factor: enabled again it must not be weaker', async () => {
  const { campus } = await open()
  await administer(campus, async users => {
    await users.setDisabled('student123', true)
    await users.setDisabled('student123', false)
  })
  assert.equal((await campus.visitor().signIn('student123', password)).headers.location, '/login/second-factor')
})

it('ASVS 6.5.6: a deleted account leaves nothing behind, and nobody else loses anything', async () => {
  const { campus } = await open()
  await administer(campus, users => users.remove('student123'))
  const database = openSqlite(join(campus.directory, 'campus.db'))
  const tables = await database.query<{ name: string }>(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'campus%'`,
  )
  for (const { name } of tables.filter(table => table.name !== 'campus_sign_in_failures'))
    assert.doesNotMatch(JSON.stringify(await database.query(`SELECT * FROM ${name}`)), /student123/, name)
  assert.equal((await database.query('SELECT * FROM campus_users')).length, 2)
  assert.equal((await database.query('SELECT * FROM campus_emails')).length, 2)
  await database.close()
  const factors = sqliteFactors(placesIn(campus.directory).factors)
  assert.deepEqual(await factors.list('student123'), [])
  await factors.close()
})

it('a deletion that fails half-way leaves the account closed, and can be done again', async () => {
  const database = openSqlite(':memory:')
  let broken = true
  const users = await openUsers(database, async () => {
    if (broken) throw new Error('the session store is down')
  })
  await users.createFirst('correct horse')
  await assert.rejects(users.remove('admin'), /is down/)
  assert.equal(await users.find('admin'), null)
  assert.equal(await users.withPassword('admin', 'correct horse'), null)
  broken = false
  await users.remove('admin')
  assert.equal((await database.query('SELECT * FROM campus_users')).length, 2)
})
