import type { OutgoingHttpHeaders } from 'node:http'
import { send, type WireAnswer, type WireRequest } from './wire.ts'

/**
 * A browser as far as the contract needs one: it keeps cookies, says that its requests come from the site itself, and
 * sends the CSRF token once it has a session. It reaches the server as through a proxy that ends TLS.
 */
export class Visitor {
  readonly #origin: string
  readonly #cookies = new Map<string, string>()

  constructor(origin: string) {
    this.#origin = origin
  }

  /** What it would send as `Cookie`. */
  get cookie(): string {
    return [...this.#cookies].map(pair => pair.join('=')).join('; ')
  }

  /** The value of one cookie. */
  valueOf(name: string): string | undefined {
    return this.#cookies.get(name)
  }

  /** All headers of its requests. */
  headers(extra: OutgoingHttpHeaders = {}): OutgoingHttpHeaders {
    return {
      Host: 'contract.test',
      'X-Forwarded-Proto': 'https',
      'Sec-Fetch-Site': 'same-origin',
      ...(this.#cookies.size > 0 ? { Cookie: this.cookie } : {}),
      ...extra,
    }
  }

  /** A visitor with a copy of the cookies, like a thief or a second tab. */
  copy(): Visitor {
    const copy = new Visitor(this.#origin)
    for (const [name, value] of this.#cookies) copy.#cookies.set(name, value)
    return copy
  }

  async get(path: string, wanted: Partial<WireRequest> = {}): Promise<WireAnswer> {
    return this.#keep(await send(this.#origin, { ...wanted, path, headers: this.headers(wanted.headers) }))
  }

  async post(path: string, wanted: Partial<WireRequest> = {}): Promise<WireAnswer> {
    const proof = wanted.headers?.['X-CSRF-Token'] === undefined ? await this.csrf() : {}
    const headers = this.headers({ ...proof, ...wanted.headers })
    return this.#keep(await send(this.#origin, { ...wanted, method: 'POST', path, headers }))
  }

  /** The header that proves that a request comes from a page of this session. */
  async csrf(): Promise<OutgoingHttpHeaders> {
    if (this.#cookies.size === 0) return {}
    const { body } = await this.get('/csrf')
    return { 'X-CSRF-Token': JSON.parse(body) }
  }

  #keep(answer: WireAnswer): WireAnswer {
    for (const cookie of answer.setCookies) {
      const [pair = '', ...attributes] = cookie.split('; ')
      const [name = '', value = ''] = pair.split(/=(.*)/s)
      if (attributes.includes('Max-Age=0')) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    return answer
  }
}
