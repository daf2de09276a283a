import { after, before, describe } from 'node:test'
import { type Browser, type BrowserContextOptions, type CDPSession, chromium, type Page } from 'playwright-core'
import { chromiumPath, chromiumShellPath } from '../../tools/provision.ts'
import { hostNames } from './sites.ts'

/** Somebody in front of a browser of their own: nothing is shared with anybody else's, no cookie, no cache. */
export type OpenBrowser = (options?: BrowserContextOptions) => Promise<Page>

/**
 * A suite of tests that share one Chromium: the engine without the browser around it, if that is there, at half the cost.
 * Where there is no Chromium, the suite is skipped, which `npm test` counts and names; under CI=true it fails instead.
 *
 * Each test gets browsers of its own from `open`, closed when the suite is over.
 */
export function describeInChromium(name: string, origin: string, tests: (open: OpenBrowser) => void): void {
  describeIn(chromiumShellPath() ?? chromiumPath(), name, origin, tests)
}

/**
 * The same in the whole browser, with its back-forward cache, as it is for people: the engine alone has none, and Playwright
 * turns it off, because its own `goBack` cannot cope with it (see back-button.ts).
 */
export function describeInWholeChromium(name: string, origin: string, tests: (open: OpenBrowser) => void): void {
  describeIn(chromiumPath(), name, origin, tests)
}

/** For a whole suite, on a busy machine: a browser that never answers must not hold up everything for ever. */
const patienceMs = 300_000

function describeIn(executable: string | null, name: string, origin: string, tests: (open: OpenBrowser) => void): void {
  const missing = 'Chromium is missing. Install it: node tools/provision.ts'
  const skip = executable === null && process.env.CI !== 'true' ? missing : false

  describe(name, { skip, timeout: patienceMs }, () => {
    let browser: Browser | undefined
    before(async () => {
      if (executable === null) throw new Error(missing)
      browser = await chromium.launch({
        executablePath: executable,
        args: [
          '--no-sandbox',
          '--disable-gpu',
          '--disable-background-networking',
          `--host-resolver-rules=${hostNames}`,
        ],
        ignoreDefaultArgs: ['--disable-back-forward-cache'],
      })
    })
    after(() => browser?.close())

    tests(async options => {
      if (browser === undefined) throw new Error('open a browser in a test, when Chromium has started')
      const context = await browser.newContext({ ignoreHTTPSErrors: true, baseURL: origin, ...options })
      context.setDefaultTimeout(15_000)
      return context.newPage()
    })
  })
}

const lines = new WeakMap<Page, Promise<CDPSession>>()

/** The devtools' line to a page. */
export function devtools(page: Page): Promise<CDPSession> {
  const line = lines.get(page) ?? page.context().newCDPSession(page)
  lines.set(page, line)
  return line
}

/** Runs a script in the page, as a script of the page would, and returns its value. Throws what the script throws. */
export async function runScript(page: Page, script: string): Promise<unknown> {
  const line = await devtools(page)
  const { result, exceptionDetails } = await line.send('Runtime.evaluate', {
    expression: `(async () => { ${script} })()`,
    awaitPromise: true,
    returnByValue: true,
  })
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
  return result.value
}
