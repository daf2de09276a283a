/**
 * Makes the pictures of Campus: `node --conditions=latchkey-source tools/screenshots.ts` writes those of the README into
 * docs/images/; `--console` only those of its console. With a directory (`… tools/screenshots.ts /tmp/shots`) every page goes there instead, on a desktop's and
 * a phone's screen, light and dark, for somebody to look at.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret, TOTP } from 'otpauth'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { books } from '../app/books.ts'
import { readOptions } from '../app/options.ts'
import { startCampus } from '../app/start.ts'
import { type LivelyCampus, livelyCampus } from './campus-life.ts'
import { chromiumPath } from './provision.ts'

const password = 'correct horse'
const minute = 60_000

const screens = {
  desktop: { width: 1280, height: 800 },
  tall: { width: 1280, height: 900 },
  phone: { width: 390, height: 844 },
}
type Screen = keyof typeof screens
type Colours = 'light' | 'dark'

const guestPages = { home: '/', login: '/login', shop: '/shop', logout: '/logout', headers: '/inspect_headers' }
const userPages = {
  'home-signed-in': '/',
  'login-signed-in': '/login',
  dashboard: '/dashboard',
  profile: '/profile',
  devices: '/devices',
  'shop-with-cart': '/shop',
  'logout-signed-in': '/logout',
  'headers-signed-in': '/inspect_headers',
  grades: '/grades',
  messages: '/messages',
  email: '/account/email',
  password: '/account/password',
  'no-such-page': '/no-such-page',
}
/** Pages that come in the course of something else. */
type Met = 'second-factor' | 'new-app' | 'recovery-codes' | 'reauthenticate' | 'security' | 'confirmation' | 'warning'
type Shown = keyof typeof guestPages | keyof typeof userPages | Met

/** Those of the README and the documentation: few, small, and what a visitor sees first. */
const curated: [name: string, screen: Screen, colours: Colours, page: Shown][] = [
  ['home', 'desktop', 'light', 'home'],
  ['dashboard', 'desktop', 'light', 'dashboard'],
  ['dashboard-dark', 'desktop', 'dark', 'dashboard'],
  ['shop', 'desktop', 'light', 'shop-with-cart'],
  ['dashboard-phone', 'phone', 'light', 'dashboard'],
  ['security', 'desktop', 'light', 'security'],
]

/** The same of the console. */
const ofConsole: [name: string, screen: Screen, colours: Colours, page: 'overview' | 'session'][] = [
  ['console', 'tall', 'light', 'overview'],
  ['console-dark', 'tall', 'dark', 'overview'],
  ['console-phone', 'phone', 'light', 'overview'],
  ['console-session', 'tall', 'light', 'session'],
]

const isConsoleOnly = process.argv[2] === '--console'
const directory = isConsoleOnly ? null : (process.argv[2] ?? null)
const data = mkdtempSync(join(tmpdir(), 'campus-'))
const options = readOptions(['--data', data, '--port', '0', '--demo-password', password], {})
if (options === 'help') throw new Error('no help is needed here')
let passed = 0
/** What the student's authenticator app shows, once it is set up. */
let app: TOTP | null = null
const campus = await startCampus(options, { clock: () => Date.now() + passed, log: () => {}, announce: () => {} })
// Campus keeps its files private; pictures are for everybody.
process.umask(0o022)
const browser = await chromium.launch({
  executablePath: chromiumPath() ?? '',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--font-render-hinting=none'],
})
try {
  if (directory === null) {
    const images = join(import.meta.dirname, '../docs/images')
    mkdirSync(images, { recursive: true })
    await showConsole(browser, images)
    for (const [name, screen, colours, wanted] of isConsoleOnly ? [] : curated) {
      await visit(browser, screen, colours, async (page, shown) => {
        const fullPage = wanted === 'security'
        if (shown === wanted) await page.screenshot({ path: join(images, `${name}.png`), fullPage })
      })
    }
  } else {
    mkdirSync(directory, { recursive: true })
    for (const screen of ['desktop', 'phone'] as const)
      for (const colours of ['light', 'dark'] as const)
        await visit(browser, screen, colours, async (page, shown) => {
          const path = join(directory, `${shown}-${screen}-${colours}.png`)
          await page.screenshot({ path, fullPage: true })
        })
  }
} finally {
  await browser.close()
  await campus.stop()
  rmSync(data, { recursive: true, force: true })
}

