import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Ended, EverybodyConfirmation, Overview, Problem, SessionsAnswer } from 'latchkey/console'
import { Authenticator } from '../actors/authenticator.ts'
import { addApp, addPasskey, signInWith } from './factors-of.ts'
import { type OpenCampus, openCampus, password } from './open-campus.ts'
import type { Answer, Visitor } from './visitor.ts'

const json = <Body>({ text }: Answer): Body => JSON.parse(text) as Body

/** Sends JSON to the console as its page does. */
async function post(admin: Visitor, path: string, body: object): Promise<Answer> {
  const { csrfToken } = json<Overview>(await admin.get('/console/api/overview'))
  const headers = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json', 'x-csrf-token': csrfToken }
  return admin.send('POST', `/console/api/${path}`, headers, JSON.stringify(body))
}

/** An administrator with an authenticator app, signed in with both factors. */
async function administrator(campus: OpenCampus) {
  const admin = campus.visitor()
  await admin.signIn('admin', password)
  const app = await addApp(campus, admin)
  return { admin, app }
}

describe('the console of Campus', () => {
  it('is for administrators with two fresh factors; users find nothing, and an administrator without is told', async () => {
    const campus = await openCampus()
    const visitor = campus.visitor()
    assert.equal((await visitor.get('/console/')).headers.location, '/reauthenticate?returnTo=%2Fconsole%2F')
    const student = campus.visitor()
    await student.signIn('student123', password)
    const nothing = await student.get('/console/')
    assert.deepEqual([nothing.status, /There is no such page/.test(nothing.text)], [404, true])
    assert.doesNotMatch((await student.get('/dashboard')).text, /href="\/console"/)

    const admin = campus.visitor()
    await admin.signIn('admin', password)
    assert.match((await admin.get('/dashboard')).text, /href="\/console"/)
    const told = await admin.get('/console/')
    assert.equal(told.status, 403)
    assert.match(told.text, /href="\/security"/)
    const app = await addApp(campus, admin)
    assert.ok([200, 503].includes((await admin.get('/console/')).status))

    campus.pass(14 * 60_000)
    await admin.get('/dashboard')
    campus.pass(2 * 60_000)
    const { status, headers } = await admin.get('/console/')
    assert.deepEqual([status, headers.location], [303, '/reauthenticate?returnTo=%2Fconsole%2F'])
    const proved = await admin.submit('/reauthenticate', { password, code: app.code(), returnTo: '/console/' })
    assert.equal(proved.headers.location, '/console/')
    assert.equal((await admin.get('/console/api/overview')).status, 200)
  })

  it('sends a locked session to where it is unlocked', async () => {
    const campus = await openCampus('--idle-lock')
    const { admin } = await administrator(campus)
    campus.pass(60 * 60_000)
    assert.equal((await admin.get('/console/')).headers.location, '/reauthenticate?returnTo=%2Fconsole%2F')
    const refused = await admin.get('/console/api/overview')
    assert.deepEqual([refused.status, json<Problem>(refused).code], [401, 'session-locked'])
  })

  it('shows everybody, and ends what an administrator ends', async () => {
    const campus = await openCampus()
    const student = campus.visitor()
    await student.signIn('student123', password)
    const { admin } = await administrator(campus)
    const { sessions } = json<SessionsAnswer>(await admin.get('/console/api/sessions?user=student123'))
    assert.equal(sessions.length, 1)
    const sid = sessions[0]?.sid ?? ''
    assert.deepEqual(json<Ended>(await post(admin, 'session/end', { sid })), { ended: 1 })
    assert.equal((await student.get('/dashboard')).status, 303)
  })

  it('ends everybody’s sessions when both factors were proved once more', async () => {
    const campus = await openCampus()
    const student = campus.visitor()
    await student.signIn('student123', password)
    const { admin, app } = await administrator(campus)
    const { confirmation } = json<EverybodyConfirmation>(await post(admin, 'everybody/confirm', {}))
    const wrong = await post(admin, 'everybody/end', { confirmation, password: 'guess', code: app.code() })
    assert.deepEqual([wrong.status, json<Problem>(wrong).code], [403, 'proof-refused'])
    assert.equal((await student.get('/dashboard')).status, 200)
    const done = await post(admin, 'everybody/end', { confirmation, password, code: app.code() })
    assert.equal(done.status, 200, done.text)
    assert.equal((await student.get('/dashboard')).status, 303)
    assert.equal((await admin.get('/console/api/overview')).status, 401)
  })

  it('takes a passkey that signs the confirmation', async () => {
    const campus = await openCampus('--origin', 'https://campus.test')
    const key = new Authenticator('https://campus.test')
    const { admin } = await administrator(campus)
    assert.equal((await addPasskey(admin, key)).status, 303)
    const opened = json<EverybodyConfirmation>(await post(admin, 'everybody/confirm', {}))
    const passkey = key.get(opened.passkey as Parameters<Authenticator['get']>[0])
    const done = await post(admin, 'everybody/end', { confirmation: opened.confirmation, passkey })
    assert.equal(done.status, 200, done.text)
  })

  it('writes down who ended what', async () => {
    const campus = await openCampus()
    const { admin, app } = await administrator(campus)
    await post(admin, 'user/end', { userId: 'student123' })
    campus.pass(60_000)
    const again = campus.visitor()
    await signInWith(again, 'admin', app.code())
    // What has happened is written a moment later.
    for (;;) {
      const { text } = await again.get('/console/api/entries?type=operator.acted')
      const [entry] = JSON.parse(text).entries
      if (!entry) continue
      assert.deepEqual(entry.detail, { operation: 'end-user', target: 'student123', by: 'admin' })
      break
    }
  })
})
