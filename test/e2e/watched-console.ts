import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { runScript } from './chromium.ts'

/** What a page did that it must not. */
export interface Watched {
  /** Fails when a script ran that is not ours, a policy was broken, or ours threw. */
  assertHarmless(): Promise<void>
}

/** Watches a page from its first moment: whatever a policy stops is an attack that came through until there. */
export async function watchPage(page: Page): Promise<Watched> {
  const wrong: string[] = []
  page.on('pageerror', error => wrong.push(`threw: ${error.message}`))
  page.on('dialog', dialog => {
    wrong.push(`a dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('console', message => {
    if (/Content Security Policy|TrustedHTML|TrustedScript/i.test(message.text())) wrong.push(message.text())
  })
  await page.addInitScript({
    content: `globalThis.violations = [];
      addEventListener('securitypolicyviolation', event => violations.push(event.violatedDirective + ' ' + event.blockedURI))`,
  })
  return {
    async assertHarmless() {
      const [canary, violations] = (await runScript(page, 'return [typeof canary, violations]')) as unknown[]
      assert.equal(canary, 'undefined', 'a script of somebody else ran')
      assert.deepEqual(violations, [])
      assert.deepEqual(wrong, [])
    },
  }
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const levels = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** The rules whose answer depends on colours. */
const rulesOfColours = ['color-contrast', 'link-in-text-block']

/** Both colours and both widths; the colours of the narrow page are those of the wide one, and looked at once more all the same. */
const looks = [
  { width: 1280, height: 800, colorScheme: 'light', whole: true },
  { width: 1280, height: 800, colorScheme: 'dark', whole: false },
  { width: 390, height: 844, colorScheme: 'dark', whole: true },
] as const

/** How wide the page is, once what depends on the screen's width has been drawn anew. */
export async function widthOf(page: Page): Promise<number> {
  const frames = 'for (let n = 0; n < 2; n += 1) await new Promise(requestAnimationFrame)'
  return Number(await runScript(page, `${frames}; return document.documentElement.scrollWidth`))
}

/** What is wrong with a page on a desktop and a phone, light and dark: what axe finds, and whether it has to be scrolled sideways. */
export async function complaintsAbout(page: Page): Promise<string[]> {
  const complaints: string[] = []
  for (const [index, { width, height, colorScheme, whole }] of looks.entries()) {
    await page.setViewportSize({ width, height })
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    const needed = await widthOf(page)
    if (needed > width) complaints.push(`${needed} pixels wide on a screen of ${width}`)
    // Tables become cards on a phone: another page, which is looked at whole.
    const rules = whole ? { type: 'tag', values: levels } : { type: 'rule', values: rulesOfColours }
    const script = `${index === 0 ? axe : ''};
      const { violations } = await globalThis.axe.run({ runOnly: ${JSON.stringify(rules)}, resultTypes: ['violations'] })
      return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => [id, html, failureSummary].join(' ')))`
    for (const found of (await runScript(page, script)) as string[])
      complaints.push(`${width} ${colorScheme}: ${found}`)
  }
  return complaints
}
