import type { ClientConnection, Duration, LoadOptions, Session } from '../index.ts'

/**
 * A request to the console in the words of no framework. An adapter makes one for each request below its mount, behind the
 * session middleware, so that requests from other sites' pages are refused already.
 */
export interface ConsoleRequest {
  /** Method, in capitals. */
  readonly method: string
  /** Where the console is mounted, as the browser sees it, without a slash at the end: `/console`; `''` when it has a host of its own. */
  readonly mount: string
  /** The path below the mount as it was sent, not decoded: `''` for the mount itself, `/`, `/api/overview`. */
  readonly path: string
  /** The query string, parsed. */
  readonly query: URLSearchParams
  /** A header by its lower-case name, `null` when it is not there. */
  header(name: string): string | null
  /** The body, parsed as JSON. Rejects for one that is none, or too long. Asked for at most once. */
  json(): Promise<unknown>
  /** The session of the request; it need not be loaded. */
  readonly session: Session<object>
  /** The guards of the framework's adapter: they tell of what they refuse. Without `redirectTo`, so that they reject. */
  readonly guards: ConsoleGuards
  /** The adapter's function that makes a CSRF token for the loaded session. */
  csrfToken(): string
  /** The client's end of the connection, as far as proxies are trusted. */
  readonly client: ClientConnection
  /** The request as the framework has it, for {@link Proving.check}. */
  readonly native: unknown
}

/** The guards that every adapter has, for one request. Each resolves or rejects with a `Refusal`. */
export interface ConsoleGuards {
  /** Somebody is signed in. */
  requireUser(options: LoadOptions): Promise<unknown>
  /** They proved who they are to this level. */
  requireLevel(level: 2, options: LoadOptions): Promise<unknown>
  /** What they proved within this time reaches that level by itself. */
  requireFresh(within: Duration, options: LoadOptions & { readonly level: 2 }): Promise<unknown>
}

/** What the console answers, to be given as it is: whole, or as a stream that goes on for as long as it may. */
export interface ConsoleAnswer {
  /** HTTP status. */
  readonly status: number
  /** All headers, lower-case names; they take the place of what the application has set. */
  readonly headers: Readonly<Record<string, string>>
  /** Text, bytes, `null` for nothing, or a stream. To be left out where the method is `HEAD`. */
  readonly body: string | Uint8Array<ArrayBuffer> | null | OpenStream
}

/**
 * Begins to stream, once the head has left or is about to. Returns the function that the adapter calls when the client has
 * gone; calling it again, or after the end, does no harm.
 */
export type OpenStream = (receiver: Receiver) => () => void

/** Where a stream goes: one client. */
export interface Receiver {
  /**
   * Sends. `false`: the client has gone, or more than {@link mostWaiting} waits for it already, and the adapter has given it up.
   */
  send(text: string): boolean
  /** Ends the answer, after what was sent. */
  end(): void
}

/** The most that may wait for a client who reads too slowly, in bytes: 1 MiB. */
export const mostWaiting = 1_048_576
