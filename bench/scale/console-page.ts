import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Sessions } from 'latchkey'
import { sessions as nodeSessions } from 'latchkey/adapters/node'
import { createConsole } from 'latchkey/console'
import { nodeConsole } from 'latchkey/console/node'
import { createWatch } from 'latchkey/watch'
import { sqliteWatch } from 'latchkey/watch/stores/sqlite'
import { type Browser, chromium, type Page } from 'playwright-core'
import { chromiumPath } from '../../tools/provision.ts'
import { entriesBefore, fillWatch } from './console-trail.ts'

/** What somebody waits for, in ms from the start of the navigation, or from the click. */
const waits = [
  /** Page, style sheet and script are there, and the script asks its first question: the one that takes the census. */
  'asked',
  'answered',
  'numbers',
  'charts',
  'entries',
  'alerts',
  /** All four of them. */
  'overview',
  /** Processor time until then, of this process and of all of the browser's: other work on the machine stretches it little. */
  'serverCpu',
  'browserCpu',
  /** From a click on Sessions until fifty of them stand there. */
  'sessions',
  /** From Enter until the sessions of a user stand there. */
  'user',
  /** As `user`, by a text that is searched for in all sessions. */
  'text',
] as const

type Waits = Record<(typeof waits)[number], number>

/** How long the page took. */
export type MeasuredPage = {
  /** Of the machine, while it was measured. */
  load: number
  /** Entries in the trail. */
  entries: number
  firstMs: Waits
  medianMs: Waits
  slowestMs: Waits
}

/** Each time with a browser that has never been here. */
const times = 5
/** For so long the console remembers how many sessions there are; nobody shall profit from the one before. */
const forgottenMs = 3_500

