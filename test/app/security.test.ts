import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Authenticator } from '../actors/authenticator.ts'
import {
  addApp,
  addPasskey,
  codesOf,
  fieldOn,
  recoveryCodesOn,
  secretOn,
  signInWith,
  stepMs,
  toldTo,
  whoIs,
} from './factors-of.ts'
import { type OpenCampus, openCampus, password } from './open-campus.ts'
import type { Visitor } from './visitor.ts'

async function signedIn(campus: OpenCampus, username = 'student123'): Promise<Visitor> {
  const visitor = campus.visitor()
  await visitor.signIn(username, password)
  return visitor
}

/** The ids that the page offers to remove. */
function removable(text: string): string[] {
  return [...text.matchAll(/name="id" value="([^"]+)"/g)].map(match => match[1] ?? '')
}

describe('Setting up an authenticator app', () => {
  it('ASVS 6.3.7: shows the recovery codes once, raises the level, and tells the owner', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    assert.match((await visitor.get('/security')).text, /With your password alone, so far/)
    const app = await addApp(campus, visitor, { label: '<i>phone</i>' })
    assert.equal(app.recoveryCodes.length, 10)
    assert.equal(new Set(app.recoveryCodes).size, 10)
    const page = await visitor.get('/security')
    assert.equal(page.status, 200, 'the code that confirmed it is a fresh proof')
    assert.match(page.text, /&lt;i&gt;phone&lt;\/i&gt;/)
    assert.match(page.text, /<dt>Left<\/dt><dd>10 of 10/)
    assert.doesNotMatch(page.text, new RegExp(app.recoveryCodes.join('|')))
    assert.match((await visitor.get('/dashboard')).text, /Level 2 of 3/)
    assert.deepEqual(toldTo(campus, 'student123'), ['new-device', 'factor'])
    await campus.logged('factor.added', {}, 2)
    assert.equal(campus.linesOf('factor.added').length, 2, 'the app, and the codes')
  })

  it('given up half-way, leaves nothing behind', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    await visitor.get('/security/app')
    const { ticket, uri } = await enrolment(visitor)
    await visitor.submit('/security/app', { ticket, uri, code: '000000' })
    assert.match((await visitor.get('/security')).text, /With your password alone, so far/)
    assert.equal((await campus.visitor().signIn('student123', password)).headers.location, '/dashboard')
    assert.deepEqual(toldTo(campus, 'student123').includes('factor'), false)
  })

  it('a wrong code is asked for again with the same secret, which then works', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    const { ticket, uri, secret } = await enrolment(visitor)
    const wrong = await visitor.submit('/security/app', { ticket, uri, code: '000000', label: 'phone' })
    assert.equal(wrong.status, 400)
    assert.match(wrong.text, /That code was not right/)
    assert.deepEqual([secretOn(wrong.text), fieldOn(wrong.text, 'ticket')], [secret, ticket])
    const right = await visitor.submit('/security/app', { ticket, uri, code: codesOf(secret, campus)() })
    assert.equal(recoveryCodesOn(right.text).length, 10)
  })

  const codeOf = (campus: OpenCampus, secret: string) => codesOf(secret, campus)()
  const bad: [name: string, fields: (own: Enrolment, campus: OpenCampus) => Record<string, string>][] = [
    ['without a ticket', ({ uri, secret }, campus) => ({ uri, code: codeOf(campus, secret) })],
    ['with a ticket that is none', ({ uri, secret }, campus) => ({ uri, ticket: 'x.y', code: codeOf(campus, secret) })],
    ['without a code', ({ uri, ticket }) => ({ uri, ticket })],
    [
      'with a code of a clock that is fast',
      ({ uri, ticket, secret }, campus) => ({ uri, ticket, code: codesOf(secret, campus)(2) }),
    ],
    ['with an address that is not ours', ({ ticket }) => ({ uri: 'javascript:alert(1)', ticket, code: '000000' })],
    [
      'with a secret that is markup',
      ({ ticket }) => ({ uri: 'otpauth://totp/x?secret=<script>', ticket, code: '000000' }),
    ],
  ]
  for (const [name, fields] of bad) {
    it(`adds nothing ${name}`, async () => {
      const campus = await openCampus()
      const visitor = await signedIn(campus)
      const { status, headers, text } = await visitor.submit('/security/app', fields(await enrolment(visitor), campus))
      assert.ok(status === 400 || headers.location === '/security/app', String(status))
      assert.doesNotMatch(text, /javascript:|<script>alert/)
      assert.match((await visitor.get('/security')).text, /With your password alone, so far/)
    })
  }

  it("another user's ticket, and one of ten minutes ago, add nothing", async () => {
    const campus = await openCampus()
    const [one, other] = [await signedIn(campus), await signedIn(campus, 'instructor')]
    const own = await enrolment(one)
    const stolen = await other.submit('/security/app', { ...own, code: codeOf(campus, own.secret) })
    assert.equal(stolen.status, 400)
    campus.pass(10 * 60_000)
    await one.submit('/reauthenticate', { password })
    assert.equal((await one.submit('/security/app', { ...own, code: codeOf(campus, own.secret) })).status, 400)
  })

  it('a sixth one is not offered, and refused', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    for (let n = 0; n < 5; n += 1) await addApp(campus, visitor)
    assert.doesNotMatch((await visitor.get('/security')).text, /Add an app/)
    assert.equal((await visitor.get('/security/app')).status, 409)
  })
})

