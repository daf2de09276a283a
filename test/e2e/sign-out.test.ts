import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openCampus } from '../app/open-campus.ts'
import { goBack, rememberHowShown } from './back-button.ts'
import { describeInWholeChromium } from './chromium.ts'
import { addBook, cartOf, cookieName, runScript, sessionCookie, signIn, signOut, tokenOf, whoAmI } from './page.ts'
import { openSite, underItsName } from './sites.ts'

const campus = await openCampus()
const elsewhere = await openSite('stranger', 'https')

/** With scripts the other tabs leave their pages by themselves, and nothing is left to be tried: see account.test.ts. */
const withoutScript = { javaScriptEnabled: false }

describeInWholeChromium('Signing out, in the browser', underItsName(campus.origin), open => {
  it('T06, WSTG-SESS-06a, ASVS 7.4.1: removes the cookie and ends access in every tab', async () => {
    const page = await open(withoutScript)
    await signIn(page)
    const tabs = [await page.context().newPage(), await page.context().newPage()] as const
    await tabs[0].goto('/profile')
    await tabs[1].goto('/shop')
    await signOut(page)
    assert.equal(await sessionCookie(page), undefined)

    await tabs[0].getByRole('link', { name: 'Dashboard' }).click()
    await tabs[0].waitForURL('/login?returnTo=%2Fdashboard')
    await tabs[1].getByRole('link', { name: 'Profile' }).click()
    await tabs[1].waitForURL('/login?returnTo=%2Fprofile')
    for (const tab of tabs) assert.equal(await tab.getByText('student123').count(), 0)
  })

  it('T06: a form in another tab, filled in before, changes nothing any more', async () => {
    const page = await open(withoutScript)
    await signIn(page)
    const tab = await page.context().newPage()
    await tab.goto('/profile')
    await tab.getByLabel('About me').fill('Too late.')
    await signOut(page)
    await tab.getByRole('button', { name: 'Save' }).click()
    await tab.waitForURL('/login')
    await signIn(tab)
    await tab.goto('/profile')
    assert.equal(await tab.getByLabel('About me').inputValue(), '')
  })

  it('T06, WSTG-SESS-06c: a copy of the token is dead everywhere, and brings back nothing when it is put in again', async () => {
    const page = await open()
    await signIn(page)
    const cookie = (await sessionCookie(page)) ?? assert.fail('there is a session cookie')
    const thief = campus.visitor()
    thief.cookies.set(cookieName, cookie.value)
    assert.equal((await thief.get('/api/profile')).status, 200, 'until then, the thief is in')
    await signOut(page)
    assert.equal((await thief.get('/api/profile')).status, 401)
    await page.context().addCookies([cookie])
    assert.equal(await whoAmI(page), null)
    await page.goto('/dashboard')
    assert.equal(new URL(page.url()).pathname, '/login')
  })

  it("T06: the cart goes with the session: the next person at this computer starts with nothing of the last one's", async () => {
    const page = await open()
    await signIn(page)
    await addBook(page, 'Grace Period', 2)
    await signOut(page)
    assert.deepEqual(await cartOf(page), {})
    await signIn(page, 'instructor')
    assert.deepEqual(await cartOf(page), {})
    assert.equal(await whoAmI(page), 'instructor')
  })

  it('T19, CSD-1, ASVS 14.3.1: Clear-Site-Data empties what scripts have stored', async () => {
    const page = await open({ bypassCSP: true })
    await signIn(page)
    await runScript(page, "localStorage.draft = 'private'; sessionStorage.draft = 'private'")
    assert.equal(await runScript(page, 'return localStorage.draft'), 'private')
    const [answer] = await Promise.all([
      page.waitForResponse(response => response.request().method() === 'POST'),
      signOut(page),
    ])
    assert.equal((await answer.allHeaders())['clear-site-data'], '"storage"')
    assert.equal(await runScript(page, 'return localStorage.draft'), undefined)
  })

  it('T19, ATHN-06: this browser does bring pages back from memory, even those with no-store', async () => {
    const page = await open()
    await rememberHowShown(page)
    await signIn(page)
    await page.goto(elsewhere.origin)
    assert.deepEqual(await goBack(page), { path: '/dashboard', fromMemory: true })
  })

  // no-store alone does not keep a page out of Chromium's memory for the back button. What throws it out is the change
  // of the cookie: so what counts is that a sign-out removes it.
  it('T19, ATHN-06, ASVS 14.3.2: the back button shows nothing private', async () => {
    const page = await open()
    await rememberHowShown(page)
    await signIn(page)
    await page.goto('/profile')
    await page.goto('/dashboard')
    await signOut(page)
    for (let pressed = 0; pressed < 2; pressed += 1) {
      assert.deepEqual(await goBack(page), { path: '/login', fromMemory: false })
      assert.equal(await page.getByText('student123').count(), 0)
    }
  })

  it('T19, ATHN-06: nor does it in another tab, which had left the page for another site', async () => {
    const page = await open()
    await rememberHowShown(page)
    await signIn(page)
    const tab = await page.context().newPage()
    await tab.goto('/profile')
    await tab.goto(elsewhere.origin)
    await signOut(page)
    assert.deepEqual(await goBack(tab), { path: '/login', fromMemory: false })
    assert.equal(await tab.getByText('student123').count(), 0)
  })

  it('T19, ATHN-06: nor for the next person who has signed in', async () => {
    const page = await open()
    await rememberHowShown(page)
    await signIn(page)
    await page.goto('/profile')
    await signOut(page)
    await signIn(page, 'instructor')
    // Past the sign-in form and the answer to the sign-out, which a browser does not ask for again by itself.
    assert.deepEqual(await goBack(page, 3), { path: '/profile', fromMemory: false })
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'instructor')
    assert.equal(await page.getByText('student123').count(), 0)
  })

  it('T06: reloading "Logged out." says so again, and ends no session that was begun since', async () => {
    const page = await open()
    await signIn(page)
    await signOut(page)
    // A reload sends the form again, with the token of the session that is over.
    const again = await page.reload()
    assert.deepEqual([again?.request().method(), again?.status()], ['POST', 200])
    await page.getByRole('heading', { name: 'Logged out.' }).waitFor()

    const tab = await page.context().newPage()
    await signIn(tab)
    assert.equal((await page.reload())?.status(), 403)
    assert.equal(await whoAmI(tab), 'student123')
  })

  it('CSD-4, ASVS 3.5.3: looking at the page with the button does not sign out; the button there does', async () => {
    const page = await open()
    await signIn(page)
    const token = await tokenOf(page)
    await page.goto('/logout')
    assert.equal(await tokenOf(page), token)
    await page.getByRole('main').getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Logged out.' }).waitFor()
    await page.getByRole('link', { name: 'Home' }).click()
    await page.getByRole('heading', { name: 'Hello! Please login' }).waitFor()
  })
})
