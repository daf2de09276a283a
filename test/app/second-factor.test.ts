import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Authenticator } from '../actors/authenticator.ts'
import {
  type App,
  addApp,
  addPasskey,
  disable,
  passkeyAnswer,
  signInWith,
  stepMs,
  toldTo,
  whoIs,
} from './factors-of.ts'
import { type OpenCampus, openCampus, password } from './open-campus.ts'
import type { Visitor } from './visitor.ts'

const json = { 'content-type': 'application/json' }
const minute = 60_000

/** A Campus where the student has an authenticator app. */
async function withApp(...options: string[]): Promise<{ campus: OpenCampus; app: App; owner: Visitor }> {
  const campus = await openCampus(...options)
  const owner = campus.visitor()
  await owner.signIn('student123', password)
  return { campus, owner, app: await addApp(campus, owner) }
}

describe('A sign-in with a second factor', () => {
  it('ASVS 6.3.3: the password begins it, the code completes it, at level 2', async () => {
    const { campus, app } = await withApp()
    const visitor = campus.visitor()
    const begun = await visitor.submit('/login', { username: 'student123', password, returnTo: '/profile' }, '/login')
    assert.deepEqual([begun.status, begun.headers.location], [303, '/login/second-factor?returnTo=%2Fprofile'])
    assert.equal(await whoIs(visitor), null)
    const page = await visitor.get('/login/second-factor?returnTo=%2Fprofile')
    assert.match(page.text, /The password of <b>student123<\/b> was right/)
    const done = await visitor.submit('/login/second-factor', { code: app.code(), returnTo: '/profile' })
    assert.deepEqual([done.status, done.headers.location], [303, '/profile'])
    assert.match((await visitor.get('/dashboard')).text, /Level 2 of 3/)
  })

  it('T14: whoever passed the first factor alone reaches nothing but the second', async () => {
    const { campus } = await withApp()
    const visitor = campus.visitor()
    await visitor.signIn('student123', password)
    for (const path of [
      '/dashboard',
      '/profile',
      '/devices',
      '/security',
      '/security/app',
      '/account/email',
      '/grades',
    ])
      assert.match(String((await visitor.get(path)).headers.location), /^\/login(\?|$)/, path)
    for (const path of ['/api/profile', '/api/check_session']) assert.equal((await visitor.get(path)).status, 401, path)
    for (const path of ['/security/remove', '/security/recovery-codes', '/security/passkeys', '/reauthenticate']) {
      const { status, headers } = await visitor.submit(path, { password }, '/login/second-factor')
      assert.deepEqual([status, headers.location], [303, '/login'], path)
    }
    assert.equal((await visitor.sendJson('/api/passkey/registration', {})).status, 401)
    assert.equal((await visitor.get('/reauthenticate')).headers.location, '/login')
    assert.doesNotMatch((await visitor.get('/')).text, /student123/)
  })

  it('ASVS 6.5.1: 50 submissions of one code at once complete one sign-in', async () => {
    const { campus, app } = await withApp()
    const visitors = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const visitor = campus.visitor()
        await visitor.signIn('student123', password)
        const page = (await visitor.get('/login/second-factor')).text
        return { visitor, csrf_token: /name="csrf_token" value="([^"]+)"/.exec(page)?.[1] ?? '' }
      }),
    )
    const code = app.code()
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => {
        const { visitor, csrf_token } = visitors[index % 5] ?? assert.fail()
        const body = new URLSearchParams({ code, csrf_token }).toString()
        const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
        return visitor.send('POST', '/login/second-factor', form, body)
      }),
    )
    assert.equal(answers.filter(({ headers }) => headers.location === '/dashboard').length, 1)
  })

  it('a code works once, a recovery code too, and a recovery code signs in', async () => {
    const { campus, app } = await withApp()
    const [recovery = ''] = app.recoveryCodes
    assert.equal(app.recoveryCodes.length, 10)
    const code = app.code()
    assert.equal((await signInWith(campus.visitor(), 'student123', code)).status, 303)
    assert.equal((await signInWith(campus.visitor(), 'student123', code)).status, 401)
    assert.equal((await signInWith(campus.visitor(), 'student123', recovery)).status, 303)
    assert.equal((await signInWith(campus.visitor(), 'student123', recovery)).status, 401)
  })

  it('T13: everything wrong gets the same answer, is told as an event and to the owner, and lets nobody in', async () => {
    const { campus, app } = await withApp()
    const other = campus.visitor()
    await other.signIn('instructor', password)
    const theirs = await addApp(campus, other)
    const old = app.code(-3)
    const wrong: [name: string, body: Record<string, string>][] = [
      ['a code of another user', { code: theirs.code() }],
      ['a recovery code of another user', { code: theirs.recoveryCodes[0] ?? '' }],
      ['an old code', { code: old }],
      ['a code of a clock that is fast', { code: app.code(2) }],
      ['nothing', {}],
      ['an empty code', { code: '' }],
      ['no code at all', { code: 'student123' }],
      ['a long text', { code: '1'.repeat(5_000) }],
      ['a passkey that is none', { passkey: '{"id":"x"}' }],
      ['a passkey that is no JSON', { passkey: '{' }],
    ]
    const texts = new Set<string>()
    let told = 0
    for (const [name, body] of wrong) {
      const visitor = campus.visitor()
      await visitor.signIn('student123', password)
      const { status, text } = await visitor.submit('/login/second-factor', body)
      assert.equal(status, 401, name)
      assert.equal(await whoIs(visitor), null, name)
      told += 1
      await campus.logged('factor.refused', {}, told)
      texts.add(/<main[\s\S]*<\/main>/.exec(text)?.[0].replaceAll(/(?<="csrf_token" value=")[^"]+/g, '') ?? name)
      campus.pass(5 * minute)
    }
    assert.equal(texts.size, 1)
    assert.equal(campus.linesOf('factor.refused').length, told, 'once each')
    assert.ok(toldTo(campus, 'student123').includes('second-factor'), 'CS-M3')
    assert.equal((await signInWith(campus.visitor(), 'student123', app.code())).status, 303, 'and the owner gets in')
  })

  it('a second factor without a first is refused like a guest, and told as an event', async () => {
    const { campus, app } = await withApp()
    const visitor = campus.visitor()
    const answer = await visitor.submit('/login/second-factor', { code: app.code() }, '/login')
    assert.deepEqual([answer.status, answer.headers.location], [303, '/login'])
    const api = await visitor.send('POST', '/api/login/second-factor', json, JSON.stringify({ code: app.code() }))
    assert.equal(api.status, 401)
    await campus.logged('request.refused', {}, 2)
    assert.equal(campus.linesOf('request.refused').length, 2)
    assert.equal((await signInWith(campus.visitor(), 'student123', app.code())).status, 303, 'the code is not spent')
  })

  it('whoever is through already goes on to where they wanted to', async () => {
    const { owner } = await withApp()
    const there = await owner.submit('/login/second-factor', { code: '000000', returnTo: '/profile' }, '/dashboard')
    assert.deepEqual([there.status, there.headers.location], [303, '/profile'])
    for (const returnTo of ['', '//evil.example'])
      assert.equal(
        (await owner.submit('/login/second-factor', { returnTo }, '/dashboard')).headers.location,
        '/dashboard',
      )
  })

  it('guessing is slowed down, on page and API alike, and says how long to wait', async () => {
    const { campus } = await withApp()
    const visitor = campus.visitor()
    await visitor.signIn('student123', password)
    let status = 401
    for (let tries = 0; tries < 20 && status === 401; tries += 1)
      status = (await visitor.submit('/login/second-factor', { code: '000000' })).status
    assert.equal(status, 429)
    const page = await visitor.submit('/login/second-factor', { code: '000000' })
    assert.match(page.text, /Too many attempts/)
    assert.ok(Number(page.headers['retry-after']) > 0)
    assert.equal((await visitor.sendJson('/api/login/second-factor', { code: '000000' })).status, 429)
  })

  it('an attacker with the password cannot lock the owner out of a known device', async () => {
    const { campus, owner, app } = await withApp()
    const attacker = campus.visitor()
    await attacker.signIn('student123', password)
    for (let tries = 0; tries < 12; tries += 1) await attacker.submit('/login/second-factor', { code: '000000' })
    assert.equal((await attacker.submit('/login/second-factor', { code: app.code() })).status, 429)
    await owner.submit('/logout', {}, '/dashboard')
    assert.equal((await signInWith(owner, 'student123', app.code())).status, 303)
  })

  it('the account must still be open at the end', async () => {
    const { campus, app } = await withApp()
    const visitor = campus.visitor()
    await visitor.signIn('student123', password)
    disable(campus, 'student123')
    const answer = await visitor.submit('/login/second-factor', { code: app.code() })
    assert.deepEqual([answer.status, answer.headers.location], [303, '/login'])
    assert.equal(await whoIs(visitor), null)
    assert.equal((await visitor.get('/login/second-factor')).headers.location?.startsWith('/login'), true)
  })

  it('it cannot be completed after ten minutes, nor after its user signed out everywhere', async () => {
    const { campus, owner, app } = await withApp()
    const overtaken = campus.visitor()
    await overtaken.signIn('student123', password)
    await owner.submit('/devices/end-others', {}, '/devices')
    assert.equal((await overtaken.submit('/login/second-factor', { code: app.code() })).status, 401)
    assert.equal(await whoIs(overtaken), null)
    campus.pass(stepMs)
    const late = campus.visitor()
    await late.signIn('student123', password)
    campus.pass(10 * minute)
    assert.equal((await late.submit('/login/second-factor', { code: app.code() }, '/login')).headers.location, '/login')
    assert.equal(await whoIs(late), null)
  })

  it('ASVS 6.3.5: a device that is not known is told to the owner, a known one is not, and it cannot sign in by itself', async () => {
    const campus = await openCampus()
    const visitor = campus.visitor()
    await visitor.signIn('student123', password)
    await visitor.submit('/logout', {}, '/dashboard')
    // For an hour the same device would not be told again anyway.
    campus.pass(120 * minute)
    await visitor.signIn('student123', password)
    assert.deepEqual(toldTo(campus, 'student123'), ['new-device'])
    assert.ok(visitor.cookies.has('__Host-Http-device'))
    visitor.cookies.delete('__Host-Http-sid')
    assert.equal(await whoIs(visitor), null)
  })
})

