import type { OutgoingHttpHeaders } from 'node:http'
import { CookieJar } from 'tough-cookie'
import { send, type WireAnswer } from '../../src/testing/adapter-contract/wire.ts'

export type { WireAnswer } from '../../src/testing/adapter-contract/wire.ts'

/** Where the application lives as its visitors see it; a proxy in front of the loopback address ends TLS. */
export const site = 'https://campus.example'

/** What is special about a request. A header that is `null` is not sent. */
export interface Wanted {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>
  readonly body?: string | Uint8Array
  /** Sent instead of what is in the jar; `null` sends no cookie. */
  readonly cookie?: string | null
}

/** A browser over real HTTP, with a jar that takes and keeps cookies as strictly as RFC 6265bis asks (prefixes too). */
export class HttpClient {
  readonly jar: CookieJar = new CookieJar(undefined, { prefixSecurity: 'strict' })
  readonly #origin: string

  constructor(origin: string) {
    this.#origin = origin
  }

  async send(path: string, { method = 'GET', headers = {}, body, cookie }: Wanted = {}): Promise<WireAnswer> {
    const inJar = await this.cookie()
    const all: Record<string, string | readonly string[] | null> = {
      Host: 'campus.example',
      'X-Forwarded-Proto': 'https',
      'Sec-Fetch-Site': 'same-origin',
      Cookie: (cookie === undefined ? inJar : cookie) || null,
      ...headers,
    }
    const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)) as OutgoingHttpHeaders
    const answer = await send(this.#origin, { method, path, headers: sent, ...(body === undefined ? {} : { body }) })
    for (const line of answer.setCookies) await this.jar.setCookie(line, site)
    return answer
  }

  /** What its browser would send as `Cookie`. */
  async cookie(): Promise<string> {
    return this.jar.getCookieString(site)
  }

  /** The session's token, or `null`. */
  async token(name = '__Host-Http-sid'): Promise<string | null> {
    const cookies = await this.jar.getCookies(site)
    return cookies.find(cookie => cookie.key === name)?.value ?? null
  }

  /** A CSRF token from a page of this session. */
  async csrf(): Promise<string> {
    return JSON.parse((await this.send('/csrf')).body)
  }

  /** A request as a page of the application sends it, with the CSRF token. */
  async post(path: string, wanted: Wanted = {}): Promise<WireAnswer> {
    const proof = (await this.cookie()) === '' ? {} : { 'X-CSRF-Token': await this.csrf() }
    return this.send(path, { method: 'POST', ...wanted, headers: { ...proof, ...wanted.headers } })
  }

  /** What `/me` says about this visitor. */
  async me(wanted: Wanted = {}): Promise<{ id: string | null; userId: string | null; data: Record<string, unknown> }> {
    return JSON.parse((await this.send('/me', wanted)).body)
  }
}
