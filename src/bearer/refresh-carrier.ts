import { UsageError } from '../errors.ts'
import { Client } from '../http/client.ts'
import type { SessionHost } from '../http/exchange.ts'
import type { RequestFacts } from '../http/request-facts.ts'
import type { BearerHolder } from '../session/body.ts'
import type { Carrier } from '../session/carrier.ts'
import type { RequestOrigin } from '../session/events.ts'

/**
 * The refresh token as a carrier of sessions. It comes in the body of a request that a program makes on purpose, so no page
 * of another site can send it, and there is nothing to defend against cross-site request forgery.
 */
export class RefreshCarrier implements Carrier {
  readonly arrivedAt: number
  readonly ambiguous = false
  readonly bearer: BearerHolder
  readonly client: Client
  readonly #host: SessionHost
  readonly #token: string | null

  /** `holder`: whose a session is that begins here. */
  constructor(host: SessionHost, facts: RequestFacts, token: string | null, holder: BearerHolder) {
    this.arrivedAt = host.engine.now()
    this.bearer = holder
    this.client = new Client(host.readConnection, facts)
    this.#host = host
    this.#token = token
  }

  get maxDataBytes(): number {
    return this.#host.maxDataBytes
  }

  token(): string | null {
    return this.#token
  }

  origin(): RequestOrigin {
    return this.client.origin()
  }

  /** Whether the holder is the right one shows when the session is known: see `Grants`. */
  admit(): void {}

  assertDeliverable(): void {
    if (this.#host.insecureHttp || this.client.connection.encrypted) return
    throw new UsageError(
      'This request came over plain HTTP, where everybody on the way could read the tokens. Behind a proxy that ends TLS ' +
        'set trustProxy; otherwise serve HTTPS, or set insecureHttp: true while developing.',
    )
  }
}
