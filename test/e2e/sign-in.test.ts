import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Cookie, Page } from 'playwright-core'
import { openCampus } from '../app/open-campus.ts'
import { describeInChromium } from './chromium.ts'
import { addBook, cartOf, chooseTheme, cookieName, sessionCookie, signIn, signOut, tokenOf, whoAmI } from './page.ts'
import { underItsName } from './sites.ts'

const campus = await openCampus()

describeInChromium('Signing in, in the browser', underItsName(campus.origin), open => {
  it('T01, ASVS 7.2.4: changes the whole token: nothing of the old one is in the new one', async () => {
    const page = await open()
    await addBook(page, 'Grace Period', 1)
    const tokens = [await tokenOf(page)]
    await signIn(page)
    tokens.push(await tokenOf(page))
    // Signing in again, as the same user.
    await page.goto('/login')
    await signIn(page)
    tokens.push(await tokenOf(page))
    const [guest = '', first = '', second = ''] = tokens
    assert.deepEqual(
      [sharedPieces(guest, first), sharedPieces(first, second), sharedPieces(guest, second)],
      [[], [], []],
    )
    assert.notDeepEqual(sharedPieces(first, first), [], 'the comparison can see something')
  })

  it("T01: a guest's cart and colours come along", async () => {
    const page = await open()
    await addBook(page, 'Grace Period', 2)
    await addBook(page, 'Seen Once Before', 1)
    await chooseTheme(page, 'Dark')
    await signIn(page)
    assert.deepEqual(await cartOf(page), { 'Grace Period': 2, 'Seen Once Before': 1 })
    assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark')
    assert.equal(await whoAmI(page), 'student123')
  })

  it('T01, CK-13: the old token is dead in every tab and for everybody who copied it', async () => {
    const page = await open()
    await addBook(page, 'Grace Period', 1)
    const guest = await cookieOf(page)
    await signIn(page)
    const thief = await open()
    await thief.context().addCookies([guest])
    assert.equal(await whoAmI(thief), null)
    assert.deepEqual(await cartOf(thief), {}, 'not even the cart')
    assert.equal(await whoAmI(page), 'student123', 'and the user stays signed in')
  })

  // Fixation: the attacker gets a valid token, brings it into the victim's browser by whatever means, and waits.
  for (const [kind, prepare] of [
    ['a guest', (page: Page) => addBook(page, 'Grace Period', 1)],
    ['a user', (page: Page) => signIn(page, 'instructor')],
  ] as const) {
    it(`T01, WSTG-SESS-03a: a cookie of the attacker, ${kind}, planted before, gains nothing`, async () => {
      const attacker = await open()
      await prepare(attacker)
      const planted = await cookieOf(attacker)

      const victim = await open()
      await victim.context().addCookies([planted])
      await victim.goto('/login')
      assert.equal(await tokenOf(victim), planted.value, 'it is in place when the victim signs in')
      await signIn(victim)
      assert.notEqual(await tokenOf(victim), planted.value)

      assert.notEqual(await whoAmI(attacker), 'student123')
      // Whatever the attacker's browser learned by asking: the planted value once more.
      await attacker.context().addCookies([planted])
      await attacker.goto('/profile')
      assert.equal(await attacker.getByText('student123').count(), 0)
      assert.equal(await whoAmI(victim), 'student123')
    })
  }

  it('T01, WSTG-SESS-03b: the cookies that a browser had before the sign-in let nobody in afterwards', async () => {
    const victim = await open()
    await addBook(victim, 'Grace Period', 1)
    await victim.goto('/inspect_headers')
    await victim.goto('/login?returnTo=%2Fprofile')
    const snapshot = await victim.context().cookies()
    const names = ['__Host-Http-forget-pages', cookieName, 'inspect_demo']
    assert.deepEqual(snapshot.map(({ name }) => name).sort(), names)
    await signIn(victim)
    await reachesProfileOf(victim, 'student123')

    // The guide's first half: the victim's browser, put back to the snapshot.
    await victim.context().clearCookies()
    await victim.context().addCookies(snapshot)
    await reachesProfileOf(victim, null)

    // The second half: a session of the attacker's own, with one cookie after the other put in from the snapshot.
    const attacker = await open()
    await signIn(attacker, 'instructor')
    const own = await attacker.context().cookies()
    for (const cookie of snapshot) {
      await attacker.context().addCookies([...own, cookie])
      await reachesProfileOf(attacker, cookie.name === cookieName ? null : 'instructor')
    }
  })

  it('T01, WSTG-SESS-03c: a well-formed token that Campus never issued is not adopted', async () => {
    const page = await open()
    await addBook(page, 'Grace Period', 1)
    const own = await cookieOf(page)
    const made = own.value.slice(0, 40) + (own.value[40] === 'A' ? 'B' : 'A') + own.value.slice(41)
    await page.context().addCookies([{ ...own, value: made }])
    assert.deepEqual(await cartOf(page), {})
    await campus.logged('token.forged')
    await addBook(page, 'Grace Period', 1)
    assert.notEqual(await tokenOf(page), made)
  })

  it('two browsers of one user are two sessions: signing out of one leaves the other alone', async () => {
    const [one, other] = [await open(), await open()]
    await signIn(one)
    await signIn(other)
    assert.notEqual(await tokenOf(one), await tokenOf(other))
    await signOut(one)
    assert.equal(await whoAmI(one), null)
    assert.equal(await whoAmI(other), 'student123')
  })

  it('ASVS 7.6.2: a wrong password changes nothing, and the page says so', async () => {
    const page = await open()
    await page.goto('/login')
    await page.getByLabel('User name').fill('student123')
    await page.getByLabel('Password').fill('wrong')
    const [answer] = await Promise.all([
      page.waitForResponse(response => response.request().method() === 'POST'),
      page.getByRole('button', { name: 'Sign in', exact: true }).click(),
    ])
    assert.equal(answer.status(), 401)
    assert.equal(await page.getByRole('alert').innerText(), 'Invalid credentials!')
    assert.equal(await sessionCookie(page), undefined)
  })
})

async function cookieOf(page: Page): Promise<Cookie> {
  return (await sessionCookie(page)) ?? assert.fail('there is a session cookie')
}

/** Whether this browser gets to a profile, and to whose; `null` is to the sign-in. */
async function reachesProfileOf(page: Page, user: string | null): Promise<void> {
  await page.goto('/profile')
  assert.equal(new URL(page.url()).pathname, user === null ? '/login' : '/profile')
  assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), user ?? 'Sign in')
}

/** What two tokens have in common behind the key id. Six characters are no coincidence: one case in ten million. */
function sharedPieces(one: string, other: string): string[] {
  const [, body = ''] = one.split('.')
  const [, otherBody = ''] = other.split('.')
  assert.ok(body.length > 80 && otherBody.length > 80)
  const pieces = Array.from({ length: body.length - 5 }, (_, start) => body.slice(start, start + 6))
  return pieces.filter(piece => otherBody.includes(piece))
}
