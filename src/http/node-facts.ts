import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { holdResponse } from './hold-response.ts'
import type { HeldExchange, RequestFacts } from './request-facts.ts'

/** A request of Node as frameworks hand it on: some keep the target as it was sent, some parse the body. */
export type NodeRequest = IncomingMessage & { originalUrl?: string; body?: unknown }

/** The facts of a request on Node, read only when something asks: most requests need few of them. */
export class NodeFacts implements RequestFacts {
  readonly #request: NodeRequest
  readonly #response: ServerResponse
  readonly #fail: (error: unknown) => void

  /** `fail` answers the request when the session could not be written. */
  constructor(request: NodeRequest, response: ServerResponse, fail: (error: unknown) => void) {
    this.#request = request
    this.#response = response
    this.#fail = fail
  }

  get method(): string {
    return this.#request.method ?? ''
  }

  get target(): string {
    return this.#request.originalUrl ?? this.#request.url ?? ''
  }

  get headers(): IncomingMessage['headers'] {
    return this.#request.headers
  }

  get remoteAddress(): string | undefined {
    return this.#request.socket.remoteAddress
  }

  get encrypted(): boolean {
    return (this.#request.socket as TLSSocket).encrypted === true
  }

  body(): unknown {
    return this.#request.body
  }

  onUse(exchange: HeldExchange): void {
    holdResponse(this.#response, exchange, this.#fail)
  }
}

/** A request as `bearer.signIn`, `bearer.authenticate` and Latchkey's endpoints take it. */
export function requestFacts(request: NodeRequest, response: ServerResponse): RequestFacts {
  return new NodeFacts(request, response, () => {})
}
