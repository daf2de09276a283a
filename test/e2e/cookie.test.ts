import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Page } from 'playwright-core'
import { openCampus } from '../app/open-campus.ts'
import { addresses } from './addresses.ts'
import { describeInChromium, devtools } from './chromium.ts'
import { addBook, cookieName, runScript, sessionCookie, signIn, tokenOf, whoAmI } from './page.ts'
import { openSite, underItsName } from './sites.ts'

/** What knows the device again, and opens nothing. */
const deviceCookieName = '__Host-Http-device'

const campus = await openCampus()
const origin = underItsName(campus.origin)
const host = new URL(origin).hostname

describeInChromium('The session cookie in the browser', origin, open => {
  it('T03, NIST 5.1.1, CK-8: signed in, it has the strongest name and flags, and is forgotten when the browser closes', async () => {
    const page = await open()
    await signIn(page)
    assert.deepEqual(await cookieInDevtools(page), {
      name: '__Host-Http-sid',
      secure: true,
      httpOnly: true,
      sameSite: 'Lax',
      path: '/',
      // Without a leading dot: this host only, no sibling and no child.
      domain: host,
      session: true,
      expires: -1,
      sourceScheme: 'Secure',
    })
  })

  it("T03: a guest's cookie has the same name and flags", async () => {
    const guest = await open()
    await addBook(guest, 'Grace Period', 1)
    const user = await open()
    await signIn(user)
    assert.deepEqual(await cookieInDevtools(guest), await cookieInDevtools(user))
  })

  it('WSTG-SESS-01d, NIST 5.1-h: with "keep me signed in" it has an end, within the thirty days that the session has', async () => {
    const page = await open()
    await signIn(page, 'student123', { remember: true })
    const cookie = await cookieInDevtools(page)
    assert.equal(cookie.session, false)
    const daysLeft = (cookie.expires * 1_000 - Date.now()) / 86_400_000
    assert.ok(daysLeft > 1 && daysLeft <= 30, `${daysLeft} days`)
    assert.deepEqual([cookie.secure, cookie.httpOnly, cookie.sameSite, cookie.domain], [true, true, 'Lax', host])
  })

  it('WSTG-SESS-02: the only other cookie is set by signing in, knows the device and opens nothing, and the page that shows headers sets a harmless one', async () => {
    const page = await open()
    await signIn(page)
    assert.deepEqual((await cookieNames(page)).sort(), [deviceCookieName, cookieName])
    await page.goto('/inspect_headers')
    const cookies = await page.context().cookies()
    assert.deepEqual(cookies.map(({ name }) => name).sort(), [deviceCookieName, cookieName, 'inspect_demo'])
    for (const { name, secure, httpOnly, sameSite } of cookies)
      assert.deepEqual([name, secure, httpOnly, sameSite], [name, true, true, 'Lax'])
    await page.context().clearCookies({ name: cookieName })
    assert.equal(await whoAmI(page), null)
  })

  it('ASVS 3.3.4: the token is in no page, no address and no storage that a script could read', async () => {
    const page = await open({ bypassCSP: true })
    await signIn(page)
    const token = await tokenOf(page)
    const { guest, user, between, forms, programs, tokens } = addresses
    for (const path of [...guest, ...user, ...between, ...forms, ...programs, ...tokens]) {
      await page.goto(path)
      assert.ok(!(await page.content()).includes(token), path)
      const reach = await runScript(
        page,
        'return JSON.stringify([location.href, document.cookie, await cookieStore.getAll(), {...localStorage}, {...sessionStorage}, window.name])',
      )
      assert.ok(!String(reach).includes(token), path)
      assert.ok(!String(reach).includes(cookieName), path)
    }
  })

  // The policy of the pages forbids scripts; here somebody got one in all the same.
  it('ASVS 3.3.4: a script in the page cannot read it', async () => {
    const page = await open({ bypassCSP: true })
    await signIn(page)
    await runScript(page, "document.cookie = 'harmless=1; Secure; Path=/'")
    const [text, list] = (await runScript(
      page,
      'return [document.cookie, (await cookieStore.getAll()).map(({ name }) => name)]',
    )) as [string, string[]]
    assert.deepEqual([text, list], ['harmless=1', ['harmless']])
    assert.equal((await sessionCookie(page))?.name, cookieName, 'it is there')
  })

  for (const [who, prepare] of [
    ['a user', (page: Page) => signIn(page)],
    ['a guest without a cookie', (page: Page) => page.goto('/')],
  ] as const) {
    it(`CK-8: a script in the page of ${who} cannot plant, change or remove one`, async () => {
      const page = await open({ bypassCSP: true })
      await prepare(page)
      await tryScript(page, "document.cookie = 'harmless=1; Secure; Path=/'")
      const before = await page.context().cookies()
      assert.ok(
        before.some(({ name }) => name === 'harmless'),
        'scripts can set cookies',
      )
      const identity = await whoAmI(page)
      for (const [way, script] of overwritingScripts()) {
        await tryScript(page, script)
        assert.deepEqual(await page.context().cookies(), before, way)
      }
      assert.equal(await whoAmI(page), identity)
    })
  }

  // A browser keeps less than two hundred cookies of a site and throws out the oldest. It cannot be helped that this
  // signs the user out, but the place stays empty: without the prefix, the thief's own cookie would now sit there.
  it('CK-4, CK-8: a script that floods the jar until the session cookie is thrown out cannot put another in its place', async () => {
    const page = await open({ bypassCSP: true })
    await signIn(page)
    await tryScript(page, "for (let n = 0; n < 300; n += 1) document.cookie = 'flood' + n + '=1; Secure; Path=/'")
    assert.equal(await sessionCookie(page), undefined, 'it was thrown out')
    for (const [, script] of overwritingScripts()) await tryScript(page, script)
    assert.equal(await sessionCookie(page), undefined)
    assert.equal(await whoAmI(page), null)
  })

  for (const [who, scheme] of [
    ['sibling', 'http'],
    ['sibling', 'https'],
    ['campus', 'http'],
  ] as const) {
    const name = {
      'sibling http': 'CK-8: a sibling without TLS',
      'sibling https': 'CK-8: a sibling with TLS',
      'campus http': "CK-8, WSTG-SESS-09: somebody on the network who answers plain HTTP in Campus's name",
    }[`${who} ${scheme}` as 'sibling http' | 'sibling https' | 'campus http']

    it(`${name} cannot plant one`, async () => {
      const site = await openSite(who, scheme)
      const page = await open()
      const attack = site.show('/', 'hello', { 'set-cookie': plantedByHeader() })
      await page.goto(attack)
      await page.goto('/')
      const planted = await cookieNames(page, origin)
      assert.ok(planted.includes('harmless'), 'cookies of that site do reach Campus')
      assert.deepEqual(
        planted.filter(each => /sid/i.test(each)),
        [],
      )

      await signIn(page)
      const token = await tokenOf(page)
      // Campus says HSTS, so that Chromium may come back with TLS, and find nobody. All the better.
      await page.goto(`${attack}?again`).catch(() => {})
      assert.equal(await tokenOf(page), token)
      await page.goto('/dashboard')
      assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'Hello, student123')
    })
  }
})

