import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openSqlite } from '../../app/sqlite-database.ts'
import { openUsers } from '../../app/users.ts'
import { openCampus, password } from './open-campus.ts'
import type { Answer, Visitor } from './visitor.ts'

const minute = 60_000
const statusOf = ({ text }: Answer) => JSON.parse(text)
const extend = (visitor: Visitor, token: string) =>
  visitor.send('POST', '/api/session/extend', { 'sec-fetch-site': 'same-origin', 'x-csrf-token': token })

async function open(...args: string[]) {
  const campus = await openCampus(...args)
  const signedIn = async (username = 'student123') => {
    const visitor = campus.visitor()
    assert.equal((await visitor.signIn(username, password)).status, 303)
    return visitor
  }
  return { campus, signedIn }
}

describe('The status of a session', () => {
  it('NIST 5.2-b: is no activity to ask for', async () => {
    const { campus, signedIn } = await open()
    const visitor = await signedIn()
    for (let asked = 0; asked < 14; asked += 1) {
      campus.pass(minute)
      const status = statusOf(await visitor.get('/api/session'))
      assert.equal(status.signedIn, true)
      assert.ok(status.idleIn <= (14 - asked) * minute, `${status.idleIn} at ${asked}`)
    }
    campus.pass(minute)
    assert.equal(statusOf(await visitor.get('/api/session')).signedIn, false)
    assert.equal((await visitor.get('/dashboard')).status, 303)
  })

  it('is extended by a request with the token, up to the absolute end', async () => {
    const { campus, signedIn } = await open('--absolute-timeout', '20m')
    const visitor = await signedIn()
    const { csrfToken } = statusOf(await visitor.get('/api/session'))
    campus.pass(14 * minute)
    const answer = await extend(visitor, csrfToken)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['cache-control'], 'no-store')
    const { signedIn: isIn, idleIn, endsIn } = statusOf(answer)
    assert.equal(isIn, true)
    assert.ok(idleIn > 5 * minute && idleIn <= 6 * minute, 'never beyond the absolute end')
    assert.ok(endsIn > 5 * minute && endsIn <= 6 * minute)
    campus.pass(5 * minute)
    assert.equal((await visitor.get('/dashboard')).status, 200)
  })

  it('CSRF: is not extended without the token, nor by another site', async () => {
    const { signedIn } = await open()
    const visitor = await signedIn()
    const { csrfToken } = statusOf(await visitor.get('/api/session'))
    assert.equal((await extend(visitor, '')).status, 403)
    assert.equal((await extend(visitor, 'x'.repeat(64))).status, 403)
    const evil = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example', 'x-csrf-token': csrfToken }
    assert.equal((await visitor.send('POST', '/api/session/extend', evil)).status, 403)
    assert.equal((await visitor.get('/api/session/extend')).status, 404)
  })

  it('of a guest says that nobody is there, and cannot be extended', async () => {
    const { campus } = await open()
    const guest = campus.visitor()
    const answer = await guest.get('/api/session')
    const { signedIn, subject, formKeys, idleIn, endsIn, csrfToken } = statusOf(answer)
    assert.deepEqual([signedIn, subject, formKeys, idleIn, endsIn], [false, null, [], null, null])
    assert.equal(answer.headers['set-cookie'], undefined)
    assert.equal((await extend(guest, csrfToken)).status, 401)
  })

  it('ASVS 7.4.2: of a closed account says the same', async () => {
    const { campus, signedIn } = await open()
    const visitor = await signedIn('admin')
    const { csrfToken } = statusOf(await visitor.get('/api/session'))
    const database = openSqlite(join(campus.directory, 'campus.db'))
    await (await openUsers(database)).setDisabled('admin', true)
    await database.close()
    assert.equal(statusOf(await visitor.get('/api/session')).signedIn, false)
    assert.equal((await extend(visitor, csrfToken)).status, 401)
  })

  it('of a locked session says so, and cannot be extended', async () => {
    const { campus, signedIn } = await open('--idle-lock')
    const visitor = await signedIn()
    campus.pass(16 * minute)
    const { signedIn: isIn, locked, csrfToken } = statusOf(await visitor.get('/api/session'))
    assert.deepEqual([isIn, locked], [false, true])
    assert.equal((await extend(visitor, csrfToken)).status, 401)
  })
})

describe('The script in every page', () => {
  const scriptIn = (text: string) =>
    /<script type="module" src="(\/assets\/latchkey\/[^"]+)" data-latchkey="([^"]+)">/.exec(text)

  it('starts from the status of the page, for users and for guests', async () => {
    const { campus, signedIn } = await open()
    const visitor = await signedIn()
    const optionsOf = async (who: Visitor, path: string) =>
      JSON.parse((scriptIn((await who.get(path)).text)?.[2] ?? '').replaceAll('&quot;', '"'))
    const { status, ...addresses } = await optionsOf(visitor, '/profile')
    assert.equal(status.signedIn, true)
    assert.ok(status.formKeys[0]?.length === 43 && status.subject !== null)
    assert.deepEqual(addresses, {
      statusUrl: '/api/session',
      extendUrl: '/api/session/extend',
      signOutUrl: '/logout',
      signInUrl: '/login',
    })
    for (const path of ['/', '/login', '/no-such-page'])
      assert.equal((await optionsOf(campus.visitor(), path)).status.signedIn, false)
  })

  it('goes to the page that unlocks, where sessions are locked', async () => {
    const { signedIn } = await open('--idle-lock')
    assert.match(
      scriptIn((await (await signedIn()).get('/')).text)?.[2] ?? '',
      /signInUrl&quot;:&quot;\/reauthenticate/,
    )
  })

  it('comes with all its modules, without types and without a session', async () => {
    const { campus } = await open()
    const guest = campus.visitor()
    const seen = new Set<string>()
    const load = async (path: string): Promise<void> => {
      if (seen.has(path)) return
      seen.add(path)
      const { status, headers, text } = await guest.get(path)
      assert.equal(status, 200, path)
      assert.match(headers['content-type'] ?? '', /^text\/javascript/)
      assert.equal(headers['set-cookie'], undefined)
      assert.doesNotMatch(text, /\binterface \w|import type/)
      for (const [, name] of text.matchAll(/(?:from|import) '\.\/([\w.-]+)'/g)) await load(`/assets/latchkey/${name}`)
    }
    await load(scriptIn((await guest.get('/')).text)?.[1] ?? '')
    assert.ok(seen.size > 10)
  })

  for (const name of ['no-such.ts', '..%2findex.ts', '..%2f..%2fpackage.json', 'script.d.ts', 'toString', ''])
    it(`and nothing else is there: ${name}`, async () => {
      const { campus } = await open()
      assert.equal((await campus.visitor().get(`/assets/latchkey/${name}`)).status, 404)
    })
})
