import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openSqlite } from '../../app/sqlite-database.ts'
import { accountName, openUsers, passwordHash, type Users } from '../../app/users.ts'
import { describeOnEveryDatabase } from './every-database.ts'

describeOnEveryDatabase('Campus users', newPlace => {
  const open = async () => {
    const database = await (await newPlace()).open()
    return { database, users: await openUsers(database) }
  }

  it('are three at the first start, with random passwords of their own', async () => {
    const { users } = await open()
    const accounts = await users.createFirst(null)
    assert.deepEqual(
      accounts.map(({ username, role }) => [username, role]),
      [
        ['student123', 'student'],
        ['instructor', 'instructor'],
        ['admin', 'admin'],
      ],
    )
    assert.equal(new Set(accounts.map(account => account.password)).size, 3)
    for (const { username, password } of accounts) {
      assert.match(password, /^[a-z1-9]{4}(-[a-z1-9]{4}){3}$/)
      assert.equal((await users.withPassword(username, password))?.username, username)
    }
  })

  it('are not created twice', async () => {
    const { users } = await open()
    await users.createFirst('first')
    assert.deepEqual(await users.createFirst('second'), [])
    assert.equal(await users.withPassword('admin', 'second'), null)
  })

  it('are created once when three instances start at the same time', async () => {
    const place = await newPlace()
    const instances = await Promise.all(
      ['a', 'b', 'c'].map(async password => ({ password, users: await openUsers(await place.open()) })),
    )
    const created = await Promise.all(instances.map(({ users, password }) => users.createFirst(password)))
    assert.deepEqual(created.map(accounts => accounts.length).sort(), [0, 0, 3])
    const [winner] = created.flat()
    for (const { users } of instances)
      assert.equal((await users.withPassword('admin', winner?.password ?? ''))?.username, 'admin')
  })

  it('ASVS 11.4.2: are kept with an argon2id hash of the strength OWASP asks for', async () => {
    const { database, users } = await open()
    await users.createFirst('correct horse')
    const rows = await database.query<{ password_hash: string }>('SELECT * FROM campus_users')
    assert.equal(rows.length, 3)
    for (const row of rows) {
      assert.match(row.password_hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
      assert.doesNotMatch(JSON.stringify(row), /correct horse/)
    }
  })

  it('CS-A2: get the same answer for a wrong password, an unknown name and a disabled account', async () => {
    const { users } = await open()
    await users.createFirst('right')
    await users.setDisabled('admin', true)
    assert.equal(await users.withPassword('student123', 'wrong'), null)
    assert.equal(await users.withPassword('nobody', 'right'), null)
    assert.equal(await users.withPassword('admin', 'right'), null)
    assert.equal(await users.find('admin'), null)
    await users.setDisabled('admin', false)
    assert.equal((await users.withPassword('admin', 'right'))?.role, 'admin')
  })

  it('keep what they say about themselves', async () => {
    const { users } = await open()
    await users.createFirst('x')
    await users.setAboutMe('student123', "'; DROP TABLE users; --")
    assert.equal((await users.find('student123'))?.aboutMe, "'; DROP TABLE users; --")
    assert.equal((await users.find('admin'))?.aboutMe, '')
  })

  it('have an e-mail address from the start, and may change it and their password', async () => {
    const { users } = await open()
    await users.createFirst('old')
    assert.equal(await users.emailOf('admin'), 'admin@campus.example')
    assert.equal(await users.emailOf('nobody'), null)
    await users.setEmail('admin', 'new@example.org')
    assert.equal(await users.emailOf('admin'), 'new@example.org')
    await users.setPasswordHash('admin', await passwordHash('new'))
    assert.equal((await users.withPassword('admin', 'new'))?.username, 'admin')
    assert.equal(await users.withPassword('admin', 'old'), null)
    assert.equal((await users.withPassword('student123', 'old'))?.username, 'student123')
  })

  it('ASVS 7.4.2: are closed before what they have elsewhere ends, and gone afterwards', async () => {
    const database = await (await newPlace()).open()
    const order: string[] = []
    const users: Users = await openUsers(database, async (username, how) => {
      order.push(`${username} ${how}, ${(await users.find(username)) === null ? 'closed' : 'open'}`)
    })
    await users.createFirst('x')
    await users.setDisabled('admin', true)
    await users.setDisabled('admin', false)
    await users.remove('admin')
    assert.deepEqual(order, ['admin disabled, closed', 'admin removed, closed'])
    assert.equal(await users.find('admin'), null)
    assert.equal(await users.emailOf('admin'), null)
    assert.equal((await users.find('student123'))?.username, 'student123')
  })

  it('have one spelling of their name', () => {
    assert.equal(accountName(' Student123 '), 'student123')
    assert.equal(accountName('ｓｔｕｄｅｎｔ123'), 'student123')
    assert.ok(accountName('x'.repeat(1_000)).length <= 64)
    assert.ok(accountName('\uFDFA'.repeat(64)).length <= 64)
  })

  it('may be asked for by any name that anybody types', async () => {
    const { users } = await open()
    for (const typed of ['', '\0', 'a\0b', '\uD800', '\uDC00x', "'", '$1', '%', '😀'])
      assert.equal(await users.withPassword(accountName(typed), 'x'), null)
  })
})

it('T22, ASVS 6.3.8: an unknown name and a disabled account take as long as a wrong password', async () => {
  const users = await openUsers(openSqlite(':memory:'))
  await users.createFirst('right')
  await users.setDisabled('admin', true)
  const fastest = async (username: string) => {
    let best = Number.POSITIVE_INFINITY
    for (let round = 0; round < 7; round += 1) {
      const start = performance.now()
      await users.withPassword(username, 'wrong')
      best = Math.min(best, performance.now() - start)
    }
    return best
  }
  // A smoke test: without the hash, the answer would come hundreds of times faster. A busy machine only makes it slower.
  const known = await fastest('student123')
  for (const username of ['nobody', 'admin']) assert.ok((await fastest(username)) > known / 20, username)
})
