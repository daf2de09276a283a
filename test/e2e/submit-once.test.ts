import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import type { Page } from 'playwright-core'
import { openCampus, password } from '../app/open-campus.ts'
import { describeInChromium, devtools } from './chromium.ts'
import { runScript, signIn, signOut, whoAmI } from './page.ts'

const campus = await openCampus()

/** Each answer takes at least so long, as over a telephone. */
async function slowDown(page: Page, latency = 300): Promise<void> {
  const line = await devtools(page)
  await line.send('Network.enable')
  const conditions = { offline: false, latency, downloadThroughput: -1, uploadThroughput: -1 }
  await line.send('Network.emulateNetworkConditions', conditions)
}

/** Does something that sends a form twice, and resolves to what was sent when the next page is there. */
async function sentBy(page: Page, twice: () => Promise<void>): Promise<string[]> {
  const posts: string[] = []
  const note = (request: { method(): string; url(): string }) => {
    if (request.method() === 'POST') posts.push(new URL(request.url()).pathname)
  }
  page.on('request', note)
  await Promise.all([page.waitForEvent('load'), twice()])
  page.off('request', note)
  return posts
}

async function doubleClick(page: Page, name: string): Promise<void> {
  const button = page.getByRole('main').getByRole('button', { name, exact: true })
  await button.scrollIntoViewIfNeeded()
  const box = (await button.boundingBox()) ?? assert.fail(`no button ${name}`)
  await page.mouse.dblclick(box.x + box.width / 2, box.y + box.height / 2, { delay: 40 })
}

/** Presses Enter twice, in the field that has the focus. */
async function doubleEnter(page: Page): Promise<void> {
  await page.keyboard.press('Enter', { delay: 60 })
  await page.keyboard.press('Enter', { delay: 60 })
}

describeInChromium('A double click, over a slow network', campus.origin, open => {
  for (const [how, twice] of [
    ['a double click', (page: Page) => doubleClick(page, 'Confirm')],
    ['Enter twice', doubleEnter],
  ] as const) {
    it(`${how} confirms once who somebody is, and signs nobody out`, async () => {
      const page = await open()
      await signIn(page)
      await page.goto('/reauthenticate?returnTo=/profile')
      await page.getByLabel('Your password').fill(password)
      await slowDown(page)
      assert.deepEqual(await sentBy(page, () => twice(page)), ['/reauthenticate'])
      assert.equal(new URL(page.url()).pathname, '/profile')
      assert.equal(await whoAmI(page), 'student123')
    })
  }

  it('carries out a confirmed action once', async () => {
    const page = await open()
    await signIn(page, 'admin')
    await page.goto('/account/email')
    await page.getByLabel('New address').fill('new@example.org')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByLabel('Your password').fill(password)
    await slowDown(page)
    const posts = await sentBy(page, () => doubleClick(page, 'Confirm the new address'))
    assert.deepEqual(posts, ['/account/email/confirm'])
    await page.getByText('Your new address is in use').waitFor()
    assert.equal(await whoAmI(page), 'admin')
  })

  it('completes a sign-in once', async () => {
    const page = await open()
    await signIn(page, 'instructor')
    await page.goto('/security/app')
    const secret = (await page.locator('code.key').innerText()).replaceAll(/\s/g, '')
    const totp = new TOTP({ secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: 30 })
    const code = () => totp.generate({ timestamp: campus.now() })
    await page.getByLabel('Code', { exact: true }).fill(code())
    await page.getByRole('button', { name: 'Add the app' }).click()
    await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor()
    campus.pass(30_000)
    await signOut(page)
    await signIn(page, 'instructor')
    await page.getByLabel('Code').fill(code())
    await slowDown(page)
    assert.deepEqual(await sentBy(page, () => doubleClick(page, 'Sign in')), ['/login/second-factor'])
    assert.equal(new URL(page.url()).pathname, '/dashboard')
    assert.equal(await whoAmI(page), 'instructor')
  })

  it('asks for no second passkey while the answer to the first one is under way', async () => {
    const page = await open()
    const line = await devtools(page)
    await line.send('WebAuthn.enable', { enableUI: false })
    await line.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        ...{ protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', automaticPresenceSimulation: true },
        ...{ hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
      },
    })
    await signIn(page)
    await page.goto('/security')
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor()
    await page.goto('/reauthenticate?returnTo=/profile')
    await slowDown(page)
    // Pressed again as soon as the form is under way.
    const again = "setTimeout(() => document.querySelector('.passkey button').click(), 50)"
    await runScript(page, `addEventListener('submit', () => { ${again} })`)
    const posts = await sentBy(page, () => page.getByRole('button', { name: 'Use a passkey' }).click())
    assert.deepEqual(posts, ['/api/passkey/proof', '/reauthenticate'])
    assert.equal(new URL(page.url()).pathname, '/profile')
    assert.equal(await whoAmI(page), 'student123')
  })

  it('lets a form go again that a script held back, or whose page came back from memory', async () => {
    const page = await open()
    await page.goto('/shop')
    const clicks = await runScript(
      page,
      `const form = document.querySelector('form.buy'), button = form.querySelector('button'), went = []
      const holdBack = event => event.preventDefault()
      form.addEventListener('submit', holdBack)
      button.click()
      form.removeEventListener('submit', holdBack)
      // Behind the script, so that the page stays.
      addEventListener('submit', event => { went.push(!event.defaultPrevented); event.preventDefault() })
      const press = () => { button.click(); return button.getAttribute('aria-disabled') }
      const looks = [press(), press()]
      dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
      looks.push(button.getAttribute('aria-disabled'), press())
      return { went, looks }`,
    )
    assert.deepEqual(clicks, { went: [true, false, true], looks: ['true', 'true', null, 'true'] })
  })
})
