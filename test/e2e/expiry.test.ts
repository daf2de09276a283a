import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Page } from 'playwright-core'
import { openCampus } from '../app/open-campus.ts'
import { goBack, rememberHowShown } from './back-button.ts'
import { describeInWholeChromium } from './chromium.ts'
import { runScript, sessionCookie, signIn, whoAmI } from './page.ts'
import { openSite, underItsName } from './sites.ts'

const minute = 60_000
const day = 24 * 60 * minute
const elsewhere = await openSite('stranger', 'https')
const campus = await openCampus('--idle-timeout', '15m', '--absolute-timeout', '40m')

describeInWholeChromium('The end of a session by time, in the browser', underItsName(campus.origin), open => {
  it('T05, ASVS 7.3.1: who does nothing for the idle time-out has to sign in, and then gets where they wanted', async () => {
    const page = await open()
    await signIn(page)
    campus.pass(15 * minute)
    await page.getByRole('link', { name: 'Edit your profile' }).click()
    await page.waitForURL('/login?returnTo=%2Fprofile')
    assert.equal(await page.getByText('student123').count(), 0)
    await page.getByText('You will get there right afterwards.').waitFor()
    await signIn(page)
    assert.equal(new URL(page.url()).pathname, '/profile')
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'student123')
  })

  it('T05, ASVS 7.3.2: who is busy all the time has to sign in at the absolute time-out all the same', async () => {
    const page = await open()
    await signIn(page)
    for (let minutes = 0; minutes < 36; minutes += 12) {
      await page.goto('/dashboard')
      assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'Hello, student123')
      campus.pass(12 * minute)
    }
    await page.goto('/dashboard')
    campus.pass(4 * minute)
    await page.goto('/dashboard')
    assert.equal(new URL(page.url()).pathname, '/login')
  })

  it('T05, NIST 5.2-b: a page that keeps asking whether the session lives does not keep it alive', async () => {
    const page = await open({ bypassCSP: true })
    await signIn(page)
    const answers: [status: number, secondsLeft: number | undefined][] = []
    for (let asked = 0; asked < 4; asked += 1) {
      const ask =
        "const answer = await fetch('/api/check_session'); return [answer.status, (await answer.json()).expires_in]"
      answers.push((await runScript(page, ask)) as [number, number | undefined])
      campus.pass(5 * minute)
    }
    assert.deepEqual(
      answers.map(([status]) => status),
      [200, 200, 200, 401],
    )
    const [first = 0, second = 0, third = 0] = answers.map(([, seconds]) => seconds)
    assert.ok(first > second && second > third && third <= 5 * 60)
  })

  it('T05, NIST 5.1.1-d, WSTG-SESS-07: moving the end of the cookie does not move the end of the session', async () => {
    const page = await open()
    await signIn(page, 'student123', { remember: true })
    const cookie = (await sessionCookie(page)) ?? assert.fail('there is a session cookie')
    await page.context().addCookies([{ ...cookie, expires: Date.now() / 1_000 + 399 * 86_400 }])
    campus.pass(13 * day)
    assert.equal(await whoAmI(page), 'student123')
    campus.pass(1 * day)
    assert.equal(await whoAmI(page), null)
    assert.equal(await reachable(page, '/profile'), false)
  })

  it('T05, ATHN-06: the back button shows nothing private once the browser was sent to sign in', async () => {
    const page = await open()
    await rememberHowShown(page)
    await signIn(page)
    const tab = await page.context().newPage()
    await tab.goto('/profile')
    await tab.goto(elsewhere.origin)
    await page.getByRole('link', { name: 'Profile', exact: true }).click()
    await page.waitForURL('/profile')
    const toDashboard = () => page.getByRole('link', { name: 'Dashboard' }).click()
    await toDashboard()
    await page.waitForURL('/dashboard')
    // What comes back asks how long its session lasts. An answer from after the jump in time would take it to the sign-in by itself.
    const asked = page.waitForResponse('**/api/session')
    assert.deepEqual(await goBack(page), { path: '/profile', fromMemory: true }, 'until then, it is kept in memory')
    await asked

    campus.pass(15 * minute)
    await toDashboard()
    await page.waitForURL('/login?returnTo=%2Fdashboard')
    for (const each of [page, tab]) {
      assert.deepEqual(await goBack(each), { path: '/login', fromMemory: false })
      assert.equal(await each.getByText('student123').count(), 0)
    }
  })

  it('T05, ATHN-06: nor once any other page said that nobody is signed in', async () => {
    const page = await open()
    await rememberHowShown(page)
    await signIn(page)
    await page.getByRole('link', { name: 'Profile', exact: true }).click()
    await page.waitForURL('/profile')
    campus.pass(15 * minute)
    await page.getByRole('link', { name: 'Campus' }).first().click()
    await page.getByText('Hello! Please login').waitFor()
    assert.deepEqual(await goBack(page), { path: '/login', fromMemory: false })
    assert.equal(await page.getByText('student123').count(), 0)
  })
})

async function reachable(page: Page, path: string): Promise<boolean> {
  await page.goto(path)
  return new URL(page.url()).pathname === path
}