describe('ASVS 6.3.4: no door is weaker', () => {
  it('the API begins and completes like the page, and says nothing of the user in between', async () => {
    const { campus, app } = await withApp()
    const visitor = campus.visitor()
    const begun = await visitor.send('POST', '/api/login', json, JSON.stringify({ username: 'student123', password }))
    assert.equal(begun.status, 200)
    assert.deepEqual(JSON.parse(begun.text), { message: 'Second factor required.', second_factor: true })
    assert.equal(await whoIs(visitor), null)
    assert.equal((await visitor.get('/api/profile')).status, 401)
    const wrong = await visitor.sendJson('/api/login/second-factor', { code: ['000000'] })
    assert.deepEqual([wrong.status, JSON.parse(wrong.text)], [401, { message: 'Invalid credentials.' }])
    const done = await visitor.sendJson('/api/login/second-factor', { code: app.code() })
    assert.deepEqual(
      [done.status, JSON.parse(done.text)],
      [200, { message: 'Login successful.', user: { username: 'student123' } }],
    )
    assert.equal(await whoIs(visitor), 'student123')
    assert.equal((await visitor.sendJson('/api/login/second-factor', { code: app.code() })).status, 409)
  })

  it('the door for programs takes the code in the same request, and sells no tokens without', async () => {
    const { campus, app } = await withApp()
    const client = campus.visitor()
    const ask = async (fields: object) => {
      const body = JSON.stringify({ username: 'student123', password, ...fields })
      const { status, text } = await client.send('POST', '/api/token', json, body)
      return [status, JSON.parse(text)] as const
    }
    assert.deepEqual(await ask({}), [401, { msg: 'Second factor required', second_factor: true }])
    const refused = [401, { msg: 'Bad username or password' }]
    assert.deepEqual(await ask({ code: '000000' }), refused)
    assert.deepEqual(await ask({ code: app.code(), password: 'wrong' }), refused)
    const [status, tokens] = await ask({ code: app.code() })
    assert.equal(status, 200)
    const me = await client.get('/api/me', { authorization: `Bearer ${tokens.access_token}` })
    assert.equal(me.status, 200)
    assert.deepEqual(await ask({ code: app.code() }), refused, 'a code works once')
    assert.ok(toldTo(campus, 'student123').includes('second-factor'))
    assert.equal(client.cookies.size, 0)
  })

  it('"remember me" comes with no weaker door: the factor is asked for, and the session lasts', async () => {
    const { campus, app } = await withApp()
    const visitor = campus.visitor()
    await visitor.submit('/login', { username: 'student123', password, remember: 'on' }, '/login')
    assert.equal(await whoIs(visitor), null)
    const { headers } = await visitor.submit('/login/second-factor', { code: app.code() })
    assert.match(String(headers['set-cookie']), /__Host-Http-sid=[^;]+;[^,]*Max-Age=/)
  })

  it('where cookies carry all there is, an account with a second factor is asked for it all the same', async () => {
    const { campus, app } = await withApp()
    const sealed = await openCampus('--store', 'sealed:', '--data', campus.directory)
    sealed.pass(stepMs)
    const visitor = sealed.visitor()
    const page = (await visitor.get('/login')).text
    assert.doesNotMatch(page, /data-passkey/)
    await visitor.signIn('student123', password)
    assert.equal(await whoIs(visitor), null)
    assert.equal((await visitor.submit('/login/second-factor', { code: '000000' })).status, 401)
    assert.equal((await visitor.submit('/login/second-factor', { code: app.code() })).status, 303)
    assert.equal(await whoIs(visitor), 'student123')
    const security = await visitor.get('/security')
    assert.match(security.text, /second factors cannot be set up or changed here/)
    assert.doesNotMatch(security.text, /<form method="post" action="\/security/)
    assert.equal((await visitor.get('/security/app')).status, 404)
  })
})

describe('Passkeys', () => {
  const owner = async (campus: OpenCampus) => {
    const visitor = campus.visitor()
    await visitor.signIn('student123', password)
    const key = new Authenticator(campus.origin)
    const added = await addPasskey(visitor, key, { label: 'My <b>key</b>' })
    assert.equal(added.status, 200, added.text)
    assert.match(added.text, /My &lt;b&gt;key&lt;\/b&gt; was added/)
    return { visitor, key }
  }

  it('sign in without a user name, in one step, at level 2', async () => {
    const campus = await openCampus()
    const { key } = await owner(campus)
    const visitor = campus.visitor()
    const passkey = await passkeyAnswer(visitor, key, 'sign-in')
    const answer = await visitor.submit('/login/passkey', { passkey, returnTo: '/profile' }, '/login')
    assert.deepEqual([answer.status, answer.headers.location], [303, '/profile'])
    assert.match((await visitor.get('/dashboard')).text, /Level 2 of 3/)
  })

  it('are the second factor after a password', async () => {
    const campus = await openCampus()
    const { key } = await owner(campus)
    const visitor = campus.visitor()
    await visitor.signIn('student123', password)
    const passkey = await passkeyAnswer(visitor, key, 'proof')
    assert.equal((await visitor.submit('/login/second-factor', { passkey })).headers.location, '/dashboard')
    assert.equal(await whoIs(visitor), 'student123')
  })

  it('T13: what was replayed, made elsewhere, for somebody else or without its user gets one answer', async () => {
    const campus = await openCampus()
    const { key } = await owner(campus)
    const thief = campus.visitor()
    const used = await passkeyAnswer(thief, key, 'sign-in')
    assert.equal((await thief.submit('/login/passkey', { passkey: used }, '/login')).status, 303)
    const cases: [name: string, make: (visitor: Visitor) => Promise<string>][] = [
      ['replayed', async () => used],
      ['of another session', async () => passkeyAnswer(campus.visitor(), key, 'sign-in')],
      ['of another site', visitor => passkeyAnswer(visitor, key, 'sign-in', { origin: 'https://evil.example' })],
      ['of another relying party', visitor => passkeyAnswer(visitor, key, 'sign-in', { rpId: 'evil.example' })],
      ['without its user verified', visitor => passkeyAnswer(visitor, key, 'sign-in', { verified: false })],
      ['without a challenge', visitor => passkeyAnswer(visitor, key, 'sign-in', { challenge: '' })],
      ['no JSON', async () => '{'],
      ['nothing', async () => ''],
    ]
    for (const [name, make] of cases) {
      const visitor = campus.visitor()
      const passkey = await make(visitor)
      const answer = await visitor.submit('/login/passkey', { passkey }, '/login')
      assert.equal(answer.status, 401, name)
      assert.match(answer.text, /Invalid credentials!/, name)
      assert.equal(await whoIs(visitor), null, name)
    }
  })

  it('of a closed account open nothing', async () => {
    const campus = await openCampus()
    const { key } = await owner(campus)
    disable(campus, 'student123')
    const visitor = campus.visitor()
    const passkey = await passkeyAnswer(visitor, key, 'sign-in')
    assert.equal((await visitor.submit('/login/passkey', { passkey }, '/login')).status, 401)
  })

  it('a code of now still works beside a passkey', async () => {
    const { campus, owner: visitor, app } = await withApp()
    await addPasskey(visitor, new Authenticator(campus.origin))
    campus.pass(stepMs)
    assert.equal((await signInWith(campus.visitor(), 'student123', app.code())).status, 303)
  })
})
