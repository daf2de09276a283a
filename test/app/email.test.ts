import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { emailAddress } from '../../app/email-address.ts'
import { ask, confirm, confirmAtOnce, post, said } from './confirming.ts'
import { openCampus, password } from './open-campus.ts'

const minute = 60_000
const path = '/account/email'
const campus = await openCampus()

/** Somebody whose address nobody else changes at the same time. */
async function signedIn(username = 'student123') {
  const visitor = campus.visitor()
  assert.equal((await visitor.signIn(username, password)).status, 303)
  return visitor
}

const addressOf = async (visitor: Awaited<ReturnType<typeof signedIn>>) =>
  /<b class="address">([^<]+)<\/b>/.exec((await visitor.get(path)).text)?.[1]

describe('E-mail addresses', () => {
  for (const [typed, address] of [
    ['a@b.example', 'a@b.example'],
    [' Ann.Lee+notes@Mail.Example ', 'Ann.Lee+notes@mail.example'],
    ["o'neil@x-y.example", "o'neil@x-y.example"],
  ] as const)
    it(`${JSON.stringify(typed)} is one`, () => assert.equal(emailAddress(typed), address))

  for (const typed of [
    '',
    'a',
    'a@b',
    '@b.example',
    'a@',
    'a@b@c.example',
    'a b@c.example',
    'a@b.example, c@d.example',
    'a@b.example\r\nBcc: c@d.example',
    'a@b.example\nx',
    '"a\\@evil.example x"@b.example',
    'Ann <a@b.example>',
    '.a@b.example',
    'a..b@c.example',
    'a@-b.example',
    'a@b.1',
    'a@[127.0.0.1]',
    'ä@b.example',
    'a@\u202Eb.example',
    `${'a'.repeat(65)}@b.example`,
    `a@${'b.'.repeat(130)}example`,
  ])
    it(`${JSON.stringify(typed).slice(0, 40)} is none`, () => assert.equal(emailAddress(typed), null))
})

