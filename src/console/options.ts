import type { ClientConnection, Duration, Session } from '../index.ts'

/** Options of `createConsole`. */
export interface ConsoleOptions<Data extends object = Record<string, unknown>> {
  /**
   * Whether this user may see and end everybody's sessions. The session is loaded and somebody is signed in. Asked for every
   * request and, while somebody follows the feed, again and again: decide by `userId`, and not by `data`, of which a feed sees what it
   * was when the feed began, until `fresh` is over. Nobody else gets to see anything of the console.
   */
  readonly administrator: (session: Session<Data>) => boolean | Promise<boolean>
  /**
   * The page on this site where one proves who one is, such as `/reauthenticate`: who is not signed in, locked out, or proved too
   * little or too long ago is sent there, with `returnTo` added.
   */
  readonly signInAt: string
  /**
   * How long ago an administrator may have proved two factors. Default `'15m'`. Level 2 is demanded in any case (NIST SP 800-63B
   * AAL2), and no option takes that back.
   */
  readonly fresh?: Duration
  /** How "end all sessions of everybody" is confirmed. Left out: the console does not offer it. */
  readonly prove?: Proving<Data>
  /** Bounds of the live feed. */
  readonly feed?: FeedOptions
  /** Now, epoch ms; the one that the sessions have. For tests. Default `Date.now`. */
  readonly clock?: () => number
}

/** Bounds of the live feed. */
export interface FeedOptions {
  /** How often the trail is asked for what is new, for all listeners together. Default `'1s'`. */
  readonly askEvery?: Duration
  /** How often a listener's session is looked at: whether it is alive, an administrator's and fresh. Default `'3s'`. */
  readonly checkEvery?: Duration
  /** The most listeners at the same time. Default 100. */
  readonly most?: number
  /** The most of one session. Default 6: so many tabs. */
  readonly mostOfSession?: number
}

/** How an administrator proves who they are for an action that is confirmed (ASVS 7.5.3). */
export interface Proving<Data extends object = Record<string, unknown>> {
  /** Which fields the console's page asks for. A code is left empty by those who have none. */
  readonly fields: ProvingFields
  /**
   * Checks what was entered, behind the application's own throttle. `passed`: with `amr` as RFC 8176 values, which must reach level
   * 2. `refused`: wrong, whatever of it. `wait`: too many were wrong before.
   */
  check(
    entered: EnteredProof,
    context: ProvingContext<Data>,
  ): Promise<
    | { readonly outcome: 'passed'; readonly amr: readonly string[] }
    | { readonly outcome: 'refused' }
    | { readonly outcome: 'wait'; readonly seconds: number }
  >
  /**
   * Options for `navigator.credentials.get`, JSON as browsers take it, with the confirmation as challenge; `null` when this
   * user has no passkey. Left out where there are none.
   */
  passkey?(session: Session<Data>, confirmation: string): Promise<unknown>
}

/** Which fields there are. */
export interface ProvingFields {
  /** A password. */
  readonly password: boolean
  /** Of an authenticator app, or a recovery code. */
  readonly code: boolean
  /** A passkey, by the browser. */
  readonly passkey: boolean
}

/** What an administrator entered. Texts are at most 1,000 characters long. */
export interface EnteredProof {
  /** Left out when nothing was entered. */
  readonly password?: string
  /** Left out when nothing was entered. */
  readonly code?: string
  /** What `navigator.credentials.get` gave, as JSON; unchecked. */
  readonly passkey?: unknown
}

/** What a proof is for. */
export interface ProvingContext<Data extends object = Record<string, unknown>> {
  /** The administrator's session. */
  readonly session: Session<Data>
  /** The administrator. */
  readonly userId: string
  /** The id of the confirmation: the challenge that a passkey has to sign. */
  readonly confirmation: string
  /** The client's end of the connection, as far as proxies are trusted. */
  readonly client: ClientConnection
  /** The request as the framework has it: Express's or Fastify's, Hono's context, Node's `IncomingMessage`, a `Request`. */
  readonly request: unknown
}
