import type { RequestHeaders } from './client-address.ts'
import type { HeldExchange, RequestFacts } from './request-facts.ts'

/** The other end of a request's socket, which a Web-standard `Request` does not tell. */
export interface Connection {
  /** IP address. Default: unknown, so that no `trustProxy` list can match. */
  readonly address?: string | undefined
  /** Whether the socket itself is TLS. Default: whether the request's URL begins with `https:`. */
  readonly encrypted?: boolean | undefined
}

/** The facts of a Web-standard request, read only when something asks. */
export class WebFacts implements RequestFacts {
  readonly #request: Request
  readonly #connection: Connection
  #headers: RequestHeaders | null = null
  #form: unknown
  #left = false

  constructor(request: Request, connection: Connection = {}) {
    this.#request = request
    this.#connection = connection
  }

  get method(): string {
    return this.#request.method
  }

  /** Path and query as the URL has them, which is what routers see. */
  get target(): string {
    return targetOf(this.#request.url)
  }

  get headers(): RequestHeaders {
    if (!this.#headers) {
      const headers = Object.fromEntries(this.#request.headers)
      headers.host ??= hostOf(this.#request.url)
      this.#headers = headers
    }
    return this.#headers
  }

  get remoteAddress(): string | undefined {
    return this.#connection.address
  }

  get encrypted(): boolean {
    return this.#connection.encrypted ?? /^https:/i.test(this.#request.url)
  }

  body(): unknown {
    return this.#form
  }

  /** The form has been read. */
  parsed(form: unknown): void {
    this.#form = form
  }

  onUse(exchange: HeldExchange): void {
    if (this.#left) exchange.close()
  }

  /** The head of the answer is given; what uses the session from now on, such as a streaming body, comes too late. */
  leave(): void {
    this.#left = true
  }
}

/** Path and query of an address, character for character. */
export function targetOf(url: string): string {
  return /^[^:/?#]+:\/\/[^/?#]*([^#]*)/.exec(url)?.[1] || '/'
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : ''
}
