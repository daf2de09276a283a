import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { before, it } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import type { Page } from 'playwright-core'
import { buildConsole } from '../../tools/build-console.ts'
import { hostileTexts } from '../actors/made-up-console.ts'
import { openCampus, password } from '../app/open-campus.ts'
import { describeInChromium, devtools } from './chromium.ts'
import { signIn, whoAmI } from './page.ts'
import { watchPage } from './watched-console.ts'

const stepMs = 30_000
const minute = 60_000

// On localhost, which Campus's passkeys are for.
const campus = await openCampus()

/** The administrator's authenticator app, once it is set up. */
let app: TOTP | null = null

describeInChromium('The console of Campus', campus.origin, open => {
  before(async () => {
    // It is built when the package is installed.
    if (!existsSync('src/console/page-dist/index.html')) await buildConsole()
  })

  it('is closed to guests, to students and to a password alone, and opens for an administrator with two factors', async () => {
    const student = await open()
    await student.goto('/console')
    assert.equal(new URL(student.url()).pathname, '/login')
    await signIn(student)
    assert.equal((await student.goto('/console/'))?.status(), 404)

    const page = await open()
    await signIn(page, 'admin')
    assert.equal((await page.goto('/console/'))?.status(), 403)
    await page.getByRole('heading', { name: 'One factor is not enough here' }).waitFor()
    await addApp(page)
    await page.goto('/console/')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
  })

  it('T18: shows what happens within seconds, whatever the visitor calls their program', async () => {
    const page = await administrator()
    const watched = await watchPage(page)
    await page.goto('/console/#/live')
    await page.getByRole('main').getByText('Connected').waitFor()
    const [userAgent = ''] = hostileTexts
    const student = await open({ userAgent })
    await signIn(student)
    const line = page
      .getByRole('listitem')
      .filter({ hasText: 'Signed in with password' })
      .filter({ hasText: '<img src=x onerror' })
    await line.getByRole('link', { name: 'student123' }).waitFor()

    await line.getByRole('link', { name: 'session', exact: true }).click()
    await page.getByRole('heading', { name: 'Story' }).waitFor()
    await page.getByRole('button', { name: 'End this session…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'End the session' }).click()
    await page.getByText('This session is over.').waitFor()
    assert.equal(await whoAmI(student), null)

    await signIn(student)
    await page.goto('/console/#/user/student123')
    await page.getByRole('button', { name: 'End all of them…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'End them all' }).click()
    await page.getByText('Not signed in anywhere.').waitFor()
    assert.equal(await whoAmI(student), null)
    await watched.assertHarmless()
  })

  it('T6: ends with its session: what was on the screen is gone, and the way back leads here', async () => {
    const page = await administrator()
    await page.goto('/console/#/sessions')
    await page.getByRole('link', { name: 'admin' }).first().waitFor()
    const tab = await page.context().newPage()
    await tab.goto('/logout')
    await tab.getByRole('main').getByRole('button').first().click()
    await page.getByRole('heading', { name: 'Your session is over' }).waitFor()
    assert.equal(await page.getByRole('link', { name: 'admin' }).count(), 0)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.waitForURL(/\/login/)
  })

  it('NIST AAL2: asks for another proof when the last one is old, and goes on where it was', async () => {
    const page = await administrator()
    await page.goto('/console/#/alerts?state=closed')
    await page.getByRole('heading', { name: 'Alerts' }).waitFor()
    campus.pass(14 * minute)
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByRole('link', { name: 'Alerts' }).click()
    campus.pass(2 * minute)
    await page.getByRole('heading', { name: 'Is it still you?' }).waitFor()
    await page.getByRole('link', { name: 'Prove that it is you' }).click()
    await page.getByLabel('Your password').fill(password)
    await page.getByLabel('Code').fill(code())
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.waitForURL(/\/console\/#\/alerts/)
  })

  it('T12: ends everybody with password and code, and with nothing less', async () => {
    const page = await administrator()
    const student = await open()
    await signIn(student)
    await page.goto('/console/#/sessions')
    await page.getByRole('button', { name: 'End everybody’s sessions…' }).click()
    const dialog = page.getByRole('dialog')
    const end = dialog.getByRole('button', { name: /^End everybody/ })
    await dialog.getByLabel('Your password').fill(password)
    await dialog.getByLabel(/^Code/).fill('000000')
    await end.click()
    await dialog.getByRole('alert').waitFor()
    assert.equal(await whoAmI(student), 'student123', 'nothing was done')
    await dialog.getByLabel(/^Code/).fill(code())
    await end.click()
    await page.getByRole('heading', { name: 'Everybody’s sessions are ended' }).waitFor()
    assert.equal(await whoAmI(student), null)
    assert.equal(await whoAmI(page), null)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.waitForURL(/\/login/)
  })

  it('T12: ends everybody with a passkey', async () => {
    const page = await administrator()
    await addVirtualKey(page)
    await page.goto('/security')
    await page.getByLabel('What to call it').fill('This laptop')
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByText('This laptop').first().waitFor()
    await page.goto('/console/#/sessions')
    await page.getByRole('button', { name: 'End everybody’s sessions…' }).click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /passkey/ })
      .click()
    await page.getByRole('heading', { name: 'Everybody’s sessions are ended' }).waitFor()
    assert.equal(await whoAmI(page), null)
  })

  /** A browser of the administrator, signed in with both factors. */
  async function administrator(): Promise<Page> {
    const page = await open()
    await signIn(page, 'admin')
    await page.getByLabel('Code').fill(code())
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.waitForURL('**/dashboard')
    return page
  }
})

/** Sets up the administrator's authenticator app on the page, as somebody who types its key in. */
async function addApp(page: Page): Promise<void> {
  await page.goto('/security/app')
  const secret = Secret.fromBase32((await page.locator('code.key').innerText()).replaceAll(/\s/g, ''))
  app = new TOTP({ secret, algorithm: 'SHA1', digits: 6, period: 30 })
  await page.getByLabel('Code', { exact: true }).fill(code())
  await page.getByLabel('What to call it').fill('My phone')
  await page.getByRole('button', { name: 'Add the app' }).click()
  await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor()
}

/** What the app shows next: each code works once. */
function code(): string {
  campus.pass(stepMs)
  return app?.generate({ timestamp: campus.now() }) ?? assert.fail('there is no app yet')
}

/** An authenticator inside the browser, whose user is there and verified. */
async function addVirtualKey(page: Page): Promise<void> {
  const line = await devtools(page)
  await line.send('WebAuthn.enable', { enableUI: false })
  await line.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal' },
      ...{ hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    },
  })
}
