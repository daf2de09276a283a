import type { Exchange } from './exchange.ts'
import type { ResponseHead } from './request-facts.ts'
import type { Sessions } from './sessions.ts'
import { type Connection, WebFacts } from './web-facts.ts'
import { formOf } from './web-form.ts'

/**
 * One exchange between a Web-standard `Request` and `Response`: `admit` before the handler, `finish` with its answer. All
 * adapters whose frameworks hand back a finished response go through here.
 */
export class WebExchange<Data extends object> {
  readonly exchange: Exchange<Data>
  readonly #request: Request
  readonly #facts: WebFacts

  constructor(manager: Sessions<Data>, request: Request, connection?: Connection) {
    this.#request = request
    this.#facts = new WebFacts(request, connection)
    this.exchange = manager.exchange(this.#facts)
  }

  /** Throws the refusal of a request that another site's page sent; reads a form in which the CSRF token may be. */
  admit(): void | Promise<void> {
    const refusal = this.exchange.refusal()
    if (refusal) throw refusal
    if (this.exchange.mayNeedBody()) return formOf(this.#request).then(form => this.#facts.parsed(form))
  }

  /** Writes the session and gives the answer its headers. Rejects with the error that the client must see instead. */
  async finish(response: Response): Promise<Response> {
    try {
      await this.exchange.settle(response.status)
    } catch (error) {
      // Nobody will read it: whatever it holds open, such as a file, is let go.
      response.body?.cancel().catch(() => {})
      throw error
    } finally {
      this.#facts.leave()
    }
    return this.exchange.session.used ? withHead(response, head => this.exchange.applyTo(head)) : response
  }

  /** Gives the error's answer what is true although `finish` rejected, such as a sign-out. */
  finishFailed(response: Response): Response {
    return withHead(response, head => this.exchange.applyFailureTo(head))
  }

  /** The handler failed in a way that is not ours to answer: nothing is kept. */
  async abandon(): Promise<void> {
    try {
      await this.exchange.settle(500)
    } catch {
      // The handler's error says more than that its session could not be dropped.
    } finally {
      this.#facts.leave()
    }
  }
}

/**
 * A copy of a response, with a changed head. The headers of `Response.redirect()` and `fetch()` are immutable, and an
 * answer that an application keeps and gives to everybody must not carry one visitor's cookie to the next.
 */
function withHead(response: Response, change: (head: ResponseHead) => void): Response {
  // Switching protocols and network errors cannot be made again, and no browser would heed their headers.
  if (response.status < 200) return response
  const answer = new Response(response.body, response)
  change(headOf(answer))
  return answer
}

function headOf({ headers }: Response): ResponseHead {
  return {
    getHeader: name => {
      if (name !== 'set-cookie') return headers.get(name) ?? undefined
      const cookies = headers.getSetCookie()
      return cookies.length === 0 ? undefined : cookies
    },
    setHeader: (name, value) => {
      if (typeof value === 'string') {
        headers.set(name, value)
        return
      }
      // Cookies must stay several headers: joined by commas no browser understands them.
      headers.delete(name)
      for (const one of value) headers.append(name, one)
    },
  }
}
