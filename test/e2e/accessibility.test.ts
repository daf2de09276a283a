import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { it, mock } from 'node:test'
import { type IRoute, Router } from 'express'
import type { Page } from 'playwright-core'
import { addresses } from './addresses.ts'
import { describeInChromium, runScript } from './chromium.ts'

// Before any Campus is opened: what it answers to GET is heard from the router itself.
const routing = mock.method(Router.prototype as { route(path: string | string[]): IRoute }, 'route')
const { walks } = await import('./every-page.ts')

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const levels = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** The rules whose answer depends on the width of the screen and on colours. */
const rulesOfLooks = ['color-contrast', 'link-in-text-block', 'target-size', 'scrollable-region-focusable', 'bypass']

const views = [
  { width: 1280, height: 800, colorScheme: 'light' },
  { width: 1280, height: 800, colorScheme: 'dark' },
  { width: 390, height: 844, colorScheme: 'dark' },
  { width: 390, height: 844, colorScheme: 'light' },
] as const

/** Paths of the pages that were looked at. */
const seen = new Set<string>()

describeInChromium('Every page of Campus, for everybody', '', open => {
  for (const [who, walk] of Object.entries(walks)) {
    it(`WCAG 2.2 AA: axe finds nothing in what ${who} can see, light and dark, on a desktop and a phone`, async () => {
      const found: Record<string, readonly string[]> = {}
      await walk(open, async (page, state) => {
        seen.add(new URL(page.url()).pathname)
        const [, status = null] = /^error-(\d+)/.exec(state) ?? []
        if (status !== null) assert.equal(await page.getByText(/^Error \d+$/).innerText(), `ERROR ${status}`)
        const complaints = await complaintsAbout(page)
        if (complaints.length > 0) found[state] = complaints
      })
      assert.deepEqual(found, {})
    })
  }

  it('is looked at: each address that answers GET is known, and each page was seen', () => {
    const { guest, user, between, forms, programs, tokens, files } = addresses
    const pages = [...guest, ...user, ...between]
    assert.deepEqual([...pages, ...forms, ...programs, ...tokens, ...files].sort(), answeringGet())
    assert.deepEqual(
      pages.filter(path => !seen.has(path)),
      [],
    )
  })
})

/** What is wrong with a page, whatever screen and colours its reader has. */
async function complaintsAbout(page: Page): Promise<string[]> {
  const complaints: string[] = []
  for (const [index, { width, height, colorScheme }] of views.entries()) {
    await page.setViewportSize({ width, height })
    // A colour that is on its way to another is none to be measured.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    const needed = Number(await runScript(page, 'return document.documentElement.scrollWidth'))
    if (needed > width) complaints.push(`${needed} pixels wide on a screen of ${width}`)
    for (const violation of await violationsOn(page, index > 0))
      complaints.push(`${width} ${colorScheme}: ${violation}`)
  }
  return complaints
}

/** What axe finds; `again`: in a page that it has seen already, and that only looks different now. */
async function violationsOn(page: Page, again: boolean): Promise<string[]> {
  const rules = again ? { type: 'rule', values: rulesOfLooks } : { type: 'tag', values: levels }
  const script = `${again ? '' : axe};
    const { violations } = await globalThis.axe.run({ runOnly: ${JSON.stringify(rules)}, resultTypes: ['violations'] })
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => [id, html, failureSummary].join(' ')))`
  return (await runScript(page, script)) as string[]
}

/** Every path that a router of Campus answers GET for. */
function answeringGet(): string[] {
  const paths = routing.mock.calls.flatMap(({ arguments: [path], result }) =>
    result?.stack.some(layer => layer.method === 'get') ? [path].flat() : [],
  )
  return [...new Set(paths.map(String))].sort()
}
