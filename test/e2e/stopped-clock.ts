import type { Page } from 'playwright-core'

/**
 * Stops the clock of a browser at an instant; `page.clock.runFor` moves it. In all tabs of this browser, whose dates and
 * timers it is.
 *
 * Requests go on in real time, so their time-outs must, too: otherwise letting a minute pass cuts off what is on its way.
 */
export async function stopClock(page: Page, at: number): Promise<void> {
  // It runs until it is told to pause, and it cannot be set back.
  await page.clock.install({ time: at - 60_000 })
  await page.clock.pauseAt(at)
  const content = 'AbortSignal.timeout = () => new AbortController().signal'
  await page.context().addInitScript({ content })
}
