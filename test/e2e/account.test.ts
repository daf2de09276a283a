import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Page } from 'playwright-core'
import { openCampus, password } from '../app/open-campus.ts'
import { describeInChromium } from './chromium.ts'
import { signIn, signOut, whoAmI } from './page.ts'
import { underItsName } from './sites.ts'

const campus = await openCampus()
const origin = underItsName(campus.origin)

/** Presses a button that sends a form, and waits for the page that follows. */
async function press(page: Page, name: string): Promise<void> {
  await Promise.all([
    page.waitForEvent('load'),
    page.getByRole('main').getByRole('button', { name, exact: true }).click(),
  ])
}

/** What the browser complains of: scripts, styles and addresses that the Content-Security-Policy does not know, and errors. */
function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => {
    if (/Content.Security.Policy|Uncaught|Refused/i.test(message.text())) complaints.push(message.text())
  })
  return complaints
}

describeInChromium('The account, in the browser', origin, open => {
  it('ASVS 7.5.1, TA-6: a new e-mail address is seen, confirmed and told', async () => {
    const page = await open()
    const complaints = complaintsOf(page)
    await signIn(page)
    await page.getByRole('link', { name: 'Profile', exact: true }).click()
    await page.getByRole('link', { name: 'Change your address' }).click()
    await page.getByLabel('New address').fill('ann@example.org')
    await press(page, 'Continue')
    const will = page.locator('.will-happen')
    assert.match(await will.innerText(), /student123@campus\.example\s+From now on\s+ann@example\.org/)
    await page.getByLabel('Your password').fill('a wrong one')
    await press(page, 'Confirm the new address')
    assert.match(await page.getByRole('alert').innerText(), /That was not right/)
    assert.match(await will.innerText(), /ann@example\.org/)
    await page.getByLabel('Your password').fill(password)
    await press(page, 'Confirm the new address')
    assert.match(await page.getByRole('status').innerText(), /Your new address is in use/)
    await page.getByRole('link', { name: 'Profile', exact: true }).click()
    await page.getByRole('link', { name: 'Messages' }).click()
    await page.getByRole('heading', { name: 'The e-mail address of your Campus account was changed' }).waitFor()
    assert.deepEqual(complaints, [])
  })

  it('TA-5: going back to a confirmation that was redeemed, and confirming it again, changes nothing', async () => {
    const page = await open()
    await signIn(page, 'admin')
    await page.goto('/account/email')
    await page.getByLabel('New address').fill('first@example.org')
    await press(page, 'Continue')
    const fields = await page.locator('form[action="/account/email/confirm"] input[type=hidden]').all()
    const values = await Promise.all(
      fields.map(async field => [await field.getAttribute('name'), await field.inputValue()] as const),
    )
    await page.getByLabel('Your password').fill(password)
    await press(page, 'Confirm the new address')
    await page.getByLabel('New address').fill('second@example.org')
    await press(page, 'Continue')
    // The old confirmation in the new page, as from a page that was kept somewhere.
    for (const [name, value] of values)
      if (name === 'confirmation')
        await page
          .locator('input[name=confirmation]')
          .evaluate((field, value) => field.setAttribute('value', value), value)
    await page.getByLabel('Your password').fill(password)
    await press(page, 'Confirm the new address')
    await page.getByRole('heading', { name: 'That was not confirmed' }).waitFor()
    await page.goto('/account/email')
    assert.match(await page.getByRole('main').innerText(), /first@example\.org/)
  })

  it('ASVS 7.5.3: the instructor publishes grades, and the student sees theirs', async () => {
    const [teacher, student] = [await open(), await open()]
    await Promise.all([signIn(teacher, 'instructor'), signIn(student)])
    await student.getByRole('link', { name: 'Grades' }).click()
    await student.getByText('There is none yet.').waitFor()
    await teacher.getByRole('link', { name: 'Grades' }).click()
    await teacher.getByLabel('Grade of student123').selectOption('B')
    await press(teacher, 'Continue')
    assert.match(await teacher.locator('.will-happen').innerText(), /student123\s+–\s+B/)
    await teacher.getByLabel('Your password').fill(password)
    await press(teacher, 'Confirm and publish')
    assert.match(await teacher.getByRole('status').innerText(), /Published/)
    await student.reload()
    assert.match(await student.getByRole('main').innerText(), /\bB\b/)
  })

  it('ASVS 7.5.2, 7.4.3: a second browser is ended from the page of devices, after a proof where the last one is old', async () => {
    const [here, there] = [await open(), await open()]
    await Promise.all([signIn(here), signIn(there)])
    await here.getByRole('link', { name: 'Devices' }).click()
    const others = here.getByRole('listitem').filter({ has: here.getByRole('button', { name: /^End/ }) })
    const before = await others.count()
    assert.ok(before > 0)
    campus.pass(6 * 60_000)
    await Promise.all([here.waitForEvent('load'), others.first().getByRole('button').click()])
    await here.getByRole('heading', { name: 'Please confirm that it is you' }).waitFor()
    await here.getByLabel('Your password').fill(password)
    await press(here, 'Confirm')
    await press(here, 'Continue')
    assert.match(await here.getByRole('main').getByRole('status').innerText(), /That device is signed out/)
    assert.equal(await others.count(), before - 1)
    if (before > 1) await press(here, 'Sign out everywhere else')
    assert.equal(await whoAmI(here), 'student123')
    assert.equal(await whoAmI(there), null)
  })

  it('ASVS 7.4.1: signing out in one tab takes the pages of the others away', async () => {
    const page = await open()
    await signIn(page)
    const other = await page.context().newPage()
    await other.goto('/devices')
    await signOut(page)
    await other.waitForURL(url => url.pathname === '/login')
    assert.equal(new URL(other.url()).searchParams.get('returnTo'), '/devices')
  })

  it('a tab that was opened before anybody signed in stays, and its forms work afterwards', async () => {
    const guest = await open()
    await guest.goto('/shop')
    const page = await guest.context().newPage()
    await signIn(page)
    await guest.bringToFront()
    await Promise.all([guest.waitForEvent('load'), guest.getByRole('button', { name: 'Add' }).first().click()])
    assert.equal(new URL(guest.url()).pathname, '/shop')
    assert.equal(await guest.getByRole('heading', { name: 'That page was out of date' }).count(), 0)
  })
})

