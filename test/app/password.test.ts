import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SessionStore } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import { passwordProblem } from '../../app/password-rules.ts'
import { campusOnStore } from './campus-on-store.ts'
import { ask, confirm, confirmAtOnce, post } from './confirming.ts'
import { addApp, stepMs, whoIs } from './factors-of.ts'
import { openCampus, password } from './open-campus.ts'

const path = '/account/password'
const newPassword = 'several words in a row'
const typed = { new_password: newPassword, new_password_again: newPassword }

async function open() {
  const campus = await openCampus()
  const signedIn = async (secret = password) => {
    const visitor = campus.visitor()
    assert.equal((await visitor.signIn('student123', secret)).status, 303)
    return visitor
  }
  const opens = async (secret: string) => (await campus.visitor().signIn('student123', secret)).status === 303
  const isIn = async (visitor: Awaited<ReturnType<typeof signedIn>>) => (await visitor.get('/dashboard')).status === 200
  return { campus, signedIn, opens, isIn }
}

describe('New passwords', () => {
  const alone = { username: 'student123', hasSecondFactor: false }
  const beside = { username: 'student123', hasSecondFactor: true }
  for (const [what, secret, user, problem] of [
    ['NIST 3.1.1.2: 14 characters alone', 'abcdefghijklmn', alone, /at least 15/],
    ['NIST 3.1.1.2: 15 characters alone', 'abcdefghijklmno', alone, null],
    ['NIST 3.1.1.2: 7 characters beside a second factor', 'abcdefg', beside, /at least 8/],
    ['NIST 3.1.1.2: 8 characters beside a second factor', 'abcdefgh', beside, null],
    ['characters, not code units', '🔑'.repeat(7), beside, /7 characters/],
    ['256 characters', 'ab'.repeat(128), alone, null],
    ['257 characters', `a${'ab'.repeat(128)}`, alone, /at most 256/],
    ['only the user name', 'student123STUDENT123', alone, /user name/],
    ['one character', 'aaaaaaaaaaaaaaaa', alone, /over and over/],
    ['spaces and any script', 'ein Satz mit Ümläuten 字', alone, null],
    ['NUL', 'abcdefghijklmno\0', alone, /none/],
    ['half a character', 'abcdefghijklmno\uD800', alone, /none/],
  ] as const)
    it(`${what}: ${problem === null ? 'good' : 'refused'}`, () => {
      const found = passwordProblem(secret, user)
      if (problem === null) assert.equal(found, null)
      else assert.match(found ?? '', problem)
    })
})

