import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { it } from 'node:test'
import { eventCatalogue } from 'latchkey'
import { addApp } from './factors-of.ts'
import { type OpenCampus, openCampus, password } from './open-campus.ts'

it('CS-A1: after five wrong passwords the next attempt has to wait, for page and API alike, and says how long', async () => {
  const campus = await openCampus()
  const visitor = campus.visitor()
  for (let attempt = 0; attempt < 5; attempt += 1)
    assert.equal((await visitor.signIn('student123', 'wrong')).status, 401)
  const page = await visitor.signIn('student123', password)
  assert.equal(page.status, 429)
  assert.equal(page.headers['retry-after'], '1')
  assert.match(page.text, /Too many attempts[\s\S]*1 second/)
  const api = await visitor.sendJson('/api/login', { username: 'STUDENT123', password })
  assert.equal(api.status, 429)
  assert.equal(api.headers['retry-after'], '1')
  assert.match(JSON.parse(api.text).message, /wait 1 second/)
  assert.equal((await visitor.signIn('admin', password)).status, 303, 'other accounts are not concerned')
  campus.pass(1_000)
  assert.equal((await visitor.signIn('student123', password)).status, 303)
})

it('CS-A1: a burst of guesses gets no further than guesses one by one', async () => {
  const campus = await openCampus()
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      campus
        .visitor()
        .send(
          'POST',
          '/api/login',
          { 'content-type': 'application/json' },
          JSON.stringify({ username: 'admin', password: `guess ${index}` }),
        ),
    ),
  )
  const statuses = answers.map(answer => answer.status)
  assert.equal(statuses.filter(status => status === 401).length, 5)
  assert.equal(statuses.filter(status => status === 429).length, 25)
})

it('CS-A2: an unknown account is throttled like a known one', async () => {
  const campus = await openCampus()
  const visitor = campus.visitor()
  for (let attempt = 0; attempt < 5; attempt += 1) await visitor.signIn('nobody', 'wrong')
  assert.equal((await visitor.signIn('nobody', 'wrong')).status, 429)
})

it('a wrong password is logged, the password is not, nor a name that is no account', async () => {
  const campus = await openCampus()
  const visitor = campus.visitor()
  await visitor.signIn('student123', 'my-mistyped-password')
  await visitor.signIn('my-password-in-the-wrong-field', 'x')
  await visitor.signIn('my-password-in-the-wrong-field', 'y')
  const [first, second, third] = [await failure(campus, 1), await failure(campus, 2), await failure(campus, 3)]
  assert.equal(eventCatalogue['sign-in.failed'].owasp, 'authn_login_fail')
  assert.deepEqual([first.severity, first.userId, second.userId], ['warning', 'student123', null])
  assert.equal(second.detail?.account, third.detail?.account, 'what is the same name can be seen')
  assert.notEqual(first.detail?.account, second.detail?.account)
  assert.doesNotMatch(campus.log.join(), /my-/)
})

it('ASVS 6.3.1: a place becomes one of its owner by a whole sign-in, with the second factor where there is one', async () => {
  const campus = await openCampus()
  const database = new DatabaseSync(join(campus.directory, 'campus.db'))
  const places = () => database.prepare('SELECT 1 FROM campus_familiar_places').all().length
  const owner = campus.visitor()
  assert.equal(places(), 0)
  await owner.signIn('student123', password)
  assert.equal(places(), 1, 'a password alone, where it is all')
  const app = await addApp(campus, owner)
  database.exec('DELETE FROM campus_familiar_places')
  const again = campus.visitor()
  const program = (fields: object) =>
    again.send(
      'POST',
      '/api/token',
      { 'content-type': 'application/json' },
      JSON.stringify({ username: 'student123', password, ...fields }),
    )
  await again.signIn('student123', password)
  await again.submit('/login/second-factor', { code: '000000' })
  await program({})
  await owner.submit('/reauthenticate', { password, code: '000000' })
  assert.equal(places(), 0)
  assert.equal((await again.submit('/login/second-factor', { code: app.code() })).headers.location, '/dashboard')
  assert.equal(places(), 1)
  database.exec('DELETE FROM campus_familiar_places')
  assert.equal((await program({ code: app.recoveryCodes[0] })).status, 200)
  assert.equal(places(), 1)
  database.close()
})

/** What was logged of a sign-in that failed. */
function failure(campus: OpenCampus, nth: number) {
  return campus.logged('sign-in.failed', {}, nth)
}
