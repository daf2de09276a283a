import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Authenticator } from '../actors/authenticator.ts'
import { post } from './confirming.ts'
import { addApp, addPasskey, disable, fieldOn, passkeyAnswer, toldTo, whoIs } from './factors-of.ts'
import { type OpenCampus, openCampus, password } from './open-campus.ts'
import type { Visitor } from './visitor.ts'

const minute = 60_000

async function signedIn(campus: OpenCampus): Promise<Visitor> {
  const visitor = campus.visitor()
  await visitor.signIn('student123', password)
  return visitor
}

describe('Proving again who one is', () => {
  it('T12, ASVS 7.5.1: a page that needs it fresh takes a detour after five minutes, and comes back', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    assert.equal((await visitor.get('/security')).status, 200)
    campus.pass(5 * minute - 5_000)
    assert.equal((await visitor.get('/security')).status, 200)
    campus.pass(5_000)
    const detour = '/reauthenticate?returnTo=%2Fsecurity'
    assert.deepEqual([(await visitor.get('/security')).headers.location], [detour])
    const page = (await visitor.get(detour)).text
    assert.match(page, /Please confirm that it is you/)
    assert.equal(fieldOn(page, 'returnTo'), '/security')
    const token = visitor.cookies.get('__Host-Http-sid')
    const answer = await visitor.submit('/reauthenticate', { password, returnTo: '/security' })
    assert.deepEqual([answer.status, answer.headers.location], [303, '/security'])
    assert.notEqual(visitor.cookies.get('__Host-Http-sid'), token, 'the token is replaced')
    assert.equal((await visitor.get('/security')).status, 200)
  })

  it('does not come back to another site', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    for (const returnTo of ['https://evil.example/', '//evil.example', '/\\evil.example', '']) {
      assert.equal((await visitor.submit('/reauthenticate', { password, returnTo })).headers.location, '/dashboard')
    }
  })

  it('a guest is sent to sign in, and wrong proofs get one answer that changes nothing', async () => {
    const campus = await openCampus()
    assert.equal((await campus.visitor().get('/reauthenticate')).headers.location, '/login')
    assert.equal((await campus.visitor().submit('/reauthenticate', { password }, '/login')).headers.location, '/login')
    const login = '/login?returnTo=%2Fsecurity'
    const there = { password, returnTo: '/security' }
    assert.equal((await campus.visitor().get('/reauthenticate?returnTo=%2Fsecurity')).headers.location, login)
    assert.equal((await campus.visitor().submit('/reauthenticate', there, '/login')).headers.location, login)
    const elsewhere = '/reauthenticate?returnTo=https:%2F%2Fevil.example'
    assert.equal((await campus.visitor().get(elsewhere)).headers.location, '/login')
    const visitor = await signedIn(campus)
    campus.pass(6 * minute)
    for (const fields of [{}, { password: '' }, { password: 'wrong' }, { passkey: '{}' }, { code: '000000' }]) {
      const { status, text } = await visitor.submit('/reauthenticate', fields)
      assert.equal(status, 401)
      assert.match(text, /That was not right\. Please try again\./)
      campus.pass(10_000)
    }
    assert.equal((await visitor.get('/security')).status, 303)
    assert.equal(await whoIs(visitor), 'student123')
  })

  it('TA-3: who has a second factor needs both, whatever the form leaves out; CS-M3: half of it is told to the owner', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    const app = await addApp(campus, visitor)
    campus.pass(6 * minute)
    assert.match((await visitor.get('/reauthenticate')).text, /name="code"/)
    for (const fields of [{ password }, { password, code: '000000' }, { code: app.code() }])
      assert.equal((await visitor.submit('/reauthenticate', fields)).status, 401)
    assert.ok(toldTo(campus, 'student123').includes('second-factor'))
    assert.equal((await visitor.submit('/reauthenticate', { password, code: app.code() })).status, 303)
    assert.equal((await visitor.get('/security')).status, 200)
  })

  it('CS-M3: the same form sent twice at once is no alarm', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    const app = await addApp(campus, visitor)
    const csrf_token = fieldOn((await visitor.get('/reauthenticate')).text, 'csrf_token')
    const fields = { csrf_token, password, code: app.code() }
    const answers = await Promise.all([1, 2].map(() => post(visitor, '/reauthenticate', fields)))
    assert.ok(answers.some(({ status }) => status === 303))
    assert.ok(!toldTo(campus, 'student123').includes('second-factor'))
  })

  it('a factor that was set up elsewhere counts at once: a fresh password is not enough any more', async () => {
    const campus = await openCampus()
    const [here, there] = [await signedIn(campus), await signedIn(campus)]
    assert.equal((await here.get('/security')).status, 200)
    await addApp(campus, there)
    assert.equal((await here.get('/security')).headers.location, '/reauthenticate?returnTo=%2Fsecurity')
  })

  it('a passkey does instead of both, a key that does not know its user only instead of the code', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    const key = new Authenticator(campus.origin)
    await addPasskey(visitor, key)
    campus.pass(6 * minute)
    assert.match((await visitor.get('/reauthenticate')).text, /data-passkey="proof"/)
    const unverified = () => passkeyAnswer(visitor, key, 'proof', { verified: false })
    assert.equal((await visitor.submit('/reauthenticate', { passkey: await unverified() })).status, 401)
    assert.equal((await visitor.submit('/reauthenticate', { passkey: await unverified(), password })).status, 303)
    campus.pass(6 * minute)
    const passkey = await passkeyAnswer(visitor, key, 'proof')
    assert.equal((await visitor.submit('/reauthenticate', { passkey })).status, 303)
    campus.pass(6 * minute)
    assert.equal((await visitor.submit('/reauthenticate', { passkey })).status, 401, 'replayed')
  })

  it("somebody else's passkey proves nothing", async () => {
    const campus = await openCampus()
    const [visitor, other] = [await signedIn(campus), campus.visitor()]
    await other.signIn('instructor', password)
    const theirs = new Authenticator(campus.origin)
    await addPasskey(other, theirs)
    await addPasskey(visitor, new Authenticator(campus.origin))
    const passkey = await passkeyAnswer(visitor, theirs, 'proof')
    assert.equal((await visitor.submit('/reauthenticate', { passkey })).status, 401)
  })

  it('a closed account proves nothing, not even by a passkey', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    const key = new Authenticator(campus.origin)
    await addPasskey(visitor, key)
    const page = (await visitor.get('/reauthenticate')).text
    const passkey = await passkeyAnswer(visitor, key, 'proof')
    disable(campus, 'student123')
    const body = new URLSearchParams({ passkey, csrf_token: fieldOn(page, 'csrf_token') }).toString()
    const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
    const answer = await visitor.send('POST', '/reauthenticate', form, body)
    assert.notEqual(answer.headers.location, '/dashboard')
  })

  it('a closed account proves nothing', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    const page = (await visitor.get('/reauthenticate')).text
    disable(campus, 'student123')
    const body = new URLSearchParams({ password, csrf_token: fieldOn(page, 'csrf_token') }).toString()
    const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
    assert.notEqual((await visitor.send('POST', '/reauthenticate', form, body)).status, 303)
    assert.equal(await whoIs(visitor), null)
  })

  it('guessing the password here waits like guessing it at the door', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    for (let tries = 0; tries < 5; tries += 1) await visitor.submit('/reauthenticate', { password: 'wrong' })
    const answer = await visitor.submit('/reauthenticate', { password })
    assert.deepEqual([answer.status, answer.headers['retry-after']], [429, '1'])
    assert.match(answer.text, /Too many attempts/)
  })
})

