import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Secret, TOTP } from 'otpauth'
import type { Page } from 'playwright-core'
import { type OpenCampus, openCampus, openCampusIn, password } from '../app/open-campus.ts'
import { devtools, type OpenBrowser, runScript } from './chromium.ts'
import { addBook, signIn, signOut } from './page.ts'
import { stopClock } from './stopped-clock.ts'

const minute = 60_000
const stepMs = 30_000

/** Gets a page to look at, in the state of this name. */
export type Show = (page: Page, state: string) => Promise<void>

/** Somebody who walks through pages. */
export type Walk = (open: OpenBrowser, show: Show) => Promise<void>

// On localhost, which passkeys are for.
const campus = await openCampusIn({ METRICS_TOKEN: 'x'.repeat(32) })
const locking = await openCampus('--idle-lock')
const brief = await openCampus('--absolute-timeout', '15m')
const sealed = await openCampus('--store', 'sealed:')

/** Every page of Campus in every state that a person can see, by who walks through them. */
export const walks: Readonly<Record<string, Walk>> = {
  'a guest': async (open, show) => {
    const page = await browserOf(campus, open)
    await visit(page, show, { home: '/', login: '/login', 'login-return': '/login?returnTo=%2Fprofile' })
    await page.getByLabel('User name').fill('student123')
    await page.getByLabel('Password').fill('a wrong one')
    await press(page, 'Sign in')
    await show(page, 'login-problem')
    await visit(page, show, { shop: '/shop', headers: '/inspect_headers', logout: '/logout', 'error-404': '/nowhere' })
    await addBook(page, 'Grace Period', 2)
    await show(page, 'shop-cart')
    await runScript(page, "for (const field of document.querySelectorAll('[name=csrf_token]')) field.value = 'old'")
    await press(page, 'One more: Grace Period')
    await show(page, 'error-403')
  },

  'a user with a password': async (open, show) => {
    const page = await browserOf(campus, open)
    await addBook(page, 'Grace Period', 2)
    await signIn(page, 'admin')
    await visit(page, show, { 'home-user': '/', 'login-user': '/login', dashboard: '/dashboard', profile: '/profile' })
    await page.getByLabel('About me').fill('I keep this place in order.\nAsk me about cookies.')
    await press(page, 'Save')
    await show(page, 'profile-saved')
    await runScript(page, "document.querySelector('textarea').value = '\\0'")
    await press(page, 'Save')
    await show(page, 'profile-problem')
    await visit(page, show, { 'shop-user': '/shop', 'devices-here': '/devices', 'logout-user': '/logout' })
    await visit(page, show, { 'console-closed': '/console' })
    await visit(page, show, { 'error-403-grades': '/grades', 'error-404-user': '/nowhere' })
    forgetMessages('admin')
    await visit(page, show, { 'messages-none': '/messages' })
    await changeEmail(page, show)
    await changePassword(page, show)
    await endOtherDevices(page, open, show)
    await visit(page, show, { messages: '/messages' })
    await signOut(page)
    await show(page, 'logged-out')
  },

  'an instructor and a student': async (open, show) => {
    const student = await browserOf(campus, open)
    await signIn(student)
    await visit(student, show, { 'grades-none': '/grades' })
    const page = await browserOf(campus, open)
    await signIn(page, 'instructor')
    await visit(page, show, { 'grades-form': '/grades' })
    await press(page, 'Continue')
    await show(page, 'grades-problem')
    await page.getByLabel('Grade of student123').selectOption('A')
    await page.getByLabel('Grade of grace').selectOption('B')
    await press(page, 'Continue')
    await show(page, 'grades-confirm')
    await prove(page, 'Confirm and publish')
    await show(page, 'grades-published')
    await visit(student, show, { 'grades-own': '/grades' })
  },

  'a user with second factors': async (open, show) => {
    const page = await browserOf(campus, open)
    await addVirtualKey(page)
    await signIn(page)
    await visit(page, show, { 'security-none': '/security', 'security-app': '/security/app' })
    const code = await addApp(page, show)
    await page.getByRole('link', { name: 'I have kept them' }).click()
    await show(page, 'security-app-added')
    await page.getByLabel('What to call it').fill('This laptop')
    await press(page, 'Add a passkey')
    await show(page, 'security')
    await page.getByText('Remove My phone').click()
    await show(page, 'security-remove')
    await press(page, 'Make ten new ones')
    await show(page, 'recovery-codes-new')

    await page.goto('/account/email')
    await page.getByLabel('New address').fill('me@example.org')
    await press(page, 'Continue')
    await show(page, 'email-confirm-two-factors')
    await page.goto('/security')
    await page.getByText('Remove My phone').click()
    campus.pass(6 * minute)
    await press(page, 'Remove it')
    await show(page, 'reauthenticate-in-place')
    await prove(page, 'Confirm', code())
    await show(page, 'reauthenticate-continue')
    campus.pass(6 * minute)
    await visit(page, show, { reauthenticate: '/security' })
    await prove(page, 'Confirm', '000000')
    await show(page, 'reauthenticate-problem')

    await signOut(page)
    await signIn(page)
    await show(page, 'second-factor')
    await page.getByLabel('Code').fill('000000')
    await press(page, 'Sign in')
    await show(page, 'second-factor-problem')
    await visit(page, show, { 'home-between-factors': '/' })
    await page.goto('/login/second-factor')
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.waitForURL('**/dashboard')
    await show(page, 'dashboard-two-factors')
  },

  'somebody whose session is locked': async (open, show) => {
    const page = await browserOf(locking, open)
    await signIn(page)
    await page.goto('/profile')
    await page.getByLabel('About me').fill('Written in the last minute.')
    locking.pass(16 * minute)
    await press(page, 'Save')
    await show(page, 'locked-in-place')
    await visit(page, show, { locked: '/reauthenticate?returnTo=%2Fprofile', 'locked-logout': '/logout' })
    await page.goto('/dashboard')
    await page.getByLabel('Your password').fill('a wrong one')
    await press(page, 'Unlock')
    await show(page, 'locked-problem')
  },

  'somebody whose session ends soon': async (open, show) => {
    for (const [state, where, name] of [
      ['warning', campus, 'Are you still there?'],
      ['warning-end', brief, 'Your session ends soon'],
    ] as const) {
      const page = await browserOf(where, open)
      await stopClock(page, Date.now())
      await signIn(page, 'instructor')
      await page.goto('/profile')
      await page.getByLabel('About me').fill('I teach, and')
      where.pass(14 * minute + 1_000)
      await page.clock.runFor(14 * minute + 1_000)
      await page.getByRole('alertdialog', { name }).waitFor()
      // What looks at it uses timers, too.
      await page.clock.resume()
      await show(page, state)
      where.pass(2 * minute)
      await page.clock.fastForward(2 * minute)
      await page.waitForURL(url => url.pathname === '/login')
      await signIn(page, 'instructor')
      await page.getByText('What you had typed is back.').waitFor()
      await show(page, `${state}-restored`)
    }
  },

  'somebody where sessions live in cookies alone': async (open, show) => {
    const page = await browserOf(sealed, open)
    await signIn(page)
    await visit(page, show, { 'devices-sealed': '/devices', 'security-sealed': '/security' })
    await page.goto('/account/email')
    await page.getByLabel('New address').fill('me@example.org')
    await press(page, 'Continue')
    await show(page, 'error-501')
  },

  'somebody while the sessions are out of reach': async (open, show) => {
    const page = await browserOf(campus, open)
    await addBook(page, 'Grace Period', 2)
    const database = new DatabaseSync(join(campus.directory, 'sessions.db'))
    database.exec('ALTER TABLE records RENAME TO mislaid')
    try {
      await visit(page, show, { 'error-503': '/dashboard' })
    } finally {
      database.exec('ALTER TABLE mislaid RENAME TO records')
      database.close()
    }
  },
}