describe('Changing second factors', () => {
  it('CS-M2, WSTG-ATHN-11, ASVS 7.5.1: needs all factors again after five minutes; the session alone is not enough', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    const app = await addApp(campus, visitor)
    const page = (await visitor.get('/security')).text
    const [id = ''] = removable(page)
    campus.pass(5 * 60_000)
    for (const [path, fields] of [
      ['/security/remove', { id }],
      ['/security/recovery-codes', {}],
      ['/security/app', { ticket: 'x' }],
      ['/security/passkeys', { passkey: '{}' }],
    ] as const) {
      const answer = await visitor.submit(path, fields, '/dashboard')
      assert.equal(answer.status, 401, path)
      assert.match(answer.text, /Please confirm that it is you/)
    }
    assert.equal((await visitor.sendJson('/api/passkey/registration', {})).status, 401)
    assert.equal((await visitor.submit('/reauthenticate', { password })).status, 401, 'the password alone')
    assert.equal((await visitor.submit('/reauthenticate', { password, code: app.code() })).status, 303)
    assert.equal((await visitor.submit('/security/remove', { id }, '/security')).status, 303)
    assert.match((await visitor.get('/security')).text, /With your password alone, so far/)
  })

  it('ASVS 6.5.6: a removed app lets nobody in any more, and takes the recovery codes with it', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    await addApp(campus, visitor)
    const before = (await visitor.get('/security')).text
    assert.match(before, /fewer than 15 characters, choose a longer one/, 'NIST 3.1.1.2')
    const [id = ''] = removable(before)
    const removed = await visitor.submit('/security/remove', { id }, '/security')
    assert.equal(removed.headers.location, '/security')
    const page = (await visitor.get('/security')).text
    assert.match(page, /Authenticator app was removed/)
    assert.doesNotMatch(page, /Recovery codes/)
    assert.doesNotMatch((await visitor.get('/security')).text, /was removed/, 'said once')
    assert.equal((await campus.visitor().signIn('student123', password)).headers.location, '/dashboard')
    assert.deepEqual(toldTo(campus, 'student123').slice(0, 3), ['new-device', 'factor', 'factor'])
  })

  it("somebody else's factor is not removed, whatever the form says", async () => {
    const campus = await openCampus()
    const owner = await signedIn(campus)
    const app = await addApp(campus, owner)
    const [id = ''] = removable((await owner.get('/security')).text)
    const other = await signedIn(campus, 'instructor')
    assert.equal((await other.submit('/security/remove', { id }, '/security')).headers.location, '/security')
    assert.equal((await signInWith(campus.visitor(), 'student123', app.code())).status, 303)
  })

  it('offers to sign out everywhere else, and does it when ticked', async () => {
    const campus = await openCampus()
    const [here, there] = [await signedIn(campus), await signedIn(campus)]
    assert.match((await here.get('/security/app')).text, /name="end_others" value="on" checked/)
    const app = await addApp(campus, here)
    assert.equal(await whoIs(there), 'student123', 'not ticked')
    const answer = await here.submit('/security/recovery-codes', { end_others: 'on' }, '/security')
    assert.equal(recoveryCodesOn(answer.text).length, 10)
    assert.deepEqual([await whoIs(here), await whoIs(there)], ['student123', null])
    assert.ok(toldTo(campus, 'student123').includes('sessions'))
    assert.equal(
      (await signInWith(campus.visitor(), 'student123', app.recoveryCodes[0] ?? '')).status,
      401,
      'the old set is dead',
    )
    assert.equal((await signInWith(campus.visitor(), 'student123', recoveryCodesOn(answer.text)[0] ?? '')).status, 303)
  })

  it('recovery codes are for those who have a factor that they stand in for', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    assert.equal((await visitor.submit('/security/recovery-codes', {}, '/security')).status, 400)
  })

  it('a passkey comes with recovery codes when it is the first factor, and an answer that is none adds nothing', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    for (const passkey of ['', '{', 'null', '{"id":1}', '[]']) {
      const answer = await visitor.submit('/security/passkeys', { passkey }, '/security')
      assert.equal(answer.status, 400)
      assert.match(answer.text, /No passkey was added/)
    }
    const key = new Authenticator(campus.origin)
    const first = await addPasskey(visitor, key, { label: 'laptop' })
    assert.equal(recoveryCodesOn(first.text).length, 10)
    const second = await addPasskey(visitor, new Authenticator(campus.origin))
    assert.equal(second.headers.location, '/security')
    assert.match((await visitor.get('/security')).text, /Passkey was added/)
    campus.pass(stepMs)
    const codes = recoveryCodesOn(first.text)
    assert.equal((await signInWith(campus.visitor(), 'student123', codes[0] ?? '')).status, 303)
  })

  it('a passkey made for another site is not added', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    const added = await addPasskey(visitor, new Authenticator('https://evil.example'))
    assert.equal(added.status, 400)
    assert.match((await visitor.get('/security')).text, /With your password alone, so far/)
  })
})

interface Enrolment {
  readonly ticket: string
  readonly uri: string
  readonly secret: string
}

async function enrolment(visitor: Visitor): Promise<Enrolment & Record<string, string>> {
  const { text } = await visitor.get('/security/app')
  return { ticket: fieldOn(text, 'ticket'), uri: fieldOn(text, 'uri'), secret: secretOn(text) }
}
