import { setTimeout } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { devtools } from './chromium.ts'

const shown = '__howShown'

/** Makes every page of this browser remember how it was shown last, for {@link goBack}. */
export async function rememberHowShown(page: Page): Promise<void> {
  const script = `addEventListener('pageshow', event => { globalThis.${shown} = { fromMemory: event.persisted } })
    addEventListener('pagehide', () => { delete globalThis.${shown} })`
  await page.context().addInitScript({ content: script })
}

/**
 * Presses the browser's back button (several times at once, if told so), and says where that led and whether the page came alive again from memory (the
 * back-forward cache), as it was, without a request.
 *
 * Playwright's own `goBack` waits for a load that a page from memory does not have. Here the page itself is asked: it
 * forgets how it was shown when it is left, so an answer is always about the page that the button led to.
 */
export async function goBack(page: Page, times = 1): Promise<{ path: string; fromMemory: boolean }> {
  const line = await devtools(page)
  const press = `delete globalThis.${shown}; history.go(-${times})`
  // A page that is left at once does not answer any more, and that is what was asked of it.
  await line.send('Runtime.evaluate', { expression: press }).catch(() => {})
  const expression = `globalThis.${shown} && ({ path: location.pathname, ...globalThis.${shown} })`
  for (const giveUpAt = Date.now() + 15_000; Date.now() < giveUpAt; await setTimeout(20)) {
    // Between two pages there is nothing to ask.
    const { result } = await line
      .send('Runtime.evaluate', { expression, returnByValue: true })
      .catch(() => ({ result: null }))
    if (result?.type === 'object' && result.value) return result.value
  }
  throw new Error('The back button led nowhere.')
}