/** A browser of somebody who visits this Campus. */
function browserOf({ origin }: OpenCampus, open: OpenBrowser): Promise<Page> {
  return open({ baseURL: origin, bypassCSP: true })
}

async function visit(page: Page, show: Show, addresses: Readonly<Record<string, string>>): Promise<void> {
  for (const [state, address] of Object.entries(addresses)) {
    await page.goto(address)
    await show(page, state)
  }
}

/** Presses a button that sends a form, and waits for the page that follows. */
async function press(page: Page, name: string): Promise<void> {
  const button = page.getByRole('main').getByRole('button', { name, exact: true })
  await Promise.all([page.waitForEvent('load'), button.click()])
}

/** Proves who somebody is, on any page that asks. */
async function prove(page: Page, button: string, code: string | null = null): Promise<void> {
  await page.getByLabel('Your password').fill(password)
  if (code !== null) await page.getByLabel('Code').fill(code)
  await press(page, button)
}

async function changeEmail(page: Page, show: Show): Promise<void> {
  await visit(page, show, { email: '/account/email' })
  await page.getByLabel('New address').fill('nobody@localhost')
  await press(page, 'Continue')
  await show(page, 'email-problem')
  await page.getByLabel('New address').fill('a.rather.long.name.of.somebody@mail.department.example.org')
  await press(page, 'Continue')
  await show(page, 'email-confirm')
  await page.getByLabel('Your password').fill('a wrong one')
  await press(page, 'Confirm the new address')
  await show(page, 'email-confirm-problem')
  await prove(page, 'Confirm the new address')
  await show(page, 'email-changed')
}