describe('A form that is sent when the proof is too old', () => {
  it('is kept in place, and sent again by its user: never by itself', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    const app = await addApp(campus, visitor)
    const id = fieldOn((await visitor.get('/security')).text, 'id')
    campus.pass(6 * minute)
    const asked = await visitor.submit('/security/remove', { id, end_others: 'on' }, '/dashboard')
    assert.equal(asked.status, 401)
    assert.match(asked.text, /What you just sent is kept on this page/)
    const kept = { kept_action: fieldOn(asked.text, 'kept_action'), kept_fields: fieldOn(asked.text, 'kept_fields') }
    assert.deepEqual(kept, {
      kept_action: '/security/remove',
      kept_fields: JSON.stringify([
        ['id', id],
        ['end_others', 'on'],
      ]),
    })
    const says =
      /You were about to <b>remove a second factor<\/b>\.[\s\S]*<dt>Sign out everywhere else<\/dt><dd[^>]*>Yes</
    assert.match(asked.text, says)
    assert.doesNotMatch(asked.text, new RegExp(`<dd[^>]*>${id}`), 'ids are for us')
    const wrong = await visitor.submit('/reauthenticate', { password, code: '000000', ...kept })
    assert.equal(wrong.status, 401)
    assert.equal(fieldOn(wrong.text, 'kept_fields'), kept.kept_fields, 'a slip of the finger loses nothing')
    const proved = await visitor.submit('/reauthenticate', { password, code: app.code(), ...kept })
    assert.equal(proved.status, 200)
    assert.match(proved.text, /<form method="post" action="\/security\/remove"/)
    assert.match(proved.text, says)
    assert.match((await visitor.get('/security')).text, /Last used/, 'nothing has happened yet')
    const again = { id: fieldOn(proved.text, 'id'), end_others: fieldOn(proved.text, 'end_others') }
    assert.deepEqual(again, { id, end_others: 'on' })
    assert.equal((await visitor.submit('/security/remove', again, '/security')).headers.location, '/security')
    assert.match((await visitor.get('/security')).text, /was removed/)
  })

  it('whatever was typed comes back as it was, and passwords, codes and tokens never do', async () => {
    const campus = await openCampus()
    const visitor = await signedIn(campus)
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async text => {
        const label = text.toWellFormed()
        const kept = JSON.stringify([
          ['label', label],
          ['password', 'p1'],
          ['new_password', 'p2'],
          ['code', 'p3'],
          ['csrf_token', 'p4'],
          ['passkey', 'p5'],
          ['uri', 'p6'],
          ['ticket', 'p7'],
        ])
        const { status, text: page } = await visitor.submit('/reauthenticate', {
          ...{ password, kept_action: '/security/app', kept_fields: kept },
        })
        assert.equal(status, 200)
        assert.doesNotMatch(page, /value="p[1-7]"/)
        assert.doesNotMatch(page, /value="[^"]*<script/)
        const shown = /name="label" value="([^"]*)"/.exec(page)?.[1] ?? null
        assert.equal(shown && decoded(shown), label)
        assert.match(page, /You were about to <b>add an authenticator app<\/b>/)
        const typed = /<dt>What to call it<\/dt><dd class="prose">([^<]*)</.exec(page)?.[1] ?? ''
        assert.equal(decoded(typed), label)
      }),
      { numRuns: 20 },
    )
  })

  const broken: [name: string, action: string, fields: string][] = [
    ['an address of another site', 'https://evil.example/', '[]'],
    ['an address in disguise', '//evil.example/', '[]'],
    ['no JSON', '/profile', '['],
    ['an object', '/profile', '{"a":"b"}'],
    ['values that are no text', '/profile', '[["a",{"b":1}]]'],
  ]
  for (const [name, kept_action, kept_fields] of broken) {
    it(`with ${name} is dropped`, async () => {
      const campus = await openCampus()
      const visitor = await signedIn(campus)
      const answer = await visitor.submit('/reauthenticate', { password, kept_action, kept_fields })
      assert.deepEqual([answer.status, answer.headers.location], [303, '/dashboard'])
    })
  }
})

