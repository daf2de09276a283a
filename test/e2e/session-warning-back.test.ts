import assert from 'node:assert/strict'
import { it } from 'node:test'
import { describeInWholeChromium, runScript } from './chromium.ts'
import { openWatchedSite } from './watched-pages.ts'

const site = await openWatchedSite()

describeInWholeChromium('A watched page that the back button leads to', site.origin, open => {
  for (const [when, user, path] of [
    ['while the session lives stays', 'ann', '/module/essay'],
    ['after the end asks at once, and goes', null, '/login'],
  ] as const) {
    it(`ATHN-06: a page that the back button brings back from memory ${when}`, async () => {
      site.signIn('ann')
      site.visits.length = 0
      const page = await open()
      await page.goto('/module/essay')
      await page.getByRole('link', { name: 'Elsewhere' }).click()
      await page.getByRole('heading', { name: '/elsewhere' }).waitFor()
      if (user === null) site.signIn(user)
      const asked = page.waitForResponse('**/api/session')
      await runScript(page, 'setTimeout(() => history.back())')
      await asked
      await page.getByRole('heading', { name: path === '/login' ? path : 'Essay' }).waitFor()
      assert.equal(new URL(page.url()).pathname, path)
      assert.deepEqual(site.visits, ['/module/essay'], 'the page was not asked for again')
    })
  }
})