describe('Changing the password', () => {
  it('ASVS 6.3.7, 7.4.3: with the old one, ends all other sessions and not this one, and is told', async () => {
    const { signedIn, opens, isIn } = await open()
    const [visitor, other] = [await signedIn(), await signedIn()]
    assert.match((await visitor.get(path)).text, /name="end_others" value="on" checked/)
    const asked = await ask(visitor, path, { ...typed, end_others: 'on' })
    assert.match(asked.answer.text, /signed out everywhere else/)
    assert.equal(asked.answer.text.includes(newPassword), false, 'the page that confirms it does not hold it')
    assert.doesNotMatch(JSON.stringify(asked.fields), /argon2/)
    assert.equal(await opens(password), true)
    assert.equal((await confirm(visitor, path, asked)).headers.location, path)
    assert.match((await visitor.get(path)).text, /Your new password is in force/)
    assert.equal(await isIn(visitor), true)
    assert.equal(await isIn(other), false)
    assert.equal(await opens(password), false)
    assert.equal(await opens(newPassword), true)
    assert.match((await visitor.get('/messages')).text, /Your Campus password was changed/)
  })

  it('ASVS 7.4.3: leaves the others alone for whoever wants that', async () => {
    const { signedIn, isIn } = await open()
    const [visitor, other] = [await signedIn(), await signedIn()]
    const asked = await ask(visitor, path, typed)
    assert.match(asked.answer.text, /stay signed in/)
    assert.equal((await confirm(visitor, path, asked)).status, 303)
    assert.equal(await isIn(other), true)
  })

  it('refuses a bad or mistyped one, and shows none of what was typed', async () => {
    const { signedIn, opens } = await open()
    const visitor = await signedIn()
    for (const fields of [
      { new_password: 'short', new_password_again: 'short' },
      { new_password: newPassword, new_password_again: 'another one than that' },
      { new_password: newPassword },
      {},
    ] as Record<string, string>[]) {
      const { status, text } = await visitor.submit(path, fields)
      assert.equal(status, 400)
      for (const secret of Object.values(fields)) assert.equal(text.includes(secret), false)
    }
    assert.equal(await opens(password), true)
  })

  it('T12: not with the new password, nor with none', async () => {
    const { signedIn, opens } = await open()
    const visitor = await signedIn()
    const asked = await ask(visitor, path, typed)
    for (const wrong of [newPassword, ''])
      assert.equal((await confirm(visitor, path, asked, { password: wrong })).status, 401)
    assert.equal(await opens(newPassword), false)
  })

  it('T12, TA-2: not when another new password was typed since, in another tab', async () => {
    const { signedIn, opens } = await open()
    const visitor = await signedIn()
    const asked = await ask(visitor, path, typed)
    const later = { new_password: 'what the thief would like', new_password_again: 'what the thief would like' }
    await ask(visitor, path, later)
    assert.equal((await confirm(visitor, path, asked)).status, 403)
    assert.equal(await opens(password), true)
  })

  it('T12, TA-5: not without the step before', async () => {
    const { signedIn, opens } = await open()
    const visitor = await signedIn()
    const fields = { ...typed, confirmation: 'x', password }
    assert.equal((await visitor.submit(`${path}/confirm`, fields, path)).status, 403)
    assert.equal(await opens(password), true)
  })

  it('T12, TA-5: 50 at once change it once', async () => {
    const { campus, signedIn, opens } = await open()
    const visitor = await signedIn()
    const asked = await ask(visitor, path, { ...typed, end_others: 'on' })
    const answers = await confirmAtOnce(visitor, path, asked, 50)
    assert.equal(answers.filter(({ headers }) => headers.location === path).length, 1)
    const told = (await visitor.get('/messages')).text.match(/<h2>Your Campus password was changed/g)
    assert.equal(told?.length, 1)
    // Those that came later proved the old password, which is wrong by now, and made the throttle wary.
    campus.pass(15 * 60_000)
    assert.equal(await opens(newPassword), true)
  })

  it('T14: a sign-in that knew the old one is not completed, also when nothing else is ended', async () => {
    const { campus, signedIn } = await open()
    const visitor = await signedIn()
    const app = await addApp(campus, visitor)
    const begun = [campus.visitor(), campus.visitor()] as const
    for (const half of begun)
      assert.equal((await half.signIn('student123', password)).headers.location, '/login/second-factor')
    const asked = await ask(visitor, path, typed)
    assert.equal((await confirm(visitor, path, asked, { code: app.code() })).status, 303)
    const [page, program] = begun
    campus.pass(stepMs)
    assert.equal((await page.submit('/login/second-factor', { code: app.code() })).headers.location, '/login')
    campus.pass(stepMs)
    assert.equal((await program.sendJson('/api/login/second-factor', { code: app.code() })).status, 401)
    assert.deepEqual([await whoIs(page), await whoIs(program)], [null, null])
    campus.pass(stepMs)
    assert.equal((await page.signIn('student123', newPassword)).headers.location, '/login/second-factor')
    assert.equal((await page.submit('/login/second-factor', { code: app.code() })).headers.location, '/dashboard')
    campus.pass(stepMs)
    // Once more from within a session, whose data goes when the sign-in begins.
    assert.equal((await visitor.signIn('student123', newPassword)).headers.location, '/login/second-factor')
    assert.equal((await visitor.submit('/login/second-factor', { code: app.code() })).headers.location, '/dashboard')
  })

  it('a flood of new ones takes its turns, as sign-ins from there do, and is refused above that', async () => {
    const { signedIn } = await open()
    const visitor = await signedIn()
    const csrf_token = /name="csrf_token" value="([^"]+)"/.exec((await visitor.get(path)).text)?.[1] ?? ''
    const answers = await Promise.all(Array.from({ length: 150 }, () => post(visitor, path, { ...typed, csrf_token })))
    const refused = answers.filter(({ status }) => status === 429)
    assert.ok(refused.length > 0, 'a flood')
    assert.ok(refused.every(({ headers }) => headers['retry-after'] === '1'))
    assert.ok(answers.every(({ status }) => status === 429 || status === 200))
  })

  for (const failing of ['endUser', 'save'])
    it(`ASVS 6.3.7: the owner is told, and not that nothing was changed, when the store then fails to ${failing}`, async () => {
      let failsNow = false
      const store = new Proxy(memoryStore(), {
        get(target, name: keyof SessionStore) {
          const member: unknown = target[name]
          if (typeof member !== 'function' || name === 'close') return member
          return (...args: unknown[]) =>
            failsNow && name === failing ? Promise.reject(new Error('no space left')) : member.apply(target, args)
        },
      })
      const told: string[] = []
      const campus = await campusOnStore(store, {
        passwordChanged: async user => {
          told.push(user)
          failsNow = true
        },
      })
      const visitor = campus.visitor()
      await visitor.signIn('student123', password)
      const asked = await ask(visitor, path, { ...typed, end_others: 'on' })
      const answer = await confirm(visitor, path, asked)
      failsNow = false
      assert.equal(answer.status, 503)
      assert.match(answer.text, /Your new password is in force/)
      assert.doesNotMatch(answer.text, /[Nn]othing was changed/)
      assert.deepEqual(told, ['student123'])
      assert.match(campus.log.join(), /no space left/)
      assert.equal((await campus.visitor().signIn('student123', newPassword)).status, 303)
    })
})
