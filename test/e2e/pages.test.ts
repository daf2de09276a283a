import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Page } from 'playwright-core'
import { books } from '../../app/books.ts'
import { openCampus, password } from '../app/open-campus.ts'
import { describeInChromium } from './chromium.ts'
import {
  addBook,
  cartOf,
  chooseTheme,
  readJson,
  runScript,
  sessionCookie,
  signIn,
  signOut,
  tokenOf,
  whoAmI,
} from './page.ts'
import { underItsName } from './sites.ts'

const campus = await openCampus()
const origin = underItsName(campus.origin)

const guestPages = ['/', '/login', '/logout', '/shop', '/inspect_headers']
const userPages = [...guestPages, '/dashboard', '/profile']
const forPrograms = ['/api/check_session', '/api/profile', '/csrf-token', '/healthz']

describeInChromium('The pages of Campus', origin, open => {
  for (const [who, prepare, addresses] of [
    ['a guest', async (_: Page) => {}, guestPages],
    ['a user', signIn, [...userPages, ...forPrograms]],
  ] as const) {
    it(`ASVS 3.4: load for ${who} without a complaint of the browser, and load nothing from elsewhere`, async () => {
      const page = await open()
      const complaints = collectComplaints(page)
      await prepare(page)
      for (const path of addresses) {
        const answer = await page.goto(path)
        assert.equal(answer?.status(), 200, path)
        const titles = await page.getByRole('heading', { level: 1 }).count()
        assert.equal(titles, forPrograms.includes(path) ? 0 : 1, path)
      }
      assert.deepEqual(complaints, [])
    })
  }

  it('ASVS 7.4.4, NIST 5.1-l: show a signed-in user a way out, on every page and on the pages of errors too', async () => {
    const page = await open()
    await signIn(page)
    for (const path of [...userPages, '/no-such-page']) {
      await page.goto(path)
      await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).click({ trial: true })
      assert.equal(await page.getByRole('banner').getByText('student123').isVisible(), true, path)
    }
    await page.goto('/')
    await signOut(page)
    for (const path of guestPages) {
      await page.goto(path)
      assert.equal(await page.getByRole('button', { name: 'Sign out' }).count(), 0, path)
    }
  })

  it('let somebody sign in and out with nothing but the keyboard, and show where they are', async () => {
    const page = await open()
    await page.goto('/')
    const { keyboard } = page
    await keyboard.press('Tab')
    assert.equal(await focused(page), 'Skip to content')
    await tabTo(page, 'Sign in')
    await keyboard.press('Enter')
    await page.waitForURL('/login')
    // The form takes the focus by itself.
    await page.locator('#username:focus').waitFor()
    await keyboard.type('student123')
    await keyboard.press('Tab')
    await keyboard.type(password)
    await keyboard.press('Enter')
    await page.waitForURL('/dashboard')
    await tabTo(page, 'Sign out')
    await keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Logged out.' }).waitFor()
  })

  it('follow the chosen colours on every page, and the device where it may choose', async () => {
    const page = await open({ colorScheme: 'light' })
    await page.goto('/shop')
    assert.equal(await isDark(page), false)
    await chooseTheme(page, 'Dark')
    assert.equal(new URL(page.url()).pathname, '/shop', 'and the visitor stays where they were')
    await signIn(page)
    for (const path of userPages) {
      await page.goto(path)
      assert.equal(await isDark(page), true, path)
    }
    await chooseTheme(page, 'Light')
    await page.emulateMedia({ colorScheme: 'dark' })
    assert.equal(await isDark(page), false)
    await chooseTheme(page, 'Like my device')
    assert.equal(await isDark(page), true)
    await page.emulateMedia({ colorScheme: 'light' })
    assert.equal(await isDark(page), false)
  })

  it('ASVS 3.7.5: work as a whole without JavaScript', async () => {
    const page = await open({ javaScriptEnabled: false })
    await addBook(page, 'Grace Period', 2)
    const oneMore = page.getByRole('button', { name: 'One more: Grace Period' })
    await Promise.all([page.waitForEvent('load'), oneMore.click()])
    await page.getByRole('banner').getByRole('link', { name: 'Sign in' }).click()
    await page.waitForURL('/login')
    await signIn(page)
    await page.goto('/profile')
    await page.getByLabel('About me').fill('No scripts, please.')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved.').waitFor()
    await chooseTheme(page, 'Dark')
    assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark')
    assert.deepEqual(await cartOf(page), { 'Grace Period': 3 })
    await signOut(page)
    await page.goto('/dashboard')
    assert.equal(new URL(page.url()).pathname, '/login')
  })

  // 320 pixels are what WCAG 2.2 (1.4.10 Reflow) asks for.
  for (const width of [390, 320]) {
    it(`fit a screen ${width} pixels wide without scrolling sideways`, async () => {
      const page = await open({ viewport: { width, height: 844 }, isMobile: true, hasTouch: true })
      const overflowing: string[] = []
      const look = async (path: string) => {
        await page.goto(path)
        const [inside, screen] = (await runScript(
          page,
          'return [document.documentElement.scrollWidth, innerWidth]',
        )) as [number, number]
        if (inside > width || screen > width) overflowing.push(`${path}: ${inside}`)
      }
      for (const path of guestPages) await look(path)
      await addBook(page, 'Letters to a Young Token', 20)
      await signIn(page, 'instructor')
      await page.goto('/profile')
      await page.getByLabel('About me').fill(`${'Donaudampfschifffahrtsgesellschaft'.repeat(6)}\n`.repeat(3))
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Saved.').waitFor()
      for (const path of [...userPages, '/no-such-page']) await look(path)
      assert.deepEqual(overflowing, [])
    })
  }

  for (const [screen, viewport] of [
    ['a phone', { width: 390, height: 844 }],
    ['a desktop', { width: 1280, height: 800 }],
  ] as const) {
    it(`show the cart to whoever has just changed it, on ${screen}`, async () => {
      const page = await open({ viewport, isMobile: screen === 'a phone' })
      const last = books.at(-1)?.title ?? ''
      await addBook(page, last, 2)
      await page.getByRole('complementary').getByText(last).waitFor()
      assert.equal(await shownWhole(page, '#cart'), true)
      assert.equal(await shownWhole(page, 'header'), screen === 'a desktop', 'where the cart is beside the shelf')
      const less = page.getByRole('button', { name: `One less: ${last}` })
      await Promise.all([page.waitForEvent('load'), less.click()])
      assert.equal(await shownWhole(page, '#cart'), true)
    })
  }

  it('say once that a profile was saved, not at every reload', async () => {
    const page = await open()
    await signIn(page)
    await page.goto('/profile')
    await page.getByLabel('About me').fill('I study.')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved.').waitFor()
    assert.equal(page.url(), `${origin}/profile`)
    await page.reload()
    assert.equal(await page.getByLabel('About me').inputValue(), 'I study.')
    assert.equal(await page.getByText('Saved.').count(), 0)
  })

  it('CSRF-6, ASVS 3.5.3, CSD-4: looking at any address changes nothing, whatever is asked for in it', async () => {
    const page = await open()
    await signIn(page)
    await addBook(page, 'Grace Period', 2)
    const before = await stateOf(page)
    const isbn = books[0]?.isbn ?? ''
    for (const path of [
      '/logout?confirm=yes&csrf_token=x',
      '/logout?_method=POST',
      '/api/logout',
      `/shop/cart?isbn=${isbn}&quantity=3`,
      `/shop/cart/remove?isbn=${books[4]?.isbn}&quantity=2`,
      '/preferences?theme=dark',
      '/profile?about_me=hacked&saved=yes',
      '/api/profile?about_me=hacked',
      `/login?username=instructor&password=${encodeURIComponent(password)}`,
      `/api/login?username=instructor&password=${encodeURIComponent(password)}`,
      '/inspect_headers',
      '/dashboard',
      '/csrf-token',
      '/api/check_session',
    ]) {
      const answer = await page.goto(path)
      const { 'set-cookie': cookies = '' } = (await answer?.allHeaders()) ?? {}
      assert.doesNotMatch(cookies, /sid=/, path)
    }
    assert.deepEqual(await stateOf(page), before)
  })

  it('NIST 5.2-b: the icon that a browser asks for by itself beside JSON is no activity of the user', async () => {
    const page = await open()
    await signIn(page)
    const secondsLeft = async () => {
      const answer = await readJson(page, '/api/check_session')
      assert.ok('expires_in' in answer)
      return Number(answer.expires_in)
    }
    const before = await secondsLeft()
    campus.pass(5 * 60_000)
    await page.goto('/favicon.ico')
    assert.ok((await secondsLeft()) <= before - 300)
  })

  it('CC-2: looking around as a guest sets no cookie', async () => {
    const page = await open()
    for (const path of ['/', '/login', '/shop', '/logout', '/dashboard', '/csrf-token', '/healthz', '/no-such-page'])
      await page.goto(path)
    assert.equal(await sessionCookie(page), undefined)
  })
})

