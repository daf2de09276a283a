import assert from 'node:assert/strict'
import type { CDPSession, Page } from 'playwright-core'
import { devtools } from './chromium.ts'
import { cookieName, runScript } from './page.ts'
import type { Site } from './sites.ts'

/** What an attacker would like Campus to do for the victim. */
export interface Wish {
  readonly address: string
  readonly fields: Readonly<Record<string, string>>
}

/** A request as it left the browser. */
export interface SentRequest {
  readonly address: string
  /** Whether the session cookie travelled along. */
  readonly withSession: boolean
}

/** Makes the browser send a request from the attacker's site, and returns what was sent. */
export type Forgery = (page: Page, from: Site, wish: Wish) => Promise<SentRequest>

/** A form that sends itself off, away from the attacker's page: no script is needed, and no permission. */
export function formOf(enctype: 'application/x-www-form-urlencoded' | 'text/plain'): Forgery {
  return async (page, from, { address, fields }) => {
    // As text/plain, `name=value` has to be JSON: the name holds nearly all of it, and the value closes it.
    const json: [string, string][] = [[JSON.stringify(fields).replace(/,?}$/, ', "x": "'), '"}']]
    const inputs = (enctype === 'text/plain' ? json : Object.entries(fields)).map(
      ([name, value]) => `<input name='${name}' value='${value}'>`,
    )
    const form = `<form method="post" action="${address}" enctype="${enctype}">${inputs.join('')}<button>Win a prize</button></form>`
    await page.goto(from.show('/attack', form))
    const line = await listen(page)
    const [sent] = await Promise.all([
      nextPost(line),
      page.waitForResponse(response => response.url() === address && response.status() === 403),
      page.getByRole('button', { name: 'Win a prize' }).click(),
    ])
    await page.getByText('came from another site').first().waitFor()
    return sent
  }
}

/** A fetch with credentials that counts as simple, so that the browser sends it without asking Campus first. */
export function fetchOf(type: 'application/x-www-form-urlencoded' | 'text/plain'): Forgery {
  return async (page, from, { address, fields }) => {
    const attack = from.show('/attack', 'hello')
    if (page.url() !== attack) await page.goto(attack)
    const body = type === 'text/plain' ? JSON.stringify(fields) : new URLSearchParams(fields).toString()
    const init = { method: 'POST', mode: 'no-cors', credentials: 'include', headers: { 'content-type': type }, body }
    const line = await listen(page)
    const [sent] = await Promise.all([
      nextPost(line),
      // Campus's answers say Cross-Origin-Resource-Policy: same-origin, so that not even their arrival can be seen.
      assert.rejects(runScript(page, `await fetch('${address}', ${JSON.stringify(init)})`), /Failed to fetch/),
    ])
    return sent
  }
}

/** The devtools' line, on which requests are told from now on. */
async function listen(page: Page): Promise<CDPSession> {
  const line = await devtools(page)
  await line.send('Network.enable')
  return line
}

/** The next POST that leaves the browser. The devtools tell in two messages, in any order, which headers it carried. */
function nextPost(line: CDPSession): Promise<SentRequest> {
  return new Promise(resolve => {
    const addresses = new Map<string, string>()
    const cookies = new Map<string, string>()
    const look = (id: string) => {
      const [address, cookie] = [addresses.get(id), cookies.get(id)]
      if (address === undefined || cookie === undefined) return
      line.off('Network.requestWillBeSent', onRequest)
      line.off('Network.requestWillBeSentExtraInfo', onHeaders)
      resolve({ address, withSession: cookie.includes(`${cookieName}=`) })
    }
    const onRequest = ({ requestId, request }: { requestId: string; request: { method: string; url: string } }) => {
      if (request.method === 'POST') addresses.set(requestId, request.url)
      look(requestId)
    }
    const onHeaders = ({ requestId, headers }: { requestId: string; headers: Record<string, string> }) => {
      cookies.set(requestId, headers.Cookie ?? headers.cookie ?? '')
      look(requestId)
    }
    line.on('Network.requestWillBeSent', onRequest)
    line.on('Network.requestWillBeSentExtraInfo', onHeaders)
  })
}
