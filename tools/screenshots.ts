/**
 * Makes the pictures of Campus: `node --conditions=latchkey-source tools/screenshots.ts` writes those of the README into
 * docs/images/. With a directory (`… tools/screenshots.ts /tmp/shots`) every page goes there instead, on a desktop's and
 * a phone's screen, light and dark, for somebody to look at.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { books } from '../app/books.ts'
import { readOptions } from '../app/options.ts'
import { startCampus } from '../app/start.ts'
import { chromiumPath } from './provision.ts'

const password = 'correct horse'
const minute = 60_000

const screens = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } }
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
  'no-such-page': '/no-such-page',
}

/** The README's: few, small, and what a visitor sees first. */
const curated: [
  name: string,
  screen: Screen,
  colours: Colours,
  page: keyof typeof guestPages | keyof typeof userPages,
][] = [
  ['home', 'desktop', 'light', 'home'],
  ['dashboard', 'desktop', 'light', 'dashboard'],
  ['dashboard-dark', 'desktop', 'dark', 'dashboard'],
  ['shop', 'desktop', 'light', 'shop-with-cart'],
  ['dashboard-phone', 'phone', 'light', 'dashboard'],
]

const directory = process.argv[2] ?? null
const data = mkdtempSync(join(tmpdir(), 'campus-'))
const options = readOptions(['--data', data, '--port', '0', '--demo-password', password], {})
if (options === 'help') throw new Error('no help is needed here')
let passed = 0
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
    for (const [name, screen, colours, wanted] of curated) {
      await visit(browser, screen, colours, async (page, shown) => {
        if (shown === wanted) await page.screenshot({ path: join(images, `${name}.png`) })
      })
    }
  } else {
    mkdirSync(directory, { recursive: true })
    for (const screen of Object.keys(screens) as Screen[])
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
  show: (page: Page, name: keyof typeof guestPages | keyof typeof userPages) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({
    baseURL: campus.origin,
    ignoreHTTPSErrors: true,
    viewport: screens[screen],
    isMobile: screen === 'phone',
    colorScheme: colours,
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
  })
  const page = await context.newPage()
  const walk = async <Name extends keyof typeof guestPages | keyof typeof userPages>(pages: Record<Name, string>) => {
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
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL('/dashboard')
  await page.goto('/profile')
  await page.getByLabel('About me').fill('I study how websites know that I am still me.\nAsk me about cookies.')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved.').waitFor()
  // Some life in the session: its times are the point of the dashboard.
  for (let step = 0; step < 7; step += 1) {
    passed += 12 * minute
    await page.goto('/')
  }
  const program = { headers: { 'user-agent': 'campus-notes/2.1' }, data: { username: 'student123', password } }
  await page.request.post('/api/token', program)
  await walk(userPages)
  await context.close()
}
