import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { buildConsole } from '../../tools/build-console.ts'
import { type ConsoleServer, openConsoleServer } from '../actors/console-server.ts'
import { hostileTexts, hostileWorld, madeAlert, madeEntry, madeId, ordinaryWorld } from '../actors/made-up-console.ts'
import { temporaryDirectory } from '../app/temporary-directory.ts'
import { describeInChromium, type OpenBrowser, runScript } from './chromium.ts'
import { complaintsAbout, watchPage, widthOf } from './watched-console.ts'

const directory = temporaryDirectory()
const place = pathToFileURL(`${directory}/`)
const servers: ConsoleServer[] = []

/** A console with made-up data, and a browser that looks at it. */
async function openConsole(open: OpenBrowser, world = ordinaryWorld(), options: Parameters<OpenBrowser>[0] = {}) {
  const server = await openConsoleServer(world, place)
  servers.push(server)
  const page = await open({ baseURL: server.origin, timezoneId: 'Europe/Berlin', ...options })
  const watched = await watchPage(page)
  const go = async (hash: string) => {
    await page.goto('about:blank')
    await page.goto(`${server.origin}${hash}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.getByText('Loading…').waitFor({ state: 'hidden' })
  }
  return { server, page, watched, go }
}

const views = {
  ...{
    overview: '#/',
    live: '#/live',
    sessions: '#/sessions',
    session: `#/session/${madeId('S', 1)}`,
    user: '#/user/grace',
  },
  ...{ alerts: '#/alerts', closed: '#/alerts?state=closed', detector: '#/detector/two-places', nowhere: '#/nowhere' },
  'session that is over': `#/session/${madeId('S', 9_999)}`,
}

describeInChromium('The page of the console', '', open => {
  before(() => buildConsole(directory))
  after(() => Promise.all(servers.map(server => server.close())))

  it('WCAG 2.2 AA: axe finds nothing in any view or dialog, light and dark, on a desktop and a phone', async () => {
    const { page, go } = await openConsole(open, smallWorld(), { bypassCSP: true })
    const found: Record<string, readonly string[]> = {}
    const look = async (name: string) => {
      const complaints = await complaintsAbout(page)
      if (complaints.length > 0) found[name] = complaints
    }
    for (const [name, hash] of Object.entries(views)) {
      await go(hash)
      if (name === 'overview') await page.getByText('As a table').first().click()
      if (name === 'live') await page.getByRole('button', { name: 'Details' }).first().click()
      if (name === 'alerts') await page.getByRole('button', { name: 'Old token used', exact: true }).click()
      await look(name)
    }
    await page.keyboard.press('?')
    await look('help')
    await go(views.session)
    await page.getByRole('button', { name: 'End this session…' }).click()
    await look('end dialog')
    await go(views.sessions)
    await page.getByRole('button', { name: 'End everybody’s sessions…' }).click()
    await page.getByLabel('Your password').waitFor()
    await look('everybody dialog')
    assert.deepEqual(found, {})
  })

  it('T18: hostile names, programs, addresses and evidence run nothing and break no view, on a desktop and a phone', async () => {
    const world = hostileWorld()
    const { page, go, watched } = await openConsole(open, world)
    const users = world.sessions.map(({ userId }) => `#/user/${encodeURIComponent((userId ?? '').toWellFormed())}`)
    const everywhere = [...Object.values(views), ...world.sessions.map(({ sid }) => `#/session/${sid}`), ...users]
    await go('#/')
    for (const hash of [
      ...everywhere,
      ...hostileTexts.map(text => `#/detector/${encodeURIComponent(text.toWellFormed())}`),
    ]) {
      await runScript(page, `location.hash = ${JSON.stringify(hash)}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.getByText('Loading…').waitFor({ state: 'hidden' })
      await runScript(
        page,
        'for (const button of document.querySelectorAll("main [aria-expanded=false]")) button.click()',
      )
      for (const [width, height] of [
        [1280, 800],
        [390, 844],
      ] as const) {
        await page.setViewportSize({ width, height })
        const needed = await widthOf(page)
        assert.ok(needed <= width, `${hash} is ${needed} wide on ${width}`)
      }
      const foreign =
        'main :is(img, script, iframe, object, embed, style), [style*="position: fixed"], a[href^="javascript"]'
      assert.equal(await page.locator(foreign).count(), 0)
    }
    await go('#/live')
    await page.getByText('RLO').first().waitFor()
    await watched.assertHarmless()
  })

  it('asks only its own server, below its own path, and takes no style and no script from anywhere else', async () => {
    const { page, go, server, watched } = await openConsole(open)
    const asked: string[] = []
    page.on('request', request => asked.push(request.url()))
    await go('#/')
    await page.locator('.plot canvas').first().waitFor()
    assert.ok(asked.length > 5)
    assert.deepEqual(
      asked.filter(address => !address.startsWith(server.origin) && address !== 'about:blank'),
      [],
    )
    assert.equal(await page.locator('script').count(), 1)
    assert.equal(await page.locator('style').count(), 0)
    await watched.assertHarmless()
  })

  it('charts: the range can be chosen, and everything in them is told in words and as a table', async () => {
    const { page, go } = await openConsole(open)
    await go('#/')
    const chart = page.getByRole('img', { name: /^Worked: [\d,]+ in the last 24 hours.*Failed: / })
    await chart.waitFor()
    await page.getByRole('button', { name: '30 d' }).click()
    await page.getByRole('img', { name: /^Worked: [\d,]+ in the last 30 days/ }).waitFor()
    const signIns = page.getByRole('region', { name: 'Sign-ins' })
    await signIns.getByText('As a table').click()
    await signIns.getByRole('row').nth(10).waitFor()
  })

  it('live: shows what happens, pauses, filters, comes back after a cut where it was, and ends with the session', async () => {
    const { page, go, server } = await openConsole(open)
    await go('#/live')
    await page.getByRole('main').getByText('Connected').waitFor()
    const list = page.getByRole('list', { name: /^Live entries/ })
    const happen = (seq: number, type: 'session.locked' | 'record.corrupt') =>
      server.send({
        event: 'entry',
        data: madeEntry(0, Date.now(), {
          seq,
          type,
          userId: `user-${seq}`,
          severity: type === 'record.corrupt' ? 'alert' : 'warning',
        }),
      })
    happen(200_001, 'session.locked')
    await list.getByRole('link', { name: 'user-200001' }).waitFor()

    await page.keyboard.press('p')
    happen(200_002, 'session.locked')
    await page.getByText('Paused. 1 new meanwhile').waitFor()
    assert.equal(await list.getByRole('link', { name: 'user-200002' }).count(), 0)
    await page.getByRole('button', { name: 'Resume' }).click()
    await list.getByRole('link', { name: 'user-200002' }).waitFor()

    await page.getByLabel('At least').selectOption('Alerts')
    happen(200_003, 'session.locked')
    happen(200_004, 'record.corrupt')
    await list.getByRole('link', { name: 'user-200004' }).waitFor()
    assert.equal(await list.getByRole('link', { name: 'user-200003' }).count(), 0)
    await page.getByLabel('At least').selectOption('Everything')
    await page.getByLabel(/^What/).selectOption('Damaged record')
    assert.equal(await list.getByRole('link', { name: 'user-200003' }).count(), 0)

    server.cut()
    await page.getByRole('main').getByText('Not connected.').waitFor()
    server.world.entries.unshift(
      madeEntry(0, Date.now() + 1, { seq: 200_005, type: 'record.corrupt', userId: 'meanwhile' }),
    )
    await list.getByRole('link', { name: 'meanwhile' }).waitFor()
    const feeds = server.asked.filter(({ line }) => line === 'GET /api/feed')
    assert.match(String(feeds.at(-1)?.headers['last-event-id']), /:200004$/)

    server.world.over = true
    server.send({ event: 'over', data: { reason: 'signed-out' } })
    await page.getByRole('heading', { name: 'Your session is over' }).waitFor()
    assert.equal(await page.getByText('meanwhile').count(), 0, 'nothing of it is left on the screen')
    const way = await page.getByRole('link', { name: 'Sign in' }).getAttribute('href')
    assert.equal(way, '/login?returnTo=%2Fadmin%2Fconsole%2F')
    server.world.over = false
    await page.goto(server.origin)
    await page.getByRole('heading', { name: 'Live' }).waitFor()
  })

  it('sessions: searched, filtered, page by page, and the address keeps it', async () => {
    const { page, go } = await openConsole(open)
    await go('#/sessions')
    const rows = page.getByRole('table').getByRole('rowheader')
    await page.getByText('50 shown').waitFor()
    await page.getByRole('button', { name: 'More sessions' }).click()
    await page.getByText('100 shown').waitFor()
    assert.equal(await rows.count(), 100)
    await page.getByLabel('In user, address or program').fill('192.0.2.17')
    await page.keyboard.press('Enter')
    await page.getByText('1 found among 240, and that is all').waitFor()
    for (const row of await page.getByRole('table').getByRole('row').all())
      if ((await row.getByRole('cell').count()) > 0) assert.match(await row.innerText(), /192\.0\.2\.17/)
    await page.getByRole('link', { name: 'Clear' }).click()
    await page.getByText('50 shown').waitFor()
    await page.getByLabel('Search').selectOption('exact user')
    await page.getByLabel('User', { exact: true }).fill('grace')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByLabel('Level').selectOption('two factors')
    await page.waitForURL(/user=grace/)
    await page.waitForURL(/level=2/)
    await page.reload()
    assert.equal(await page.getByLabel('User', { exact: true }).inputValue(), 'grace')
    await page.getByLabel('User', { exact: true }).fill('nobody at all')
    await page.keyboard.press('Enter')
    await page.getByText('No session is like that.').waitFor()
    await page.goBack()
    await page.getByRole('link', { name: 'grace' }).first().waitFor()
  })

  it('ends one session and all of a user, each after it has asked', async () => {
    const { page, go, server } = await openConsole(open)
    const posts = () => server.asked.filter(({ line }) => line.startsWith('POST')).map(({ line, body }) => [line, body])
    const sid = madeId('S', 1)
    await go(`#/session/${sid}`)
    const button = page.getByRole('button', { name: 'End this session…' })
    await button.click()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    assert.ok(await button.evaluate(element => element === element.ownerDocument.activeElement))
    assert.deepEqual(posts(), [])
    await button.click()
    await page.getByRole('dialog').getByRole('button', { name: 'End the session' }).click()
    await page.getByText('This session is over.').waitFor()
    assert.deepEqual(posts(), [['POST /api/session/end', { sid }]])

    await go('#/user/grace')
    await page.getByRole('button', { name: 'End all of them…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'End them all' }).click()
    await page.getByText('Not signed in anywhere.').waitFor()
    assert.deepEqual(posts().at(-1), ['POST /api/user/end', { userId: 'grace' }])
  })

  it('ends everybody after it has said what will happen, and tells a wrong proof and how long to wait', async () => {
    const { page, go, server } = await openConsole(open)
    await go('#/sessions')
    await page.getByRole('button', { name: 'End everybody’s sessions…' }).click()
    const dialog = page.getByRole('dialog', { name: 'End everybody’s sessions' })
    await dialog.getByText('all 240 sessions').waitFor()
    await dialog.getByText('yours, too').waitFor()
    const refuse = (status: number, code: string, message: string, headers = {}) =>
      server.world.refusals.set('/api/everybody/end', { status, body: { code, message, signInAt: null }, headers })
    refuse(403, 'proof-refused', 'That was not right. Please try again.')
    await dialog.getByLabel('Your password').fill('a wrong one')
    await dialog.getByLabel(/^Code/).fill('123 456')
    await page.keyboard.press('Enter')
    await dialog.getByRole('alert').getByText('That was not right').waitFor()
    refuse(429, 'too-many-tries', 'Too many tries were wrong.', { 'retry-after': '2' })
    await dialog.getByRole('button', { name: /^End everybody/ }).click()
    await dialog.getByText(/You can try again in \d s/).waitFor()
    await dialog.getByText(/You can try again/).waitFor({ state: 'hidden' })
    await dialog.getByRole('button', { name: /^End everybody/ }).click()
    await page.getByRole('heading', { name: 'Everybody’s sessions are ended' }).waitFor()
    await page.getByText('240 sessions ended, yours among them.').waitFor()
    await page.getByRole('link', { name: 'Sign in' }).waitFor()
    const sent = server.asked.filter(({ line }) => line === 'POST /api/everybody/end')
    assert.deepEqual(sent.at(-1)?.body, { confirmation: 'c'.repeat(22), password: 'a wrong one', code: '123456' })
  })

  it('alerts: the keyboard alone walks through them, reads, acknowledges and closes them', async () => {
    const { page, go, server } = await openConsole(open)
    await go('#/')
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 'Skip to content')
    await page.keyboard.press('Enter')
    await page.keyboard.press('g')
    await page.keyboard.press('a')
    await page.getByRole('button', { name: 'Old token used', exact: true }).waitFor()
    assert.equal(await focused(page), 'Alerts')
    await page.keyboard.press('j')
    assert.equal(await focused(page), 'Old token used')
    await page.keyboard.press('Enter')
    await page.getByText('two parties hold the same session').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('k')
    await page.keyboard.press('a')
    await page.getByText('Acknowledged: Old token used').waitFor()
    assert.equal(await focused(page), 'Password stuffing')
    await page.keyboard.press('c')
    await page.getByText('Closed: Password stuffing').waitFor()
    assert.deepEqual(
      server.world.alerts.slice(0, 2).map(({ state }) => state),
      ['acknowledged', 'closed'],
    )
    await page.getByRole('navigation', { name: 'Main' }).getByText('4').waitFor()
    // One that comes is there at once.
    const fresh = madeAlert(77, Date.now(), { detector: 'second-factor-bombing' })
    server.world.alerts.unshift(fresh)
    server.send({ event: 'alert', data: fresh })
    await page.getByRole('button', { name: 'Second factor bombing', exact: true }).waitFor()

    await page.keyboard.press('?')
    const help = page.getByRole('dialog', { name: 'Keyboard' })
    await help.getByLabel('Use these keys in this browser').press('Space')
    await page.keyboard.press('Escape')
    await help.waitFor({ state: 'hidden' })
    await page.keyboard.press('g')
    await page.keyboard.press('l')
    assert.match(page.url(), /alerts$/, 'WCAG 2.1.4: the keys are off')
  })

  it('an alert that somebody else has moved meanwhile says so, and a server that is away is told, too', async () => {
    const { page, go, server } = await openConsole(open)
    await go('#/alerts')
    const message = 'Somebody else did that already.'
    server.world.refusals.set('/api/alert/close', { status: 409, body: { code: 'moved', message, signInAt: null } })
    await page.getByRole('button', { name: 'Close: Old token used' }).click()
    await page.getByRole('alert').getByText(message).waitFor()
    server.world.refusals.set('/api/sessions', { status: 503, body: {} })
    await page.getByRole('link', { name: 'Sessions' }).click()
    await page.getByText('The service is briefly unavailable.').waitFor()
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('50 shown').waitFor()
  })

  it('is closed at once to somebody who is no administrator any more', async () => {
    const { page, go, server } = await openConsole(open)
    await go('#/')
    server.world.refusals.set('/api/overview', {
      status: 404,
      body: { code: 'not-found', message: 'x', signInAt: null },
    })
    await runScript(page, 'document.dispatchEvent(new Event("visibilitychange"))')
    await page.getByRole('heading', { name: 'The console is closed to you' }).waitFor()
    assert.equal(await page.getByText('Open alerts').count(), 0)
  })

  it('colours and times are as one chooses, and stay so', async () => {
    const { page, go } = await openConsole(open, ordinaryWorld(), { colorScheme: 'light' })
    await go('#/')
    const paper = () => runScript(page, 'return getComputedStyle(document.body).backgroundColor')
    const light = await paper()
    await page.getByRole('button', { name: 'Dark' }).click()
    await page.getByRole('button', { name: 'Dark', pressed: true }).waitFor()
    assert.notEqual(await paper(), light)
    await page.keyboard.press('t')
    await page.getByRole('button', { name: 'Exact', pressed: true }).waitFor()
    await page.reload()
    await page.getByRole('heading', { level: 1 }).waitFor()
    assert.notEqual(await paper(), light)
    const time = page.locator('.entry time').first()
    assert.match(await time.innerText(), /^\d+ \w+ \d{4}, \d\d:\d\d:\d\d C/)
    assert.match(String(await time.getAttribute('title')), /ago|just now/)
    await page.getByRole('button', { name: 'Like my device' }).click()
    await page.getByRole('button', { name: 'Like my device', pressed: true }).waitFor()
    assert.equal(await paper(), light)
  })
})

/** A little of everything: axe looks at each line. */
function smallWorld() {
  const world = ordinaryWorld(Date.now(), 12)
  world.entries.splice(12)
  return world
}

/** What has the focus, by its text. */
async function focused(page: Page): Promise<string> {
  return String(await runScript(page, 'return document.activeElement.innerText'))
}
