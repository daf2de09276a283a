import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Page } from 'playwright-core'
import { books } from '../../app/books.ts'
import { openCampus, password } from '../app/open-campus.ts'
import { describeInChromium } from './chromium.ts'
import { type Forgery, fetchOf, formOf, type Wish } from './forged-requests.ts'
import { addBook, cartOf, runScript, sessionCookie, signIn, tokenOf, whoAmI } from './page.ts'
import { openSite, type Site, underItsName } from './sites.ts'

const campus = await openCampus()
const origin = underItsName(campus.origin)
const stranger = await openSite('stranger', 'https')
const sibling = await openSite('sibling', 'https')

/** `cookieTravels`: whether the browser sends a SameSite=Lax cookie along with a request that is not a visit. */
const attackers: { who: string; site: Site; cookieTravels: boolean }[] = [
  { who: 'another site', site: stranger, cookieTravels: false },
  { who: 'a sibling on the same site, to which SameSite means nothing,', site: sibling, cookieTravels: true },
]

const wish = (path: string, fields: Record<string, string> = {}): Wish => ({ address: origin + path, fields })
const aboutMe = { about_me: 'hacked' }
const ownAccount = { username: 'instructor', password }
const apiWishes = [wish('/api/profile', aboutMe), wish('/api/login', ownAccount), wish('/api/logout')]
const allWishes = [
  wish('/profile', aboutMe),
  wish('/login', ownAccount),
  wish('/shop/cart', { isbn: books[0]?.isbn ?? '', quantity: '3' }),
  wish('/preferences', { theme: 'dark' }),
  ...apiWishes,
  wish('/logout'),
]

/** What the log says of a request that another site's page sent. */
const crossSite = { reason: 'csrf-cross-site' }

/** How a page may send a request to another origin without asking that origin first. */
const ways: { way: string; forge: Forgery; wishes: Wish[] }[] = [
  { way: 'a form', forge: formOf('application/x-www-form-urlencoded'), wishes: allWishes },
  { way: 'a form of text/plain that is JSON', forge: formOf('text/plain'), wishes: apiWishes },
  { way: 'a fetch of form fields', forge: fetchOf('application/x-www-form-urlencoded'), wishes: allWishes },
  { way: 'a fetch of text/plain', forge: fetchOf('text/plain'), wishes: allWishes },
]

describeInChromium('Requests of other sites', origin, open => {
  for (const { who, site, cookieTravels } of attackers) {
    for (const { way, forge, wishes } of ways) {
      it(`T07, WSTG-SESS-05a, ASVS 3.5.1: ${who} achieves nothing by ${way}`, async () => {
        const page = await open()
        await prepareVictim(page)
        const before = await stateOf(page)
        let refused = countRefusals()
        for (const wish of wishes) {
          assert.deepEqual(await forge(page, site, wish), { address: wish.address, withSession: cookieTravels })
          refused += 1
          await campus.logged('request.refused', crossSite, refused)
          assert.equal(countRefusals(), refused, `${wish.address} was refused once`)
        }
        assert.deepEqual(await stateOf(page), before)
      })
    }

    it(`T07, CSRF-9: ${who} cannot sign a guest in, so nobody types secrets into somebody else's account`, async () => {
      const page = await open()
      for (const { forge, way } of ways) {
        for (const path of ['/login', '/api/login']) {
          await forge(page, site, wish(path, ownAccount))
          assert.equal(await sessionCookie(page), undefined, `${way} to ${path}`)
        }
      }
      assert.equal(await whoAmI(page), null)
    })

    it(`T07, ASVS 3.5.2: ${who} cannot send JSON or a token header: the browser asks first, and Campus does not agree`, async () => {
      const page = await open()
      await prepareVictim(page)
      const before = await stateOf(page)
      await page.goto(site.show('/attack', 'hello'))
      for (const [method, headers] of [
        ['POST', { 'content-type': 'application/json' }],
        ['POST', { 'content-type': 'text/plain', 'x-csrf-token': 'x' }],
        ['PUT', {}],
        ['DELETE', {}],
      ] as const) {
        const init = JSON.stringify({ method, headers, credentials: 'include', body: '{"about_me":"hacked"}' })
        await assert.rejects(runScript(page, `await fetch('${origin}/api/profile', ${init})`), /Failed to fetch/)
      }
      assert.deepEqual(await stateOf(page), before)
    })

    it(`ASVS 3.4.2, 3.5.8: ${who} reads nothing and frames nothing`, async () => {
      const page = await open()
      await prepareVictim(page)
      await page.goto(site.show('/attack', `<iframe src="${origin}/dashboard"></iframe>`))
      const [frame] = page.frames().filter(each => each !== page.mainFrame())
      await frame?.waitForLoadState().catch(() => {})
      assert.equal(await frame?.getByText('student123').count(), 0, 'the frame stays empty')
      for (const path of ['/dashboard', '/api/profile', '/api/check_session', '/csrf-token']) {
        for (const mode of ['cors', 'no-cors']) {
          const script = `const answer = await fetch('${origin}${path}', { credentials: 'include', mode: '${mode}' }); return await answer.text()`
          const text = await runScript(page, script).catch(() => '')
          assert.equal(text, '', `${path} ${mode}`)
        }
        const script = `return new Promise(done => {
          const script = document.createElement('script')
          script.onload = () => done('ran'); script.onerror = () => done('blocked')
          script.src = '${origin}${path}'; document.head.append(script)
        })`
        assert.equal(await runScript(page, script), 'blocked', `${path} as a script`)
      }
    })

    it(`C11: a link on ${who} to the dashboard finds the user still signed in`, async () => {
      const page = await open()
      await signIn(page)
      await page.goto(site.show('/links', `<a href="${origin}/dashboard">to the campus</a>`))
      await page.getByRole('link').click()
      await page.waitForURL(`${origin}/dashboard`)
      assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'Hello, student123')
    })
  }

  it('T07: the same wishes come true by the forms of Campus itself', async () => {
    const page = await open()
    await signIn(page)
    await addBook(page, 'Grace Period', 1)
    assert.deepEqual(await cartOf(page), { 'Grace Period': 1 })
    await page.goto('/profile')
    await page.getByLabel('About me').fill('Not hacked.')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved.').waitFor()
    assert.equal((await stateOf(page)).aboutMe, 'Not hacked.')
  })
})

/** Somebody with something to lose: signed in, a full cart, a text about themselves. */
async function prepareVictim(page: Page): Promise<void> {
  await addBook(page, 'Grace Period', 2)
  await signIn(page)
}

/** Everything that a forged request could change. */
async function stateOf(page: Page) {
  const token = await tokenOf(page)
  const cart = await cartOf(page)
  const theme = await page.locator('html').getAttribute('data-theme')
  await page.goto('/profile')
  const aboutMe = await page.getByLabel('About me').inputValue()
  const user = await page.getByRole('heading', { level: 1 }).innerText()
  return { user, aboutMe, cart, theme, token }
}

function countRefusals(): number {
  return campus.linesOf('request.refused').filter(({ detail }) => detail?.reason === crossSite.reason).length
}
