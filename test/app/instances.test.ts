import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, it } from 'node:test'
import { placesIn } from '../../app/data-directory.ts'
import { readOptions } from '../../app/options.ts'
import { type RunningCampus, startCampus } from '../../app/start.ts'
import type { NewAccount } from '../../app/users.ts'
import { describeWithPostgres } from '../servers/postgres.ts'
import { addApp } from './factors-of.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import { createVisitor, type Visitor } from './visitor.ts'

const secret = 'jJ4kU0aVtq1cTgS8Zb5xYw2nRm7LhEoP'
const json = { 'content-type': 'application/json' }

describeWithPostgres('Instances of Campus that share nothing but a PostgreSQL', server => {
  const running: RunningCampus[] = []
  afterEach(() => Promise.all(running.splice(0).map(campus => campus.stop())))

  /** Starts three at once, as on three machines: each with a data directory of its own. The clock stands still. */
  const startThree = async (name: string) => {
    await server.sql(`CREATE DATABASE ${name}`)
    const accounts: (readonly NewAccount[])[] = []
    const now = Date.now()
    const instances = await Promise.all(
      [1, 2, 3].map(async () => {
        const directory = temporaryDirectory()
        const options = readOptions(['--data', directory, '--port', '0', '--near-cache'], {
          CAMPUS_STORE: server.url({ database: name }),
          SESSION_SECRET: secret,
        })
        if (options === 'help') throw new Error('no help is needed here')
        const announce = (created: readonly NewAccount[]) => accounts.push(created)
        const campus = await startCampus(options, { clock: () => now, log: () => {}, announce })
        running.push(campus)
        return { directory, visitor: () => visitorOf(campus, directory) }
      }),
    )
    return { instances, accounts, now }
  }
  const visitorOf = (campus: RunningCampus, directory: string): Visitor =>
    createVisitor(campus.origin, readFileSync(placesIn(directory).certificate, 'utf8'))

  it('make one set of accounts, sign in on one, read and change on the others, and keep no file of accounts', async () => {
    const { instances, accounts } = await startThree('three')
    assert.deepEqual(
      accounts.map(created => created.length),
      [3],
    )
    const [first, ...others] = instances.map(({ visitor }) => visitor())
    assert.ok(first)
    assert.equal((await first.signIn('student123', accounts[0]?.[0]?.password ?? '')).status, 303)
    for (const [index, other] of others.entries()) {
      for (const [name, value] of first.cookies) other.cookies.set(name, value)
      assert.match((await other.get('/')).text, /Welcome back, student123!/)
      assert.equal((await other.sendJson('/api/profile', { about_me: `from ${index}` })).status, 200)
      assert.equal(JSON.parse((await first.get('/api/profile')).text).about_me, `from ${index}`)
    }
    for (const { directory } of instances) assert.equal(existsSync(join(directory, 'campus.db')), false)
  })

  it('CS-A1, ASVS 6.3.1: a burst of guesses over all of them gets no further than guesses one by one', async () => {
    const { instances } = await startThree('burst')
    const guess = (visitor: Visitor, index: number) =>
      visitor.send('POST', '/api/login', json, JSON.stringify({ username: 'admin', password: `guess ${index}` }))
    const answers = await Promise.all(
      instances.flatMap(({ visitor }) => Array.from({ length: 10 }, (_, index) => guess(visitor(), index))),
    )
    const statuses = answers.map(({ status }) => status)
    assert.equal(statuses.filter(status => status === 401).length, 5)
    assert.equal(statuses.filter(status => status === 429).length, 25)
  })

  it('T13: ask for a second factor that was set up on another, and take each code once between them', async () => {
    const { instances, accounts, now } = await startThree('factors')
    const password = accounts[0]?.[0]?.password ?? ''
    const visitors = instances.map(({ visitor }) => visitor())
    const [owner = assert.fail()] = visitors
    await owner.signIn('student123', password)
    const { recoveryCodes } = await addApp({ now: () => now, pass: () => {} }, owner)
    const [code = ''] = recoveryCodes
    const guests = instances.map(({ visitor }) => visitor())
    for (const guest of guests)
      assert.equal((await guest.signIn('student123', password)).headers.location, '/login/second-factor')
    const answers = await Promise.all(guests.map(guest => guest.submit('/login/second-factor', { code })))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [303, 401, 401])
  })

  it('T17: answer 503 while it is gone, and work again when it is back', async () => {
    const { instances, accounts } = await startThree('gone')
    const visitor = instances[0]?.visitor()
    assert.ok(visitor)
    const password = accounts[0]?.[0]?.password ?? ''
    const body = JSON.stringify({ username: 'student123', password })
    await server.kill()
    const answer = await visitor.send('POST', '/api/login', json, body)
    assert.equal(answer.status, 503)
    assert.ok(answer.headers['retry-after'])
    assert.equal((await visitor.get('/healthz')).status, 503)
    await server.start()
    while ((await visitor.get('/healthz')).status !== 200);
    assert.equal((await visitor.send('POST', '/api/login', json, body)).status, 200)
  })
})
