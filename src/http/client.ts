import type { RequestOrigin } from '../session/events.ts'
import type { ClientConnection, ReadConnection } from './client-address.ts'
import type { RequestFacts } from './request-facts.ts'

/** Who is at the other end of a request; worked out when somebody asks, and once. */
export class Client {
  readonly #read: ReadConnection
  readonly #facts: RequestFacts
  #connection: ClientConnection | null = null

  constructor(read: ReadConnection, facts: RequestFacts) {
    this.#read = read
    this.#facts = facts
  }

  /** The client's end of the connection, as far as proxies are trusted. */
  get connection(): ClientConnection {
    if (!this.#connection) {
      const { remoteAddress, headers, encrypted } = this.#facts
      this.#connection = this.#read(remoteAddress, headers, encrypted)
    }
    return this.#connection
  }

  /** As events and records hold it. */
  origin(): RequestOrigin {
    const agent = single(this.#facts.headers['user-agent'])
    return { address: this.connection.address, userAgent: agent?.slice(0, 256) ?? null }
  }
}

/** One text of a header that may have come several times. */
export function single(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'object' ? header.join(', ') : header
}