/** Everything that a page might complain about in the browser's console, and every request that goes wrong or elsewhere. */
function collectComplaints(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', message => complaints.push(`${page.url()}: ${message.type()}: ${message.text()}`))
  page.on('pageerror', error => complaints.push(`${page.url()}: ${error.message}`))
  page.on('requestfailed', request => {
    // What was still loading when the page was left.
    const { errorText = '' } = request.failure() ?? {}
    if (errorText !== 'net::ERR_ABORTED') complaints.push(`${request.url()}: ${errorText}`)
  })
  page.on('response', response => {
    if (response.status() >= 400) complaints.push(`${response.url()}: ${response.status()}`)
  })
  page.on('request', request => {
    if (new URL(request.url()).origin !== origin) complaints.push(`${page.url()} loads ${request.url()}`)
  })
  return complaints
}

/** What a GET must leave alone. */
async function stateOf(page: Page) {
  const user = await whoAmI(page)
  const token = await tokenOf(page)
  const cart = await cartOf(page)
  const theme = await page.locator('html').getAttribute('data-theme')
  await page.goto('/profile')
  return { user, token, cart, theme, aboutMe: await page.getByLabel('About me').inputValue() }
}

/** The text of what has the keyboard's focus, which must be drawn around. */
async function focused(page: Page): Promise<string> {
  const script = `const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement)
    return [document.activeElement.textContent.trim(), outlineStyle !== 'none' && outlineWidth !== '0px']`
  const [text, outlined] = (await runScript(page, script)) as [string, boolean]
  assert.ok(outlined, `"${text}" shows its focus`)
  return text
}

async function tabTo(page: Page, text: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab')
    if ((await focused(page)) === text) return
  }
  assert.fail(`the keyboard does not get to "${text}"`)
}

/** Whether all of an element is on the screen, without scrolling. */
async function shownWhole(page: Page, selector: string): Promise<boolean> {
  const script = `const { top, bottom } = document.querySelector('${selector}').getBoundingClientRect()
    return top >= 0 && bottom <= innerHeight`
  return (await runScript(page, script)) === true
}

/** Whether the page is light on dark, as it is painted. */
async function isDark(page: Page): Promise<boolean> {
  const script = `const paint = document.createElement('canvas').getContext('2d')
    paint.fillStyle = getComputedStyle(document.body).backgroundColor
    paint.fillRect(0, 0, 1, 1)
    return [...paint.getImageData(0, 0, 1, 1).data]`
  const [red = 0, green = 0, blue = 0] = (await runScript(page, script)) as number[]
  return red + green + blue < 384
}
