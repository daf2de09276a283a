import assert from 'node:assert/strict'
import { createDecipheriv, createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { beforeEach, it } from 'node:test'
import type { BrowserContextOptions, Page, Request } from 'playwright-core'
import { describeInChromium, devtools, runScript } from './chromium.ts'
import { stopClock } from './stopped-clock.ts'
import { openWatchedSite } from './watched-pages.ts'

const second = 1_000
const minute = 60 * second
const idleWarning = 'Are you still there?'
const endWarning = 'Your session ends soon'

const site = await openWatchedSite()

describeInChromium('The warning before a session ends', site.origin, openBrowser => {
  beforeEach(() => {
    Object.assign(site, { now: Date.UTC(2030, 0, 1), locked: false, down: false, withStatus: true })
    site.signIn('ann')
    site.requests.length = 0
    site.visits.length = 0
    site.violations.length = 0
  })

  /** A browser whose clock stands still at the server's instant, until a test moves both. */
  async function open(options: BrowserContextOptions = {}): Promise<Page> {
    const page = await openBrowser(options)
    await stopClock(page, site.now)
    return page
  }

  /** Lets time pass on both sides, with every timer that falls into it. */
  async function pass(page: Page, ms: number): Promise<void> {
    site.now += ms
    await page.clock.runFor(ms)
  }

  /** Lets time pass as a sleeping laptop does: no timer fires, and then somebody comes back. */
  async function sleep(page: Page, ms: number): Promise<void> {
    site.now += ms
    await page.clock.setSystemTime(site.now)
    await runScript(page, "dispatchEvent(new Event('focus'))")
  }

  const dialog = (page: Page, name = idleWarning) => page.getByRole('alertdialog', { name })
  const atLogin = (page: Page, path: string) => page.waitForURL(`/login?returnTo=${encodeURIComponent(path)}`)

  for (const kind of ['module', 'plain']) {
    it(`ASVS 3.4: as ${kind === 'module' ? 'an ES module' : 'a plain script'}, counts down and goes to sign in, and the Content-Security-Policy has nothing to say`, async () => {
      const page = await open()
      const complaints: string[] = []
      page.on('console', message => complaints.push(message.text()))
      page.on('pageerror', error => complaints.push(error.message))
      await page.goto(`/${kind}/essay?id=7`)
      assert.equal(await page.locator('[data-latchkey]').count(), 0, "the user's key leaves the document")
      await pass(page, 13 * minute + 59 * second)
      assert.equal(await dialog(page).count(), 0)
      await pass(page, second)
      await dialog(page).waitFor()
      assert.match(await dialog(page).innerText(), /signed out in 60 seconds\./)
      await pass(page, 17 * second)
      assert.match(await dialog(page).innerText(), /signed out in 43 seconds\./)
      await pass(page, 43 * second)
      await atLogin(page, `/${kind}/essay?id=7`)
      assert.deepEqual(site.violations, [])
      assert.deepEqual(complaints, [])
      assert.deepEqual(new Set(site.requests), new Set(['GET /api/session', 'GET /login']))
    })
  }

  it('a page without a status asks for it first', async () => {
    site.withStatus = false
    const page = await open()
    await Promise.all([page.waitForResponse('**/api/session'), page.goto('/plain/essay')])
    await pass(page, 14 * minute)
    await dialog(page).waitFor()
  })

  it('T07: extending is one POST with the CSRF token, and the next warning comes as late as after any activity', async () => {
    const page = await open()
    await page.goto('/module/essay')
    await pass(page, 14 * minute)
    await Promise.all([
      page.waitForResponse('**/api/session/extend'),
      page.getByRole('button', { name: 'Stay signed in' }).click(),
    ])
    await dialog(page).waitFor({ state: 'detached' })
    assert.deepEqual(site.requests, ['GET /api/session', `POST /api/session/extend ${site.csrfToken}`])
    await pass(page, 13 * minute + 59 * second)
    assert.equal(await dialog(page).count(), 0)
    await pass(page, second)
    await dialog(page).waitFor()
  })

  it('WCAG 2.1.1, 2.4.3: everything works by keyboard: focus goes in, stays in, and comes back', async () => {
    const page = await open()
    await page.goto('/module/essay')
    await page.getByLabel('Title').focus()
    await pass(page, 14 * minute)
    await dialog(page).waitFor()
    const focused = () =>
      runScript(page, 'return document.activeElement.textContent || document.activeElement.name || ""')
    assert.equal(await focused(), 'Stay signed in')
    const seen = new Set<unknown>()
    for (let presses = 0; presses < 8; presses += 1) {
      await page.keyboard.press('Tab')
      const inPage = "return document.activeElement !== document.body && !document.activeElement.closest('dialog')"
      assert.equal(await runScript(page, inPage), false)
      seen.add(await focused())
    }
    assert.ok(seen.has('Sign out now') && seen.has('Stay signed in'))
    for (const key of ['Escape', 'Enter', 'Space']) {
      await dialog(page).waitFor()
      await page.getByRole('button', { name: 'Stay signed in' }).focus()
      await Promise.all([page.waitForResponse('**/api/session/extend'), page.keyboard.press(key)])
      await dialog(page).waitFor({ state: 'detached' })
      assert.equal(await focused(), 'title', key)
      await pass(page, 14 * minute)
    }
  })

  it('WCAG 4.1.3: a screen reader hears the number once, and then at half a minute and at ten seconds', async () => {
    const page = await open()
    await page.goto('/module/essay')
    await pass(page, 14 * minute)
    await dialog(page).waitFor()
    const line = await devtools(page)
    const { nodes } = await line.send('Accessibility.getFullAXTree')
    const node = nodes.find(({ role }) => role?.value === 'alertdialog')
    assert.equal(node?.name?.value, idleWarning)
    assert.equal(node?.description?.value, 'You have been inactive. You will be signed out in 60 seconds.')
    const heard: string[] = []
    for (let left = 59; left > 0; left -= 1) {
      await pass(page, second)
      assert.equal(await dialog(page).getByRole('timer').innerText(), `${left} second${left === 1 ? '' : 's'}`)
      const said = await dialog(page).getByRole('status').innerText()
      if (said && said !== heard.at(-1)) heard.push(said)
    }
    assert.deepEqual(heard, ['30 seconds left', '10 seconds left'])
  })

  it('does not warn when another tab was active, and its own asking is no activity', async () => {
    const page = await open()
    await page.goto('/module/essay')
    site.idleAt += 5 * minute
    await Promise.all([page.waitForResponse('**/api/session'), pass(page, 14 * minute)])
    await pass(page, second)
    assert.deepEqual(site.requests, ['GET /api/session'])
    assert.equal(await dialog(page).count(), 0)
    await pass(page, 5 * minute - second)
    await dialog(page).waitFor()
    await pass(page, minute)
    await atLogin(page, '/module/essay')
  })

  it('before the absolute end there is nothing to extend; the warning can be closed, and the end still comes', async () => {
    site.endAt = site.now + 10 * minute
    const page = await open()
    await page.goto('/module/essay')
    await pass(page, 9 * minute)
    await dialog(page, endWarning).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Stay signed in' }).count(), 0)
    await page.getByRole('button', { name: 'Got it' }).click()
    await dialog(page, endWarning).waitFor({ state: 'detached' })
    await pass(page, 59 * second)
    assert.equal(await dialog(page, endWarning).count(), 0, 'closed once is closed')
    await pass(page, second)
    await atLogin(page, '/module/essay')
    assert.deepEqual(
      site.requests.filter(request => request.startsWith('POST')),
      [],
    )
  })

  it('extending in one tab closes the warning in all', async () => {
    const page = await open()
    await page.goto('/module/essay')
    const other = await page.context().newPage()
    await other.goto('/plain/other')
    await pass(page, 14 * minute)
    await Promise.all([dialog(page).waitFor(), dialog(other).waitFor()])
    await dialog(other).getByRole('button', { name: 'Stay signed in' }).click()
    await Promise.all([dialog(page), dialog(other)].map(each => each.waitFor({ state: 'detached' })))
    assert.equal(site.requests.filter(request => request.startsWith('POST')).length, 1)
  })

  for (const [how, press] of [
    ['in the warning', (page: Page) => page.getByRole('button', { name: 'Sign out now' }).click()],
    ['in the page', (page: Page) => page.locator('#out button').click()],
  ] as const) {
    it(`T06, ASVS 7.4.1: signing out ${how} ends every other tab at once, and nothing typed is kept`, async () => {
      const page = await open()
      await page.goto('/module/essay')
      const other = await page.context().newPage()
      await other.goto('/plain/other')
      await other.getByLabel('Text').fill('private words')
      if (how === 'in the warning') {
        await pass(page, 14 * minute)
        await dialog(page).waitFor()
      }
      await runScript(other, "sessionStorage.setItem('latchkey:/before', '1')")
      await press(page)
      await page.waitForURL('/login')
      await atLogin(other, '/plain/other')
      assert.equal(await runScript(other, 'return sessionStorage.length'), 0)
      assert.ok(site.requests.some(request => /^POST \/logout token-/.test(request)))
    })
  }

  it('a sign-out that the server could not do ends no tab', async () => {
    const page = await open()
    await page.goto('/module/essay')
    const other = await page.context().newPage()
    await other.goto('/plain/other')
    site.down = true
    await page.locator('#out button').click()
    await page.getByText('down').waitFor()
    site.down = false
    await pass(other, 10 * second)
    assert.equal(new URL(other.url()).pathname, '/plain/other')
    await other.getByLabel('Text').fill('kept after all')
    site.signIn(null)
    await sleep(other, 15 * minute)
    await atLogin(other, '/plain/other')
    assert.equal(await runScript(other, 'return sessionStorage.length'), 1, 'the end was not on purpose')
  })

  for (const [who, user] of [
    ['for nobody', null],
    ['for another user', 'bob'],
  ] as const) {
    it(`T06: a page that loads ${who} ends every tab of the old user`, async () => {
      const page = await open()
      await page.goto('/module/essay')
      site.signIn(user)
      const other = await page.context().newPage()
      await other.goto('/plain/other')
      await atLogin(page, '/module/essay')
      assert.equal(new URL(other.url()).pathname, '/plain/other')
    })
  }

  it('T07: when the user signed in again in another tab, the forms of this one still work', async () => {
    const page = await open()
    await page.goto('/module/essay')
    site.signIn('ann')
    const other = await page.context().newPage()
    await other.goto('/plain/other')
    await page.locator(`#essay input[name=csrf_token][value=${site.csrfToken}]`).waitFor({ state: 'attached' })
    await page.getByRole('button', { name: 'Hand in' }).click()
    await page.getByRole('heading', { name: '/essays' }).waitFor()
    assert.ok(site.requests.includes(`POST /essays ${site.csrfToken}`))
  })

  it('after a sleep past the deadline, asks before it says anything', async () => {
    const page = await open()
    await page.goto('/module/essay')
    await page.getByLabel('Text').fill('a long thought')
    site.idleAt += 3 * 60 * minute
    await Promise.all([page.waitForResponse('**/api/session'), sleep(page, 2 * 60 * minute)])
    assert.equal(await dialog(page).count(), 0, 'another tab was active')
    await sleep(page, 80 * minute)
    await atLogin(page, '/module/essay')
  })

  it('after a sleep that no event tells of, wakes up by itself', async () => {
    const page = await open()
    await page.goto('/module/essay')
    site.now += 60 * minute
    await page.clock.setSystemTime(site.now)
    await Promise.all([page.waitForRequest('**/api/session'), pass(page, 20 * second)])
    await atLogin(page, '/module/essay')
  })

  it('NIST 2.2.3: a locked session leads to the sign-in address like an ended one', async () => {
    const page = await open()
    await page.goto('/module/essay')
    site.locked = true
    await pass(page, 14 * minute)
    await atLogin(page, '/module/essay')
  })

  it('ASVS 3.5.5: messages of other windows are not listened to, whatever they say and wherever they come from', async () => {
    // So that a script can be put into the frame.
    const page = await open({ bypassCSP: true })
    await page.goto('/module/essay?id=7')
    await page.getByLabel('Title').fill('Kept')
    await pass(page, second)
    const asked = site.requests.length
    const telling = { subject: null, onPurpose: true }
    const listeners = await runScript(
      page,
      `const said = ${JSON.stringify(telling)}
      for (const message of [said, JSON.stringify(said), { data: said }, null, 7]) {
        postMessage(message, '*')
        dispatchEvent(new MessageEvent('message', { data: message, origin: location.origin }))
        dispatchEvent(new MessageEvent('message', { data: message, origin: 'https://evil.test' }))
      }
      return onmessage`,
    )
    assert.equal(listeners, null)
    // A frame of another origin: what it says comes as a message, and can be nothing else.
    await runScript(
      page,
      `const frame = document.createElement('iframe')
      frame.sandbox = 'allow-scripts'
      frame.srcdoc = '<script>parent.postMessage(${JSON.stringify(telling)}, "*")<' + '/script>'
      const heard = new Promise(resolve => addEventListener('message', resolve))
      document.body.append(frame)
      await heard`,
    )
    await pass(page, minute)
    assert.equal(new URL(page.url()).pathname, '/module/essay')
    assert.equal(await page.getByLabel('Title').inputValue(), 'Kept')
    assert.deepEqual(site.requests.slice(asked), [])
  })

  it('a page made for nobody, or for a locked session, goes nowhere', async () => {
    for (const [user, locked] of [
      [null, false],
      ['ann', true],
    ] as const) {
      site.signIn(user)
      site.locked = locked
      const page = await open()
      await page.goto('/module/essay')
      await pass(page, 60 * minute)
      assert.equal(new URL(page.url()).pathname, '/module/essay')
      assert.equal(await page.getByRole('alertdialog').count(), 0)
    }
  })

  for (const [trouble, begin, end] of [
    ['offline', (page: Page) => page.context().setOffline(true), (page: Page) => page.context().setOffline(false)],
    [
      'a server that answers 503',
      async () => {
        site.down = true
      },
      async (page: Page) => {
        site.down = false
        await pass(page, 60 * second)
      },
    ],
  ] as const) {
    it(`T17: ${trouble} is no sign-out: nothing is said, and it is tried again with growing pauses`, async () => {
      const page = await open()
      await page.goto('/module/essay')
      await begin(page)
      let asked = 0
      // Only what the script asks: the page's own files may arrive late on a busy machine.
      const count = (request: Request) => {
        if (new URL(request.url()).pathname === '/api/session') asked += 1
      }
      page.on('requestfinished', count)
      page.on('requestfailed', count)
      const asking = async (ms: number) => {
        const before = asked
        await pass(page, ms)
        for (let turns = 0; turns < 200 && asked === before; turns += 1) await runScript(page, 'await null')
      }
      await asking(14 * minute)
      for (const pause of [2, 4, 8, 16, 32, 60, 60]) {
        const before = asked
        await pass(page, pause * second - 1)
        assert.equal(asked, before, `not yet, in the ${pause} seconds' pause`)
        await asking(1)
        assert.equal(asked, before + 1, `after ${pause} seconds`)
        assert.equal(await page.getByRole('alertdialog').count(), 0)
      }
      assert.equal(new URL(page.url()).pathname, '/module/essay', 'long past the deadline, it does not know')
      await end(page)
      await atLogin(page, '/module/essay')
    })
  }

  it('asks again when the server says that somebody is signed in, with no time left', async () => {
    const page = await open()
    await page.goto('/module/essay')
    await pass(page, 14 * minute)
    await dialog(page).waitFor()
    // What a server answers in the very millisecond.
    const status = { signedIn: true, locked: false, idleIn: 0, endsIn: 9, subject: 'subject-of-ann', formKeys: [] }
    await page.route('**/api/session', route => route.fulfill({ json: { ...status, csrfToken: 'x' } }), { times: 1 })
    await Promise.all([page.waitForResponse('**/api/session'), pass(page, minute)])
    await Promise.all([page.waitForResponse('**/api/session'), pass(page, second)])
    await atLogin(page, '/module/essay')
  })

  it('says so when extending did not get through, and goes on counting', async () => {
    const page = await open()
    await page.goto('/module/essay')
    await pass(page, 14 * minute)
    await dialog(page).waitFor()
    site.down = true
    await page.getByRole('button', { name: 'Stay signed in' }).click()
    await dialog(page).getByText('That failed.').waitFor()
    site.down = false
    await page.getByRole('button', { name: 'Stay signed in' }).click()
    await dialog(page).waitFor({ state: 'detached' })
    assert.equal(site.user, 'ann')
  })

  /** Types everywhere, and lets the session end. */
  async function typeUntilTheEnd(page: Page): Promise<void> {
    await page.goto('/module/essay?id=7')
    await page.getByLabel('Title').fill('On patience')
    await page.getByLabel('Text', { exact: true }).fill('It ends, "quoted", with ünïcode.')
    await page.getByLabel('Kind').selectOption('poem')
    await page.getByLabel('Tags').selectOption(['a', 'c'])
    await page.getByLabel('Draft').uncheck()
    await page.getByLabel('Ours').check()
    await page.getByLabel('Second comment').fill('and another')
    for (const label of ['Password', 'Shown password', 'Code', 'Secret'])
      await page.getByLabel(label, { exact: true }).fill('hunter2')
    // What a button "show password" does.
    await runScript(page, "document.querySelector('[name=password]').type = 'text'")
    await pass(page, 14 * minute)
    await dialog(page).waitFor()
    await pass(page, minute)
    await atLogin(page, '/module/essay?id=7')
  }

  const typed = `const form = document.querySelector('#essay')
    return { title: form.elements.title.value, text: form.elements.text.value, kind: form.elements.kind.value,
      tags: [...form.elements.tags.selectedOptions].map(option => option.value), draft: form.elements.draft.checked,
      by: form.elements.by.value, comments: [...document.forms[1].querySelectorAll('[name=text]')].map(field => field.value),
      secrets: ['password', 'shown', 'code', 'unkept'].map(name => form.elements[name].value) }`
  const untouched = {
    title: 'Untitled',
    text: '',
    kind: 'essay',
    tags: [],
    draft: true,
    by: 'me',
    comments: ['', ''],
    secrets: ['', '', '', ''],
  }

  it('ASVS 14.3.3: what was typed waits encrypted for its user, secrets not at all, and comes back after the sign-in', async () => {
    const page = await open()
    await typeUntilTheEnd(page)
    const stored = String(await runScript(page, 'return JSON.stringify({ ...sessionStorage })'))
    assert.match(stored, /latchkey:\/module\/essay\?id=7/)
    assert.doesNotMatch(stored, /patience|quoted|poem|another|title|hunter2/)
    const kept = unseal(String(await runScript(page, 'return Object.values(sessionStorage)[0]')), '/module/essay?id=7')
    assert.match(kept, /On patience/)
    assert.doesNotMatch(kept, /hunter2/)

    site.signIn('ann')
    await page.goto('/module/essay?id=8')
    assert.deepEqual(await runScript(page, typed), untouched, 'another essay')
    await page.addInitScript({
      content: "addEventListener('input', ({ target }) => (globalThis.told ??= []).push(target.name))",
    })
    await page.goto('/module/essay?id=7')
    await pass(page, second)
    await page.getByRole('status').getByText('What you had typed is back.').waitFor()
    assert.deepEqual(await runScript(page, typed), {
      title: 'On patience',
      text: 'It ends, "quoted", with ünïcode.',
      kind: 'poem',
      tags: ['a', 'c'],
      draft: false,
      by: 'us',
      comments: ['', 'and another'],
      secrets: ['', '', '', ''],
    })
    assert.deepEqual(await runScript(page, 'return globalThis.told'), [
      'title',
      'text',
      'kind',
      'tags',
      'draft',
      'by',
      'by',
      'text',
    ])
    assert.equal(await runScript(page, 'return sessionStorage.length'), 0, 'and only once')
    await page.getByRole('button', { name: 'Close' }).click()
    await page.reload()
    assert.deepEqual(await runScript(page, typed), untouched)
  })

  for (const [case_, meddle] of [
    ['another user signs in', () => site.signIn('bob')],
    [
      'it is older than an hour',
      async (page: Page) => {
        await pass(page, 60 * minute)
        site.signIn('ann')
      },
    ],
    [
      'somebody made it younger',
      async (page: Page) => {
        const younger = `const [[name, entry]] = Object.entries(sessionStorage)
          sessionStorage.setItem(name, Number(entry.slice(0, 13)) + 1 + entry.slice(13))`
        await runScript(page, younger)
        site.signIn('ann')
      },
    ],
    [
      'it was moved there from another page',
      async (page: Page) => {
        const moved = `const [[name, entry]] = Object.entries(sessionStorage)
          sessionStorage.removeItem(name)
          sessionStorage.setItem('latchkey:/plain/essay?id=7', entry)`
        await runScript(page, moved)
        site.signIn('ann')
        return '/plain/essay?id=7'
      },
    ],
  ] as const) {
    it(`ASVS 14.3.3: nothing comes back when ${case_}, and nothing stays`, async () => {
      const page = await open()
      await typeUntilTheEnd(page)
      await page.goto((await meddle(page)) ?? '/module/essay?id=7')
      await page.getByRole('heading', { name: 'Essay' }).waitFor()
      await pass(page, second)
      assert.deepEqual(await runScript(page, typed), untouched)
      assert.equal(await runScript(page, 'return sessionStorage.length'), 0)
      assert.equal(await page.getByRole('status').count(), 0)
    })
  }

  for (const colorScheme of ['dark', 'light'] as const) {
    it(`WCAG 2.2 AA: axe finds nothing in the notice and in the open warning, when it is ${colorScheme}`, async () => {
      const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
      const page = await open({ bypassCSP: true, colorScheme })
      await typeUntilTheEnd(page)
      site.signIn('ann')
      await page.goto('/module/essay?id=7')
      await pass(page, second)
      await page.getByRole('status').getByText('What you had typed is back.').waitFor()
      for (const what of ['the notice', 'the warning']) {
        if (what === 'the warning') {
          await page.clock.pauseAt(site.now + minute)
          site.now += minute
          await pass(page, 13 * minute)
          await dialog(page).waitFor()
        }
        // It uses timers, too.
        await page.clock.resume()
        const found = `${axe}; const { violations } = await axe.run()
          return violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])`
        assert.deepEqual(await runScript(page, found), [], what)
      }
    })
  }
})

/** What only Ann's browser can read, read with her key: 13 digits of time, 12 bytes of IV, the text, 16 bytes of tag. */
function unseal(entry: string, address: string): string {
  const bytes = Buffer.from(entry, 'latin1')
  const key = createHash('sha256').update('form key of ann').digest()
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(13, 25))
  decipher.setAAD(Buffer.from(entry.slice(0, 13) + address))
  decipher.setAuthTag(bytes.subarray(-16))
  return decipher.update(bytes.subarray(25, -16), undefined, 'utf8') + decipher.final('utf8')
}