describe('Changing the e-mail address', () => {
  it('ASVS 6.3.7, 7.5.1, TA-6: shows what will happen, asks for the password, happens, and is told', async () => {
    const visitor = await signedIn()
    assert.equal(await addressOf(visitor), 'student123@campus.example')
    const asked = await ask(visitor, path, { email: 'new@example.org' })
    assert.match(asked.answer.text, /Nothing has changed yet/)
    assert.match(asked.answer.text, /<dd>student123@campus\.example<\/dd>/)
    assert.match(asked.answer.text, /<dd><b>new@example\.org<\/b><\/dd>/)
    assert.match(asked.answer.text, /You are signed in already\. This confirms what stands above/)
    assert.equal(await addressOf(visitor), 'student123@campus.example')
    const before = visitor.cookies.get('__Host-Http-sid')
    const answer = await confirm(visitor, path, asked)
    assert.deepEqual([answer.status, answer.headers.location], [303, path])
    assert.notEqual(visitor.cookies.get('__Host-Http-sid'), before, 'proving more replaces the token (ASVS 7.2.4)')
    const page = await visitor.get(path)
    assert.match(page.text, /Your new address is in use/)
    assert.doesNotMatch((await visitor.get(path)).text, /Your new address is in use/)
    assert.equal(await addressOf(visitor), 'new@example.org')
    assert.match((await visitor.get('/messages')).text, /The e-mail address of your Campus account was changed/)
  })

  it('needs somebody who is signed in', async () => {
    const guest = campus.visitor()
    assert.equal((await guest.get(path)).headers.location, '/login?returnTo=%2Faccount%2Femail')
    assert.equal((await guest.submit(path, { email: 'a@b.example' }, '/login')).headers.location, '/login')
    assert.equal((await guest.submit(`${path}/confirm`, { email: 'a@b.example' }, '/login')).headers.location, '/login')
  })

  it('refuses what is no address, and the one that is there', async () => {
    const visitor = await signedIn('admin')
    for (const email of ['', 'nonsense', 'a@b.example\r\nBcc: c@d.example', 'admin@campus.example']) {
      const { status, text } = await visitor.submit(path, { email })
      assert.equal(status, 400, email)
      assert.match(text, /That is (no e-mail address|your address already)\./)
    }
  })

  describe('T12: nothing happens', () => {
    it('TA-2, CS-M2: when the data change after the challenge', async () => {
      const visitor = await signedIn('admin')
      const asked = await ask(visitor, path, { email: 'mine@example.org' })
      const answer = await confirm(visitor, path, asked, { email: 'thief@example.org' })
      assert.equal(answer.status, 403)
      assert.match(answer.text, /That was not confirmed/)
      assert.equal((await confirm(visitor, path, asked)).status, 403, 'and the confirmation is void')
      assert.equal(await addressOf(visitor), 'admin@campus.example')
      await campus.logged('confirmation.refused', { fault: 'changed', userId: 'admin' })
    })

    it('TA-2: when the address that is replaced is another one by now', async () => {
      const visitor = await signedIn('instructor')
      const asked = await ask(visitor, path, { email: 'first@example.org' })
      const elsewhere = await signedIn('instructor')
      assert.equal(
        (await confirm(elsewhere, path, await ask(elsewhere, path, { email: 'second@example.org' }))).status,
        303,
      )
      assert.equal((await confirm(visitor, path, asked)).status, 403)
      assert.equal(await addressOf(visitor), 'second@example.org')
    })

    it('TA-5: when the step before is left out', async () => {
      const visitor = await signedIn('admin')
      for (const confirmation of ['', 'x', 'A'.repeat(43)]) {
        const answer = await visitor.submit(`${path}/confirm`, { email: 'a@example.org', password, confirmation }, path)
        assert.equal(answer.status, 403)
      }
      assert.equal(await addressOf(visitor), 'admin@campus.example')
    })

    it('TA-1: when the confirmation is of another operation, another session or another user', async () => {
      const visitor = await signedIn('admin')
      const { fields } = await ask(visitor, '/account/password', {
        new_password: 'a long new password',
        new_password_again: 'a long new password',
      })
      const { confirmation = '' } = fields
      const asked = await ask(visitor, path, { email: 'a@example.org' })
      const other = { ...asked, fields: { ...asked.fields, confirmation } }
      assert.equal((await confirm(visitor, path, other)).status, 403)
      const elsewhere = await signedIn('admin')
      const theirs = await ask(elsewhere, path, { email: 'a@example.org' })
      assert.equal((await confirm(elsewhere, path, { ...asked, token: theirs.token })).status, 403)
      const stranger = await signedIn()
      const own = await ask(stranger, path, { email: 'a@example.org' })
      assert.equal((await confirm(stranger, path, { ...asked, token: own.token })).status, 403)
      assert.equal(await addressOf(visitor), 'admin@campus.example')
    })

    it('TA-4: when it takes too long', async () => {
      const visitor = await signedIn('admin')
      const asked = await ask(visitor, path, { email: 'a@example.org' })
      campus.pass(5 * minute)
      assert.equal((await confirm(visitor, path, asked)).status, 403)
      assert.equal(await addressOf(visitor), 'admin@campus.example')
    })

    it('TA-4: when five passwords were wrong, even if the sixth is right', async () => {
      const visitor = await signedIn('admin')
      const asked = await ask(visitor, path, { email: 'a@example.org' })
      for (let wrong = 0; wrong < 5; wrong += 1) {
        const answer = await confirm(visitor, path, asked, { password: 'wrong' })
        assert.equal(answer.status, 401)
        assert.match(answer.text, /That was not right\. Please try again\./)
      }
      campus.pass(2_000)
      assert.equal((await confirm(visitor, path, asked)).status, 403)
      assert.equal(await addressOf(visitor), 'admin@campus.example')
    })

    it('CSRF: when another site sends the form', async () => {
      const visitor = await signedIn('admin')
      const { fields } = await ask(visitor, path, { email: 'a@example.org' })
      assert.equal((await post(visitor, `${path}/confirm`, { ...fields, password })).status, 403)
      assert.equal(await addressOf(visitor), 'admin@campus.example')
    })

    it('and the answer is the same for every reason', async () => {
      const visitor = await signedIn('admin')
      const changed = await ask(visitor, path, { email: 'a@example.org' })
      const expired = await ask(visitor, path, { email: 'b@example.org' })
      const answers = [
        await confirm(visitor, path, changed, { email: 'c@example.org' }),
        await confirm(visitor, path, changed),
        await confirm(visitor, path, changed, { confirmation: 'never-was' }),
      ]
      campus.pass(5 * minute)
      answers.push(await confirm(visitor, path, expired))
      const [first, ...others] = answers.map(said)
      assert.equal(first?.[0], 403)
      for (const other of others) assert.deepEqual(other, first)
    })
  })

  it('T12, TA-5: 50 confirmations at once execute once', async () => {
    const busy = await openCampus()
    const visitor = busy.visitor()
    await visitor.signIn('student123', password)
    const asked = await ask(visitor, path, { email: 'once@example.org' })
    const answers = await confirmAtOnce(visitor, path, asked, 50)
    // Those that came after the token was replaced are nobody's.
    const outcomes = answers.map(({ status, headers }) => headers.location ?? status)
    assert.equal(outcomes.filter(outcome => outcome === path).length, 1)
    for (const outcome of outcomes) assert.ok([path, '/login', 401, 403, 429].includes(outcome), String(outcome))
    const told = (await visitor.get('/messages')).text.match(
      /<h2>The e-mail address of your Campus account was changed/g,
    )
    assert.equal(told?.length, 1)
  })

  it('says that it cannot, where only the cookies know the sessions', async () => {
    const sealed = await openCampus('--store', 'sealed:')
    const visitor = sealed.visitor()
    await visitor.signIn('student123', password)
    const { status, text } = await visitor.submit(path, { email: 'a@example.org' })
    assert.equal(status, 501)
    assert.match(text, /This Campus cannot do that/)
  })
})