/** The session cookie as the devtools protocol shows it, without what differs each time. */
async function cookieInDevtools(page: Page) {
  const { cookies } = await (await devtools(page)).send('Network.getCookies')
  const found = cookies.filter(cookie => cookie.name.includes('sid'))
  assert.equal(found.length, 1)
  const { name, secure, httpOnly, sameSite, path, domain, session, expires, sourceScheme } = found[0] ?? assert.fail()
  return { name, secure, httpOnly, sameSite, path, domain, session, expires, sourceScheme }
}

async function cookieNames(page: Page, url?: string): Promise<string[]> {
  return (await page.context().cookies(url)).map(({ name }) => name).sort()
}

/**
 * Runs a script that sets cookies. What it is told about that is the browser's affair. Chromium writes them behind the
 * script's back; reading them waits until all are written.
 */
async function tryScript(page: Page, script: string): Promise<void> {
  await runScript(page, `try { ${script} } catch {} return document.cookie`)
}

/** Ways in which a script may try to set the session cookie. */
function overwritingScripts(): [way: string, script: string][] {
  return [
    ['by its name', `document.cookie = '${cookieName}=evil; Secure; Path=/'`],
    ['without flags', `document.cookie = '${cookieName}=evil'`],
    ['in another case', `document.cookie = '${cookieName.toLowerCase()}=evil; Secure; Path=/'`],
    ['with a space in front', `document.cookie = ' ${cookieName}=evil; Secure; Path=/'`],
    ['without a name', `document.cookie = '=${cookieName}=evil; Secure; Path=/'`],
    ['for a longer path', `document.cookie = '${cookieName}=evil; Secure; Path=/dashboard'`],
    ['already over', `document.cookie = '${cookieName}=; Secure; Path=/; Max-Age=0'`],
    ['through the cookie store', `await cookieStore.set('${cookieName}', 'evil')`],
    ['by deleting it from the cookie store', `await cookieStore.delete('${cookieName}')`],
  ]
}

/** The same by header, for Campus's whole domain and for its own host, together with a cookie that nothing forbids. */
function plantedByHeader(): string[] {
  const names = [cookieName, cookieName.toLowerCase(), ` ${cookieName}`, `=${cookieName}`]
  const flags = ['Path=/', 'Path=/; Secure', 'Path=/; Secure; HttpOnly', 'Path=/dashboard; Secure; HttpOnly']
  const planted = names.flatMap(name => flags.map(flag => `${name}=evil; Domain=${host}; ${flag}`))
  return [`harmless=1; Domain=${host}; Path=/`, ...planted]
}
