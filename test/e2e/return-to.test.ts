import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openCampus } from '../app/open-campus.ts'
import { describeInChromium } from './chromium.ts'
import { chooseTheme, runScript, signIn } from './page.ts'
import { openSite, underItsName } from './sites.ts'

const campus = await openCampus()
const origin = underItsName(campus.origin)
const stranger = await openSite('stranger', 'https')
const evil = new URL(stranger.origin).host

/** Addresses that look like a path of Campus to one reader or another, and lead away to some browser, proxy or framework. */
const waysOut = [
  `//${evil}`,
  `///${evil}`,
  `/\\${evil}`,
  `\\\\${evil}`,
  `/\t/${evil}`,
  `/\n/${evil}`,
  ` //${evil}`,
  `/%2f${evil}`,
  `/%5c${evil}`,
  `/%09/${evil}`,
  `%2f%2f${evil}`,
  `/.//${evil}`,
  `/..//${evil}`,
  `/%2e%2e//${evil}`,
  `/login/..//${evil}`,
  `https://${evil}`,
  `https:${evil}`,
  `https:/\\${evil}`,
  `https://${new URL(origin).host}@${evil}`,
  `.${evil}`,
  `@${evil}`,
  `javascript:location='https://${evil}'`,
  `data:text/html,<script>location='https://${evil}'</script>`,
]

describeInChromium('Where the sign-in leads, in the browser', origin, open => {
  it('T25: the other site is there, to be led to', async () => {
    const page = await open()
    await page.goto('/')
    await runScript(page, `location.href = '//${evil}/seen'`)
    await page.waitForURL(`${stranger.origin}/seen`)
    assert.deepEqual(stranger.visits.filter(path => path === '/seen').length, 1)
  })

  it('T25, ASVS 3.7.2: it leads to no other site, however the address is spelled', async () => {
    const page = await open()
    const visits = stranger.visits.length
    const target = page.getByRole('main').locator('input[name=returnTo]')
    for (const [index, way] of waysOut.entries()) {
      // Unescaped, the browser has ideas of its own about what it sends.
      await page.goto(`/login?returnTo=${way.replace(/[\t\n]/g, '')}`)
      assert.equal(await target.count(), 0, way)
      await page.goto(`/login?returnTo=${encodeURIComponent(way)}`)
      assert.equal(await target.count(), 0, way)
      // What the form does not carry cannot be followed: a few sign-ins show that for all.
      if (index % 5 > 0) continue
      await signIn(page)
      assert.equal(page.url(), `${origin}/dashboard`, way)
    }
    assert.equal(stranger.visits.length, visits)
  })

  it('T25: nor does the choice of colours, made on a page with such an address', async () => {
    const page = await open()
    const visits = stranger.visits.length
    for (const address of [`/login?returnTo=//${evil}`, `//${evil}/`, `/\\${evil}/`, `/?//${evil}`]) {
      await page.goto(origin + address)
      await chooseTheme(page, 'Dark')
      assert.equal(new URL(page.url()).origin, origin, address)
    }
    assert.equal(stranger.visits.length, visits)
  })

  it('it leads back to where the visitor wanted to go', async () => {
    const page = await open()
    await page.goto('/profile?from=mail')
    assert.equal(page.url(), `${origin}/login?returnTo=%2Fprofile%3Ffrom%3Dmail`)
    await signIn(page)
    assert.equal(page.url(), `${origin}/profile?from=mail`)
  })
})
