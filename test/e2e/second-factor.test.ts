import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import type { Page } from 'playwright-core'
import { openCampus, password } from '../app/open-campus.ts'
import { describeInChromium, devtools } from './chromium.ts'
import { signIn, signOut, tokenOf, whoAmI } from './page.ts'

const minute = 60_000
const stepMs = 30_000

// On localhost, which Campus's passkeys are for unless it is told its address.
const campus = await openCampus()

describeInChromium('Second factors, in the browser', campus.origin, open => {
  it('T13, T14: an authenticator app is set up from the page, and from then on asked for', async () => {
    const page = await open()
    await signIn(page, 'student123')
    const { code, recoveryCodes } = await addApp(page, 'My phone')
    assert.equal(recoveryCodes.length, 10)
    await page.getByRole('link', { name: 'I have kept them' }).click()
    await page.getByRole('heading', { name: 'My phone' }).waitFor()
    assert.ok(await page.getByText('10 of 10').isVisible())

    await signOut(page)
    await signIn(page, 'student123')
    await page.getByRole('heading', { name: 'One more thing' }).waitFor()
    assert.equal(await whoAmI(page), null, 'one factor is not enough')
    await page.goto('/profile')
    assert.equal(new URL(page.url()).pathname, '/login')
    await page.goto('/login/second-factor')
    await page.getByLabel('Code').fill('000000')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('alert').filter({ hasText: 'That was not right' }).waitFor()
    campus.pass(stepMs)
    const before = await tokenOf(page)
    await page.getByLabel('Code').fill(code())
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.waitForURL('**/dashboard')
    assert.equal(await whoAmI(page), 'student123')
    assert.notEqual(await tokenOf(page), before)
    await page.getByText('Level 2 of 3').waitFor()

    await signOut(page)
    await signIn(page, 'student123')
    await page.getByLabel('Code').fill((recoveryCodes[0] ?? '').toLowerCase())
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.waitForURL('**/dashboard')
    await page.goto('/security')
    assert.ok(await page.getByText('9 of 10').isVisible())
  })

  it('T12: a form that needs a fresh proof is kept until its user has proved, and sent by their own click', async () => {
    const page = await open()
    await signIn(page, 'instructor')
    const { code } = await addApp(page, 'Phone of the instructor')
    await page.goto('/security')
    await page.getByText('Remove Phone of the instructor').click()
    campus.pass(6 * minute)
    await page.getByRole('button', { name: 'Remove it' }).click()
    await page.getByRole('heading', { name: 'Please confirm that it is you' }).waitFor()
    assert.ok(await page.getByText('What you just sent is kept on this page').isVisible())
    await page.getByLabel('Your password').fill(password)
    await page.getByLabel('Code').fill(code())
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByRole('heading', { name: 'Thank you, it is you' }).waitFor()
    const other = await page.context().newPage()
    await other.goto('/security')
    assert.equal(await other.getByRole('heading', { name: 'Phone of the instructor' }).count(), 1, 'not yet')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('Phone of the instructor was removed.').waitFor()
    assert.equal(new URL(page.url()).pathname, '/security')
  })

  it('passkeys: made on the page, sign in without a user name, confirm, and unlock nothing for others', async () => {
    const page = await open()
    await virtualKey(page)
    await signIn(page, 'admin')
    await page.goto('/security')
    await page.getByLabel('What to call it').fill('This laptop')
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor()
    await page.goto('/security')
    await page.getByRole('heading', { name: 'This laptop' }).waitFor()

    // A second one on the same device is refused by the browser, and the page says so.
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByRole('alert').filter({ hasText: 'has a passkey for your account already' }).waitFor()

    campus.pass(6 * minute)
    await page.goto('/security')
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.getByRole('heading', { name: 'How you sign in' }).waitFor()

    await signOut(page)
    await page.goto('/login?returnTo=%2Fprofile')
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.waitForURL('**/profile')
    assert.equal(await whoAmI(page), 'admin')

    await signOut(page)
    await signIn(page, 'admin')
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.waitForURL('**/dashboard')
    await page.getByText('Level 2 of 3').waitFor()
  })

  it('a passkey that is not used is told on the page, and the password form goes on working', async () => {
    const page = await open()
    await page.goto('/login')
    const { line } = await virtualKey(page)
    assert.ok(line)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.getByRole('alert').filter({ hasText: 'No passkey was used' }).waitFor()
    await page.getByLabel('User name').fill('admin')
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { name: 'One more thing' }).waitFor()
  })

  it('without script, passwords and codes work, and no button is shown that does nothing', async () => {
    const page = await open({ javaScriptEnabled: false })
    await page.goto('/login')
    assert.equal(await page.getByRole('button', { name: 'Sign in with a passkey' }).count(), 0)
    await signIn(page, 'admin')
    await page.getByRole('heading', { name: 'One more thing' }).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Use a passkey' }).count(), 0)
  })
})

/** Sets up an authenticator app on the page, as somebody who types its key in. */
async function addApp(page: Page, label: string): Promise<{ code: () => string; recoveryCodes: string[] }> {
  await page.goto('/security')
  await page.getByRole('link', { name: 'Add an app' }).click()
  const secret = (await page.locator('code.key').innerText()).replaceAll(/\s/g, '')
  const totp = new TOTP({ secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: 30 })
  const code = () => totp.generate({ timestamp: campus.now() })
  await page.getByLabel('Code', { exact: true }).fill(code())
  await page.getByLabel('What to call it').fill(label)
  await page.getByRole('button', { name: 'Add the app' }).click()
  await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor()
  return { code, recoveryCodes: await page.locator('.codes code').allInnerTexts() }
}

/** An authenticator inside the browser, whose user is there and verified. It belongs to this one page. */
async function virtualKey(page: Page) {
  const line = await devtools(page)
  await line.send('WebAuthn.enable', { enableUI: false })
  const id = await line.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal' },
      ...{ hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    },
  })
  return { line, id }
}
