import type { RequestHeaders } from './client-address.ts'

/** What an adapter tells about a request. Read when needed: a router may still change the method, a parser add the body. */
export interface RequestFacts {
  /** Method. */
  readonly method: string
  /** Request target as sent, for example `/cart?x=1`; only compared, never parsed. */
  readonly target: string
  /** Headers as Node gives them: lower-case names, several `Cookie` headers joined. */
  readonly headers: RequestHeaders
  /** Address of the socket's other end. */
  readonly remoteAddress: string | undefined
  /** Whether the socket itself is TLS. */
  readonly encrypted: boolean
  /** The parsed body, for the form field `csrf_token`; `undefined` when none was parsed. */
  body(): unknown
  /** Called once, when the session is used for the first time: from now on the response must wait for `settle`. */
  onUse(exchange: HeldExchange): void
}

/** What holding a response needs of its exchange. */
export interface HeldExchange {
  /** See `Exchange.settle`. */
  settle(status: number): void | Promise<void>
  /** See `Exchange.close`. */
  close(): void
  /** See `Exchange.applyTo`. */
  applyTo(response: ResponseHead): void
  /** See `Exchange.applyFailureTo`. */
  applyFailureTo(response: ResponseHead): void
}

/** The part of a response that an exchange reads and writes. Node's responses fit as they are. */
export interface ResponseHead {
  /** The header's value, `undefined` when it is not set. */
  getHeader(name: string): number | string | string[] | undefined
  /** Sets a header, replacing what was there. */
  setHeader(name: string, value: string | string[]): unknown
}
