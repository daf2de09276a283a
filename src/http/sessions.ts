import { UsageError } from '../errors.ts'
import type { Administration } from '../session/administration.ts'
import type { Entry } from '../session/asked-directory.ts'
import { type SessionCensus, takeCensus } from '../session/census.ts'
import { type Duration, durationMs } from '../session/duration.ts'
import { Engine } from '../session/engine.ts'
import type { EventListener, UseObserver } from '../session/events.ts'
import { createKeyRing } from '../session/key-ring.ts'
import { type Policy, type PolicyOptions, resolvePolicy } from '../session/policy.ts'
import { policyPage } from '../session/policy-page.ts'
import { pooledRandomBytes } from '../session/random.ts'
import { describe, type SessionInfo } from '../session/session-info.ts'
import { type SessionQuery, type SessionSearchPage, search } from '../session/session-search.ts'
import type { SessionStore } from '../session/store.ts'
import type { StoreMeter } from '../session/store-meter.ts'
import { clientAddress, type TrustProxy } from './client-address.ts'
import { ownOrigins } from './csrf.ts'
import { CsrfTokens } from './csrf-tokens.ts'
import { Exchange, type SessionHost } from './exchange.ts'
import type { AlsoCleared } from './hygiene.ts'
import type { RequestFacts } from './request-facts.ts'
import { maxCookieAgeSeconds, maxCookieBytes, type SessionCookieOptions, sessionCookie } from './set-cookie.ts'

/** Options of {@link createSessions}. Only `secrets` and `store` are needed: the defaults are the safe ones. */
export interface SessionsOptions {
  /**
   * Server secrets, newest first: the first one issues tokens, all of them verify, so that a secret can be replaced
   * while people work. At least 32 random characters each, from `npx latchkey keygen`, out of the environment or a
   * vault (ASVS 13.3.1). A missing, short or well-known one is refused.
   */
  readonly secrets: readonly (string | undefined)[]
  /** Where records live. The memory store is refused in production. */
  readonly store: SessionStore
  /** Time and count limits. */
  readonly policy?: PolicyOptions
  /** Name and attributes of the session cookie. Default: `__Host-Http-sid`, Secure, HttpOnly, SameSite=Lax (Strict with the preset `owasp-high`), Path=/. */
  readonly cookie?: Omit<SessionCookieOptions, 'insecureHttp'>
  /** Defence against cross-site request forgery; both layers are on by default. */
  readonly csrf?: CsrfOptions
  /**
   * Which proxies in front of this server are believed about the client's address and HTTPS. Default `false`: none.
   * In production it must be written down, because a wrong guess either believes attackers or sees no HTTPS.
   */
  readonly trustProxy?: TrustProxy
  /** Works over plain HTTP with a weaker cookie. Default `false`. For development only: refused in production. */
  readonly insecureHttp?: boolean
  /** Gets every event, synchronously. What it throws is ignored. */
  readonly onEvent?: EventListener
  /**
   * What happens when a superseded token comes back: `end` (default) ends the session for both holders, because one of
   * them is a thief; `refuse` only refuses the request. Both raise `token.replayed`.
   */
  readonly onReplay?: 'end' | 'refuse'
  /**
   * Most bytes of one session's data as JSON, 256 to 1,048,576. Default 65,536. More throws a `DataTooLargeError` (413).
   * With a sealed store, where a cookie must hold it: at most 2,800, default 2,048.
   */
  readonly maxDataBytes?: number
  /** How long the store may take before the request ends with 503. Default `'2s'`. */
  readonly storeTimeout?: Duration
  /** How often what has timed out is removed from the store. Default `'1m'`; `false` when something else does it. */
  readonly sweepEvery?: Duration | false
  /** What a sign-out clears in the browser besides its storage, or `false` for no `Clear-Site-Data`. Default `[]`. */
  readonly clearSiteData?: readonly AlsoCleared[] | false
  /** `production` refuses what is only fit for development. Default: what `NODE_ENV` says. */
  readonly environment?: 'production' | 'development'
  /** Now, epoch ms. For tests. Default `Date.now`. */
  readonly clock?: () => number
  /** Random bytes. For tests. Default: the system's CSPRNG. */
  readonly random?: (size: number) => Buffer
}

/** Options of the CSRF defence. */
export interface CsrfOptions {
  /**
   * Origins whose pages may send requests, such as `https://campus.example`. Default: the host that the request asks
   * for. With a list, only the list counts for clients that send `Origin` but no Fetch Metadata.
   */
  readonly origins?: readonly string[]
  /** Whether unsafe requests of a session must carry its token. Default `true` (NIST SP 800-63B-4 5.1). */
  readonly token?: boolean
  /** Requests that are not checked, as `'POST /path'`, compared exactly as sent. Default: none. */
  readonly exempt?: readonly `${string} /${string}`[]
  /** Tell about forged requests, but carry them out: for trying the defence on a live site. Default `false`. */
  readonly insecureReportOnly?: boolean
}

