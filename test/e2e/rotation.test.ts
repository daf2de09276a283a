import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Page } from 'playwright-core'
import { openCampus } from '../app/open-campus.ts'
import { describeInChromium } from './chromium.ts'
import { cookieName, runScript, signIn, tokenOf, whoAmI } from './page.ts'
import { underItsName } from './sites.ts'

const second = 1_000
const minute = 60 * second
const campus = await openCampus('--rotate-every', '10m', '--grace', '30s')

describeInChromium('Rotation of the token, in the browser', underItsName(campus.origin), open => {
  it('T01, CK-13, CS-S5: many requests at once all succeed while the token changes under them', async () => {
    const page = await open({ bypassCSP: true })
    await signIn(page)
    for (const _ of ['once', 'again']) {
      const token = await tokenOf(page)
      campus.pass(10 * minute)
      const script = `const answers = await Promise.all(Array.from({ length: 30 }, () => fetch('/api/profile')))
        return answers.map(answer => answer.status)`
      assert.deepEqual(await runScript(page, script), Array(30).fill(200))
      assert.notEqual(await tokenOf(page), token)
      // Until the new token was seen once, it is not replaced by the next.
      assert.equal(await whoAmI(page), 'student123')
    }
  })

  it('T01, CK-13: six tabs that go on at the same moment all stay signed in', async () => {
    const first = await open()
    await signIn(first)
    const tabs = [first, ...(await Promise.all(Array.from({ length: 5 }, () => first.context().newPage())))]
    const paths = ['/dashboard', '/profile', '/shop', '/', '/logout', '/inspect_headers']
    const goOn = () => Promise.all(tabs.map((tab, index) => tab.goto(paths[index] ?? '/')))
    const token = await tokenOf(first)
    campus.pass(10 * minute)
    await goOn()
    const successor = await tokenOf(first)
    assert.notEqual(successor, token)
    for (const tab of tabs) await showsUser(tab)
    campus.pass(31 * second)
    await goOn()
    for (const tab of tabs) await showsUser(tab)
    assert.equal(await tokenOf(first), successor, 'one rotation, not several')
  })

  it('CSRF-7: a form that was opened before the rotation can still be sent after it', async () => {
    const page = await open()
    await signIn(page)
    await page.goto('/profile')
    await page.getByLabel('About me').fill('I write slowly.')
    const token = await tokenOf(page)
    campus.pass(10 * minute)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved.').waitFor()
    assert.notEqual(await tokenOf(page), token)
  })

  it('T01: a stolen token that comes back after the rotation ends the session, for the thief and in the browser', async () => {
    const page = await open()
    await signIn(page)
    const thief = campus.visitor()
    thief.cookies.set(cookieName, await tokenOf(page))
    assert.equal((await thief.get('/api/profile')).status, 200, 'until then, the thief is in')

    campus.pass(10 * minute)
    await page.goto('/dashboard')
    await page.goto('/profile')
    campus.pass(61 * second)
    await page.goto('/shop')
    await showsUser(page)

    const stolen = thief.cookies.get(cookieName)
    assert.equal((await thief.get('/api/profile')).status, 401)
    await campus.logged('token.replayed')
    // Written after it: whatever was to be said of the replay is there.
    await campus.logged('detector.hit', { detector: 'token-replay' })
    assert.deepEqual(
      campus.linesOf('token.replayed').map(({ severity, userId }) => [severity, userId]),
      [['alert', 'student123']],
    )
    assert.ok(!campus.log.some(line => stolen !== undefined && line.includes(stolen)))

    await page.getByRole('link', { name: 'Profile' }).click()
    await page.waitForURL('/login?returnTo=%2Fprofile')
    assert.equal(await whoAmI(page), null)
  })
})

async function showsUser(page: Page): Promise<void> {
  assert.equal(await page.getByRole('banner').getByText('student123').count(), 1, page.url())
}