describe('A session that locks when nobody uses it', () => {
  it('C6: can only be unlocked, with what was going on kept', async () => {
    const campus = await openCampus('--idle-lock')
    const visitor = await signedIn(campus)
    campus.pass(16 * minute)
    const detour = (await visitor.get('/profile')).headers.location
    assert.equal(detour, '/reauthenticate?returnTo=%2Fprofile')
    const page = await visitor.get(detour)
    assert.match(page.text, /Welcome back/)
    assert.match(page.text, /student123/)
    assert.equal(await whoIs(visitor), null)
    for (const path of ['/', '/shop', '/dashboard', '/security', '/login'])
      assert.match(String((await visitor.get(path)).headers.location), /^\/reauthenticate\?/, path)
    const form = await visitor.submit('/profile', { about_me: 'written before lunch' }, '/reauthenticate')
    assert.equal(form.status, 401)
    const kept = {
      kept_action: fieldOn(form.text, 'kept_action'),
      kept_fields: decoded(fieldOn(form.text, 'kept_fields')),
    }
    assert.equal((await visitor.submit('/reauthenticate', { password: 'wrong', ...kept })).status, 401)
    const unlocked = await visitor.submit('/reauthenticate', { password, ...kept })
    assert.match(unlocked.text, /name="about_me" value="written before lunch"/)
    assert.equal(await whoIs(visitor), 'student123')
    await visitor.submit('/profile', { about_me: 'written before lunch' })
    assert.match((await visitor.get('/profile')).text, /written before lunch/)
  })

  it('its pages offer nothing that would only lead back: to unlock it, and on every page to sign out', async () => {
    const campus = await openCampus('--idle-lock')
    const visitor = await signedIn(campus)
    campus.pass(16 * minute)
    for (const [path, links] of [
      ['/reauthenticate', ['#content']],
      ['/logout', ['#content', '/reauthenticate']],
    ] as const) {
      const { text } = await visitor.get(path)
      assert.deepEqual(
        [...text.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, href]) => href),
        links,
      )
      assert.match(text, /<span class="who locked">Locked<\/span>/)
      const forms = [...text.matchAll(/<form [^>]*action="([^"]*)"/g)].map(([, action]) => action)
      assert.deepEqual(new Set(forms), new Set(path === '/logout' ? ['/logout'] : ['/logout', '/reauthenticate']))
    }
  })

  it('needs all factors of the account, and can be signed out of', async () => {
    const campus = await openCampus('--idle-lock')
    const visitor = await signedIn(campus)
    const app = await addApp(campus, visitor)
    campus.pass(16 * minute)
    assert.equal((await visitor.submit('/reauthenticate', { password })).status, 401)
    assert.equal((await visitor.submit('/reauthenticate', { password, code: app.code() })).status, 303)
    assert.match((await visitor.get('/dashboard')).text, /Level 2 of 3/)
    campus.pass(16 * minute)
    const out = await visitor.submit('/logout', {}, '/reauthenticate')
    assert.match(out.text, /Logged out/)
    assert.equal((await visitor.get('/reauthenticate')).headers.location, '/login')
  })

  it('a passkey unlocks it', async () => {
    const campus = await openCampus('--idle-lock')
    const visitor = await signedIn(campus)
    const key = new Authenticator(campus.origin)
    await addPasskey(visitor, key)
    campus.pass(16 * minute)
    const passkey = await passkeyAnswer(visitor, key, 'proof')
    assert.equal((await visitor.submit('/reauthenticate', { passkey, returnTo: '/shop' })).headers.location, '/shop')
    assert.equal(await whoIs(visitor), 'student123')
  })
})

/** Text of an attribute as a browser reads it. */
function decoded(text: string): string {
  const names: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
  return text.replaceAll(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => names[name] ?? '')
}