/** Serves the console over these sessions and looks at it in Chromium; without one, `null`. */
export async function measurePage(sessions: Sessions, userIds: readonly string[]): Promise<MeasuredPage | null> {
  const executablePath = chromiumPath()
  if (executablePath === null) return null
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-console-'))
  const site = await serve(sessions, join(directory, 'watch.db'))
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  try {
    const measured: Waits[] = []
    for (let n = 0; n < times; n += 1) {
      const one = await visit(browser, site.origin, userIds[n] ?? '')
      console.log('page', one)
      measured.push(one)
      await wait(forgottenMs)
    }
    const [first] = measured
    if (!first) throw new Error('Nothing was measured.')
    const sorted = (name: keyof Waits) => measured.map(one => one[name]).sort((a, b) => a - b)
    const each = (of: (name: keyof Waits) => number) => Object.fromEntries(waits.map(name => [name, of(name)])) as Waits
    return {
      load: loadavg()[0] ?? 0,
      entries: entriesBefore,
      firstMs: first,
      medianMs: each(name => sorted(name)[times >> 1] ?? 0),
      slowestMs: each(name => sorted(name).at(-1) ?? 0),
    }
  } finally {
    await browser.close()
    await site.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function serve(sessions: Sessions, file: string): Promise<{ origin: string; close: () => Promise<void> }> {
  const store = sqliteWatch(file)
  await fillWatch(store, Date.now())
  const watch = await createWatch(sessions, { store })
  const watchConsole = createConsole(sessions, watch, {
    administrator: ({ userId }) => userId === 'admin',
    signInAt: '/sign-in',
  })
  const answered = nodeConsole(watchConsole, { at: '/console' })
  const server = createServer(
    nodeSessions(sessions, async (request, response, context) => {
      if (await answered(request, response, context)) return
      if (request.url === '/sign-in') await context.session.signIn('admin', { amr: ['pwd', 'otp'] })
      response.writeHead(request.url === '/sign-in' ? 204 : 404).end()
    }),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      watchConsole.close()
      server.closeAllConnections()
      server.close()
      await watch.close()
    },
  }
}

/** Runs in the page, before its own scripts: notes in which frame what one waits for was there for the first time. */
const watchMilestones = `
  const milestones = (globalThis.milestones = {})
  const there = {
    numbers: () => document.querySelector('.big-number') !== null,
    charts: () => document.querySelectorAll('.plot canvas').length === 4,
    entries: () => document.querySelectorAll('[aria-label="Latest entries"] > li').length === 8,
    alerts: () => document.querySelectorAll('.alert-line').length === 5,
  }
  const look = now => {
    for (const [name, isThere] of Object.entries(there)) if (!(name in milestones) && isThere()) milestones[name] = now
    if (Object.keys(milestones).length < 4) requestAnimationFrame(look)
  }
  requestAnimationFrame(look)`

/** In the page: resolves to how long it took from now until `isThere`, ms. */
const until = `
  const until = isThere => new Promise(resolve => {
    const began = performance.now()
    const look = now => isThere() ? resolve(now - began) : requestAnimationFrame(look)
    requestAnimationFrame(look)
  })
  const isOverview = ({ name }) => name.endsWith('/api/overview')
  const rows = () => [...document.querySelectorAll('table.sessions tbody tr')]`

async function visit(browser: Browser, origin: string, userId: string): Promise<Waits> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  context.setDefaultTimeout(30_000)
  try {
    // Past the page, so that it begins with no connection, and nothing of the site in its cache.
    const answer = await context.request.get(`${origin}/sign-in`)
    if (answer.status() !== 204) throw new Error(`The sign-in answered ${answer.status()}.`)
    const page = await context.newPage()
    await page.addInitScript({ content: watchMilestones })
    const run = await scriptRunner(page)
    const cpu = await cpuMeter(browser)
    const before = await cpu()
    await page.goto(`${origin}/console/`)
    await page.locator('.alert-line').first().waitFor()
    const seen = (await run(`${until}
      await until(() => Object.keys(milestones).length === 4)
      const { startTime, responseEnd } = performance.getEntriesByType('resource').find(isOverview)
      return { ...milestones, asked: startTime, answered: responseEnd }`)) as Waits
    const after = await cpu()
    const cpuMs = { serverCpu: after.server - before.server, browserCpu: after.browser - before.browser }
    const sessions = await run(`${until}
      const done = until(() => rows().length === 50)
      document.querySelector('nav a[href="#/sessions"]').click()
      return done`)
    const found = async (by: string, text: string) => {
      await page.locator('.search-by select').selectOption(by)
      const field = page.locator('input[type=search]')
      await field.fill(text)
      return run(`${until}
        const isOne = row => row.textContent.includes(${JSON.stringify(text)})
        const done = until(() => rows().length > 0 && rows().every(isOne))
        document.querySelector('form.toolbar').requestSubmit()
        return done`)
    }
    const user = await found('user', userId)
    await page.getByRole('link', { name: 'Clear' }).click()
    await page.getByText('50 shown').waitFor()
    const text = await found('text', userId.slice(1))
    const overview = Math.max(seen.numbers, seen.charts, seen.entries, seen.alerts)
    return { ...seen, overview, ...cpuMs, sessions, user, text } as Waits
  } finally {
    await context.close()
  }
}

/** Runs scripts in the page past its content security policy, which allows none but its own. */
async function scriptRunner(page: Page): Promise<(script: string) => Promise<unknown>> {
  const line = await page.context().newCDPSession(page)
  return async script => {
    const { result, exceptionDetails } = await line.send('Runtime.evaluate', {
      expression: `(async () => { ${script} })()`,
      awaitPromise: true,
      returnByValue: true,
    })
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }
}

/** Processor time of this process and all of the browser's so far, ms. */
async function cpuMeter(browser: Browser): Promise<() => Promise<{ server: number; browser: number }>> {
  const line = await browser.newBrowserCDPSession()
  return async () => {
    const { processInfo } = await line.send('SystemInfo.getProcessInfo')
    const { user, system } = process.cpuUsage()
    return {
      server: (user + system) / 1_000,
      browser: processInfo.reduce((sum, { cpuTime }) => sum + cpuTime * 1_000, 0),
    }
  }
}