/** Walks through all pages as a guest, signs in with a cart, works for a while, and walks through them again. */
async function visit(
  browser: Browser,
  screen: Screen,
  colours: Colours,
  show: (page: Page, name: Shown) => Promise<void>,
): Promise<void> {
  const context = await open(browser, campus.origin, screen, colours)
  const page = await context.newPage()
  // The page's own clock, for the warning: until then it runs like any other.
  await page.clock.install()
  const walk = async <Name extends Shown>(pages: Record<Name, string>) => {
    for (const [name, path] of Object.entries<string>(pages)) {
      await page.goto(path)
      await show(page, name as Name)
    }
  }
  await walk(guestPages)
  await page.goto('/shop')
  for (const { title } of [books[4], books[0], books[0]].flatMap(book => book ?? []))
    await Promise.all([
      page.waitForEvent('load'),
      page.getByRole('button', { name: `Add ${title} to the cart` }).click(),
    ])
  await page.goto('/login')
  await page.getByLabel('User name').fill('student123')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  if (app === null) {
    await page.waitForURL('/dashboard')
    await setUpApp(page, show)
  } else {
    await page.waitForURL('/login/second-factor')
    await show(page, 'second-factor')
    await page.getByLabel('Code').fill(codeOf(app))
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.waitForURL('/dashboard')
  }
  await page.goto('/profile')
  await page.getByLabel('About me').fill('I study how websites know that I am still me.\nAsk me about cookies.')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved.').waitFor()
  // Some life in the session: its times are the point of the dashboard.
  for (let step = 0; step < 7; step += 1) {
    passed += 12 * minute
    await page.goto('/')
  }
  const program = {
    headers: { 'user-agent': 'campus-notes/2.1' },
    data: { username: 'student123', password, code: codeOf(app) },
  }
  await page.request.post('/api/token', program)
  await walk(userPages)
  await walk({ reauthenticate: '/security' })
  await page.getByLabel('Your password').fill(password)
  await page.getByLabel('Code').fill(codeOf(app))
  await page.getByRole('button', { name: 'Confirm' }).click()
  await page.getByRole('heading', { name: 'How you sign in' }).waitFor()
  await show(page, 'security')
  await page.goto('/account/email')
  await page.getByLabel('New address').fill('ada@example.org')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('heading', { name: 'Change your' }).waitFor()
  await show(page, 'confirmation')
  await page.goto('/profile')
  passed += 14 * minute
  await page.clock.runFor(14 * minute + 1_000)
  await page.getByRole('alertdialog').waitFor()
  await show(page, 'warning')
  await context.close()
}

/** The console as an administrator sees it after a day with an attack or two. */
async function showConsole(browser: Browser, images: string): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'campus-'))
  const campus = await livelyCampus(home, password)
  process.umask(0o022)
  let app: TOTP | null = null
  try {
    for (const [name, screen, colours, wanted] of ofConsole) {
      const context = await open(browser, campus.origin, screen, colours)
      const page = await context.newPage()
      app = await signInAdministrator(page, campus, app)
      await page.goto('/console/')
      await page.getByLabel('Latest entries').getByRole('listitem').first().waitFor()
      await page.locator('.plot canvas').first().waitFor()
      if (wanted === 'session') {
        const alerts = page.getByRole('region', { name: 'Open alerts' })
        await alerts.getByRole('link', { name: 'All alerts' }).click()
        const replay = page.locator('.alert-card').filter({ hasText: 'Old token used' })
        await replay.getByRole('link', { name: 'session', exact: true }).click()
        await page.getByRole('heading', { name: 'Story' }).waitFor()
      }
      await page.screenshot({ path: join(images, `${name}.png`) })
      await context.close()
    }
  } finally {
    await campus.stop()
    rmSync(home, { recursive: true, force: true })
  }
}

/** Signs the administrator in with both factors; answers with the app, which the first time sets up. */
async function signInAdministrator(page: Page, campus: LivelyCampus, known: TOTP | null): Promise<TOTP> {
  const code = (app: TOTP) => {
    campus.pass(30_000)
    return app.generate({ timestamp: campus.now() })
  }
  await page.goto('/login')
  await page.getByLabel('User name').fill('admin')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  if (known !== null) {
    await page.waitForURL('/login/second-factor')
    await page.getByLabel('Code').fill(code(known))
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.waitForURL('/dashboard')
    return known
  }
  await page.waitForURL('/dashboard')
  await page.goto('/security/app')
  const secret = Secret.fromBase32((await page.locator('code.key').innerText()).replaceAll(/\s/g, ''))
  const app = new TOTP({ secret, algorithm: 'SHA1', digits: 6, period: 30 })
  await page.getByLabel('Code', { exact: true }).fill(code(app))
  await page.getByLabel('What to call it').fill('My phone')
  await page.getByRole('button', { name: 'Add the app' }).click()
  await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor()
  return app
}

/** A browser that nobody has used yet. */
function open(browser: Browser, origin: string, screen: Screen, colours: Colours): Promise<BrowserContext> {
  return browser.newContext({
    baseURL: origin,
    ignoreHTTPSErrors: true,
    viewport: screens[screen],
    isMobile: screen === 'phone',
    colorScheme: colours,
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
  })
}

/** Sets up the student's authenticator app, as somebody who types its key in. */
async function setUpApp(page: Page, show: (page: Page, name: Shown) => Promise<void>): Promise<void> {
  await page.goto('/security/app')
  await show(page, 'new-app')
  const secret = Secret.fromBase32((await page.locator('code.key').innerText()).replaceAll(/\s/g, ''))
  app = new TOTP({ secret, algorithm: 'SHA1', digits: 6, period: 30 })
  await page.getByLabel('Code', { exact: true }).fill(codeOf(app))
  await page.getByLabel('What to call it').fill('My phone')
  await page.getByRole('button', { name: 'Add the app' }).click()
  await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor()
  await show(page, 'recovery-codes')
}

/** A code that was not used yet: each works once. */
function codeOf(app: TOTP | null): string {
  if (app === null) throw new Error('there is no app yet')
  passed += 30_000
  return app.generate({ timestamp: Date.now() + passed })
}