const hasty = await openCampus('--idle-timeout', '6s')

describeInChromium('The warning before a session of Campus ends, in real time', underItsName(hasty.origin), open => {
  const warning = (page: Page) => page.getByRole('alertdialog', { name: 'Are you still there?' })

  it('ASVS 7.1.1, WCAG 2.2.1: comes in time, extends the session by its button, and lets go of who says nothing', async () => {
    const page = await open()
    const complaints = complaintsOf(page)
    await signIn(page)
    await page.goto('/profile')
    await warning(page).waitFor()
    const extended = page.waitForResponse(response => response.url().endsWith('/api/session/extend'))
    await page.getByRole('button', { name: 'Stay signed in' }).click()
    assert.equal((await extended).status(), 200)
    await warning(page).waitFor({ state: 'detached' })
    await page.getByLabel('About me').fill('half a sentence')
    await warning(page).waitFor()
    await page.waitForURL(url => url.pathname === '/login')
    assert.equal(new URL(page.url()).searchParams.get('returnTo'), '/profile')
    await signIn(page)
    await page.getByText('What you had typed is back.').waitFor()
    assert.equal(await page.getByLabel('About me').inputValue(), 'half a sentence')
    assert.deepEqual(complaints, [])
  })

  it('gives nothing of that to somebody else who signs in next', async () => {
    const page = await open()
    await signIn(page)
    await page.goto('/profile')
    await page.getByLabel('About me').fill('a secret')
    await page.waitForURL(url => url.pathname === '/login')
    await signIn(page, 'admin')
    assert.equal(new URL(page.url()).pathname, '/profile')
    assert.equal(await page.getByLabel('About me').inputValue(), '')
  })
})