async function changePassword(page: Page, show: Show): Promise<void> {
  await visit(page, show, { password: '/account/password' })
  await page.getByLabel('New password').fill('several words are good')
  await page.getByLabel('Once more').fill('several words are bad')
  await press(page, 'Continue')
  await show(page, 'password-problem')
  for (const label of ['New password', 'Once more']) await page.getByLabel(label).fill('several words are good')
  await press(page, 'Continue')
  await show(page, 'password-confirm')
  await prove(page, 'Confirm the new password')
  await show(page, 'password-changed')
}

/** Programs and browsers of the same user, who has the password of {@link changePassword} by now. */
async function endOtherDevices(page: Page, open: OpenBrowser, show: Show): Promise<void> {
  const headers = { 'user-agent': 'campus-notes/2.1' }
  const data = { username: 'admin', password: 'several words are good' }
  for (let n = 0; n < 2; n += 1) {
    const program = await browserOf(campus, open)
    await program.request.post('/api/token', { headers, data })
  }
  await visit(page, show, { devices: '/devices' })
  await page.getByRole('button', { name: 'End', exact: false }).first().click()
  await page.getByText('That device is signed out.').waitFor()
  await show(page, 'devices-ended')
}

/** Sets up an authenticator app, as somebody who types its key in; gives what it shows. */
async function addApp(page: Page, show: Show): Promise<() => string> {
  const secret = Secret.fromBase32((await page.locator('code.key').innerText()).replaceAll(/\s/g, ''))
  const code = () =>
    new TOTP({ secret, algorithm: 'SHA1', digits: 6, period: 30 }).generate({ timestamp: campus.now() })
  await page.getByLabel('What to call it').fill('My phone')
  for (const [typed, state] of [
    ['000000', 'security-app-problem'],
    [code(), 'recovery-codes'],
  ] as const) {
    await page.getByLabel('Code', { exact: true }).fill(typed)
    await press(page, 'Add the app')
    await show(page, state)
  }
  campus.pass(stepMs)
  return code
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

/** Nobody's first sign-in goes without a message: an account without any has had them forgotten. */
function forgetMessages(username: string): void {
  const database = new DatabaseSync(join(campus.directory, 'campus.db'))
  database.prepare('DELETE FROM campus_messages WHERE username = ?').run(username)
  database.close()
}