/** What {@link createSessions} returns: one lifecycle of sessions, for adapters and for administration. */
export interface Sessions<Data extends object = Record<string, unknown>> {
  /** The policy in force. */
  readonly policy: Policy
  /**
   * Whether sessions can be listed and ended from elsewhere. `false` with a sealed store without a list: `list`, `find`, `end`,
   * `endUser` and `endEverybody` then throw a `UsageError`, and a copied cookie works until it times out, also after sign-out.
   */
  readonly revocable: boolean
  /** The user's live sessions, newest first. */
  list(userId: string): Promise<SessionInfo[]>
  /** Whether the store can list all sessions, whoever's they are: what `search` without a user, `count` and `census` need. */
  readonly listable: boolean
  /**
   * One page of the live sessions that match, of any user. An answer is always quickly there: a search for what is rare looks at
   * a few thousand sessions at a time, and `next` goes on. For administrators: it shows everybody's addresses.
   *
   * Throws a `UsageError` for a cursor that is none, for a query out of bounds, and where `listable` is `false` unless the query
   * names a user.
   */
  search(query?: SessionQuery): Promise<SessionSearchPage>
  /** How many live sessions there are, about; those that timed out since the last sweep may be among them. Needs `listable`. */
  count(): Promise<number>
  /** How many sessions there are of which level and carrier: counted, or estimated from 2,000 where there are more. Needs `listable`. */
  census(): Promise<SessionCensus>
  /** One live session by its public id, or `null`. */
  find(sid: string): Promise<SessionInfo | null>
  /**
   * Ends one session and resolves to whether it was alive. With `userId` only if it belongs to this user, so that an
   * id from a form cannot end somebody else's (ASVS 7.5.2); the reason is then `signed-out` instead of `revoked`.
   */
  end(sid: string, options?: { readonly userId?: string }): Promise<boolean>
  /**
   * Asks the user of a session to prove again who they are: until they sign in or step up, it is nobody's (see
   * `Session.locked`), and whoever copied the token has nothing. A program's session, and a guest's, is ended instead, because
   * nobody there could. Resolves to whether it was alive.
   */
  lock(sid: string): Promise<boolean>
  /**
   * Ends all of a user's sessions, but `except` if given, and resolves to how many. Exact: when it resolves none of them
   * answers anywhere, and a sign-in that was under way is refused (ASVS 7.4.2, 7.4.3, 7.4.5).
   */
  endUser(userId: string, options?: { readonly except?: string | null }): Promise<number>
  /** Ends every session there is and resolves to how many. */
  endEverybody(): Promise<number>
  /** The user's generation: read it before the password is checked and pass it to `signIn`. */
  generation(userId: string): Promise<number>
  /** Adds a listener for events; the returned function removes it. */
  subscribe(listener: EventListener): () => void
  /**
   * Adds an observer of uses: called for every request that loads a live session, or comes with an access token of one for which
   * the store is asked, with where it comes from; the returned function removes it. For detectors. It runs in the middle of
   * every request, so it must be quick.
   */
  observe(observer: UseObserver): () => void
  /**
   * Adds a meter of the store: how long its operations take, how they go, and whether a near cache had the answer; the
   * returned function removes it. While there is none nothing is measured. For metrics: see `latchkey/watch/metrics`.
   */
  measure(meter: StoreMeter): () => void
  /** The policy in force as a page of Markdown (ASVS 7.1.1, 7.1.2). */
  policyPage(): string
  /** Resolves when the store can serve, rejects with a `StoreError` when not. */
  ping(): Promise<void>
  /** Removes what has timed out now, and resolves to how many records left. */
  sweep(): Promise<number>
  /** Stops the sweeper and closes the store. */
  close(): Promise<void>
  /** For adapters: the exchange of one request. */
  exchange(facts: RequestFacts): Exchange<Data>
}

/**
 * Starts session management. Throws a `UsageError` that names the option and the fix when the set-up is unusable or
 * unsafe: a service that cannot be safe must not start (T23).
 */
export function createSessions<Data extends object = Record<string, unknown>>(
  options: SessionsOptions,
): Sessions<Data> {
  const production = (options.environment ?? process.env.NODE_ENV) === 'production'
  const { store, clock = Date.now, random = pooledRandomBytes, insecureHttp = false } = options
  if (!store)
    throw new UsageError(
      "store is missing: pass one, for example sqliteStore('sessions.db') from 'latchkey/stores/sqlite'.",
    )
  if (production) assertFitForProduction(options)
  const [mostData, usualData] = store.carried ? [2_800, 2_048] : [1_048_576, 65_536]
  const { maxDataBytes = usualData } = options
  if (!(Number.isInteger(maxDataBytes) && maxDataBytes >= 256 && maxDataBytes <= mostData)) {
    const inside = store.carried ? ', because a cookie holds it all' : ''
    throw new UsageError(`maxDataBytes must be a whole number from 256 to ${mostData}${inside}.`)
  }

  const ring = createKeyRing(options.secrets)
  const policy = resolvePolicy(options.policy)
  if (store.carried === 'all' && policy.maxSessions !== null) {
    throw new UsageError(
      'policy.maxSessions needs a list of sessions: pass sealedStore({ revocations: … }) a store, or leave maxSessions out.',
    )
  }
  const cookie = sessionCookie({
    sameSite: policy.preset === 'owasp-high' ? 'strict' : 'lax',
    ...options.cookie,
    insecureHttp,
  } as SessionCookieOptions)
  const engine = new Engine({
    ring,
    store,
    policy,
    clock,
    random,
    onReplay: options.onReplay ?? 'end',
    storeTimeoutMs: durationMs(options.storeTimeout ?? '2s', 'storeTimeout'),
    // Old browsers count the attributes, too.
    place: { name: cookie.name, maxLength: maxCookieBytes - cookie.set('', maxCookieAgeSeconds).length },
  })
  if (options.onEvent) engine.events.subscribe(options.onEvent)
  const host: SessionHost = {
    engine,
    insecureHttp,
    maxDataBytes,
    cookie,
    readConnection: clientAddress(options.trustProxy ?? false),
    clearSiteData: options.clearSiteData ?? [],
    ring,
    random,
    csrf: {
      origins: ownOrigins(options.csrf?.origins),
      tokens: new CsrfTokens(ring, random),
      token: options.csrf?.token ?? true,
      exempt: new Set(options.csrf?.exempt),
      insecureReportOnly: options.csrf?.insecureReportOnly ?? false,
    },
  }
  const { administration } = engine
  const shown = (entry: Entry) => describe(entry, policy, clock())
  const stopSweeping = sweepRegularly(administration, options.sweepEvery ?? '1m')

  const sessions: Sessions<Data> = {
    policy,
    revocable: engine.carried !== 'all',
    listable: administration.directory.exists,
    list: async userId => (await administration.list(userId)).map(shown),
    search: async query =>
      search(query ?? {}, {
        directory: administration.directory,
        list: id => administration.list(id),
        describe: shown,
      }),
    count: () => administration.directory.count(),
    census: () => takeCensus(administration.directory, shown),
    find: async sid => {
      const entry = await administration.find(sid)
      return entry && shown(entry)
    },
    end: async (sid, { userId } = {}) => {
      if (userId !== undefined && (await administration.find(sid))?.record.userId !== userId) return false
      return administration.end(sid, userId === undefined ? 'revoked' : 'signed-out')
    },
    lock: sid => administration.lock(sid),
    endUser: (userId, { except } = {}) => administration.endUser(userId, 'revoked', except ?? undefined),
    endEverybody: () => administration.endEverybody('revoked'),
    generation: userId => administration.generation(userId),
    subscribe: listener => engine.events.subscribe(listener),
    observe: observer => engine.events.observe(observer),
    measure: meter => engine.measure(meter),
    policyPage: () => policyPage(policy, engine.carried),
    ping: () => administration.ping(),
    sweep: () => administration.sweep(),
    close: () => {
      stopSweeping()
      return engine.close()
    },
    exchange: facts => new Exchange<Data>(host, facts),
  }
  hosts.set(sessions, { host, store })
  return sessions
}

const hosts = new WeakMap<object, { readonly host: SessionHost; readonly store: SessionStore }>()

/** @internal What a manager runs on, for the other carriers: they bring sessions of the same lifecycle. */
export function hostOf(sessions: object): { readonly host: SessionHost; readonly store: SessionStore } {
  const found = hosts.get(sessions)
  if (found) return found
  throw new UsageError('Pass the object that createSessions returned, of the same copy of the package latchkey.')
}

function assertFitForProduction({ store, insecureHttp, trustProxy, csrf }: SessionsOptions): void {
  if (!store.persistent) {
    throw new UsageError(
      `store: the ${store.name} store forgets everybody at every restart and is refused in production. Use sqliteStore, or a database.`,
    )
  }
  if (insecureHttp)
    throw new UsageError(
      'insecureHttp: true is refused in production: serve HTTPS, or end TLS at a proxy and set trustProxy.',
    )
  if (csrf?.insecureReportOnly)
    throw new UsageError('csrf.insecureReportOnly: true is refused in production: remove it.')
  if (trustProxy === undefined) {
    throw new UsageError(
      'trustProxy must be written down in production: false when clients reach this server directly, otherwise the number or the addresses of your proxies.',
    )
  }
}

/** Sweeps now and then, a little irregularly so that many processes do not do it in step. Never keeps the process alive. */
function sweepRegularly(administration: Administration, every: Duration | false): () => void {
  if (every === false) return () => {}
  const everyMs = durationMs(every, 'sweepEvery')
  let timer: NodeJS.Timeout
  const schedule = (): void => {
    timer = setTimeout(
      () => {
        // A failure was told as an event already; the next sweep tries again.
        administration
          .sweep()
          .catch(() => {})
          .finally(() => {
            if (!stopped) schedule()
          })
      },
      everyMs * (0.9 + Math.random() * 0.2),
    ).unref()
  }
  let stopped = false
  schedule()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}
