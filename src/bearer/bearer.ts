import type { JsonWebKey } from 'node:crypto'
import { UsageError } from '../errors.ts'
import type { Authenticator, Endpoint } from '../http/endpoint.ts'
import type { RequestFacts } from '../http/request-facts.ts'
import { hostOf, type Sessions } from '../http/sessions.ts'
import type { Awaitable } from '../session/awaitable.ts'
import { type Duration, durationMs } from '../session/duration.ts'
import type { SessionStore, SharedStore } from '../session/store.ts'
import { longestLifeMs } from './access-claims.ts'
import { type AccessToken, AccessTokens } from './access-token.ts'
import { Proofs } from './dpop.ts'
import {
  type IntrospectionGuard,
  introspectionEndpoint,
  jwksEndpoint,
  refreshEndpoint,
  revocationEndpoint,
} from './endpoints.ts'
import { type BearerSession, type BearerSignInOptions, Grants, type TokenAnswer } from './grants.ts'
import { Inspection, type Introspection } from './inspection.ts'
import { createKeySet } from './key-set.ts'
import { LiveSessions } from './live-sessions.ts'
import { Possession } from './possession.ts'
import { proofAlgorithms } from './proof-key.ts'
import { memoryReplays, type ProofReplays } from './proof-replays.ts'
import { type BearerRequirements, Resource } from './resource.ts'
import { RevocationList } from './revocation-list.ts'

/** Options of {@link createBearer}. `issuer`, `audience` and `keys` are needed. */
export interface BearerOptions {
  /** Who issues the tokens: this server's address, such as `https://campus.example` (`iss`). */
  readonly issuer: string
  /** For whom: the address of the API (`aud`), compared exactly. For another API make another bearer. */
  readonly audience: string
  /**
   * The private keys that sign access tokens, from `npx latchkey keygen --jwk`: JWKs, or their text as an environment
   * variable or a file (`keysFromFile`) holds it. EdDSA or ES256; HS256 only by itself.
   */
  readonly keys: string | readonly JsonWebKey[] | undefined
  /**
   * How long an access token lives. Default `'15m'`, at most `'1h'`, and never more than half of the idle time-out: whoever
   * refreshes when the token expires must not be idle by then.
   */
  readonly accessTtl?: Duration
  /** The OAuth client of sign-ins and refreshes that name none (`client_id`). Default `'app'`. */
  readonly clientId?: string
  /**
   * Whether every request asks the store if the session still lives, so that a sign-out ends access tokens at once
   * (ASVS 7.4.1), and counts as use of it. Default `true`, `false` with `revocationList`. Without both, an access token
   * lives until it expires, whatever happened to its session.
   */
  readonly checkSession?: boolean
  /**
   * Whether this process keeps a list of sessions that changed lately, told by the store, and asks only about those: no
   * look-up for all others, and a sign-out on any node holds here at most 100 ms later. Default `false`. Needs a store that
   * tells of its changes (PostgreSQL, Redis).
   */
  readonly revocationList?: boolean
  /** Proof of possession (DPoP, RFC 9449), which makes a stolen token worthless without its key. Default `false`: not taken. */
  readonly dpop?: DpopOptions | false
  /** Claims of your own for an access token, such as roles: small, and nothing that everybody who reads it must not know. */
  readonly claims?: (session: BearerSession) => Readonly<Record<string, unknown>>
}

/** How proofs of possession are taken. */
export interface DpopOptions {
  /** Which clients must bring one: all, none, or those for which it says so. Default `false`: whoever brings one is bound to it. */
  readonly required?: boolean | ((clientId: string) => boolean)
  /** Whether proofs must hold a nonce of this server, so that none can be made in advance. Default `false`. */
  readonly nonce?: boolean
  /** How old a proof may be. Default `'1m'`. */
  readonly proofLifetime?: Duration
  /** Where used proofs are remembered. Default: this process's memory, bounded; `sharedReplays(store)` for all nodes together. */
  readonly replays?: ProofReplays
}

/** Access and refresh tokens over the sessions of `createSessions`. Mount it with `requireBearer` and `endpoint` of an adapter. */
export interface Bearer extends Authenticator<AccessToken, BearerRequirements> {
  /** Who sent the request, and what they proved; throws or rejects with a `Refusal` that is a complete answer. */
  authenticate(facts: RequestFacts, requirements?: BearerRequirements): Awaitable<AccessToken>
  /** Begins a session in the hands of a program, once you have checked who its user is. */
  signIn(facts: RequestFacts, userId: string, options: BearerSignInOptions): Promise<TokenAnswer>
  /** New tokens for a refresh token, which is rotated; `null` when it is not good (any more). */
  refresh(
    facts: RequestFacts,
    refreshToken: string,
    options?: { readonly clientId?: string },
  ): Promise<TokenAnswer | null>
  /** The user proved more: new tokens with level and time of it; the old refresh token is dead. `null` as with `refresh`. */
  stepUp(
    facts: RequestFacts,
    refreshToken: string,
    options: Pick<BearerSignInOptions, 'amr' | 'aal' | 'clientId'>,
  ): Promise<TokenAnswer | null>
  /** Ends the session of a refresh or access token; resolves to whether there was one. */
  revoke(facts: RequestFacts, token: string): Promise<boolean>
  /** What a token is worth at this moment. */
  introspect(facts: RequestFacts, token: string): Promise<Introspection>
  /** The public keys as a JWK set; empty with HS256. */
  jwks(): object
  /** Complete routes, for `endpoint` of an adapter. */
  readonly endpoints: {
    /** `POST` with a refresh token: new tokens. */
    readonly refresh: Endpoint
    /** `POST` with a token: ends its session (RFC 7009). */
    readonly revoke: Endpoint
    /** `GET /.well-known/jwks.json`. */
    readonly jwks: Endpoint
    /** `POST` with a token: what it is worth (RFC 7662), for callers that you let in. */
    introspect(mayAsk: IntrospectionGuard): Endpoint
  }
  /** Lets go of the store's channel. Sessions and store stay open. */
  close(): void
}

/**
 * Starts access and refresh tokens over a session manager. Throws a `UsageError` that names the option and the fix when the
 * set-up is unusable or unsafe.
 */
export function createBearer<Data extends object>(sessions: Sessions<Data>, options: BearerOptions): Bearer {
  const { host, store } = hostOf(sessions)
  const { engine } = host
  if (store.carried === 'all') {
    throw new UsageError(
      'createBearer: sealed cookies keep no records, and refresh tokens need one. Use another store for them.',
    )
  }
  const ttlMs = accessTtlMs(options.accessTtl ?? '15m', engine.policy.idleTimeoutMs)
  const keys = createKeySet(options.keys, { verifiesForMs: ttlMs + toleranceMs })
  const tokens = new AccessTokens({
    issuer: options.issuer,
    audience: [options.audience],
    keys,
    toleranceMs,
    ttlMs,
  })
  const { clientId: ownClient = 'app', claims = () => ({}), dpop = false } = options
  const now = () => engine.now()
  keys.signingKey(now()) // throws where nobody could sign in
  for (const warning of keys.warnings(now())) process.emitWarning(warning, { code: 'LATCHKEY_KEYS' })
  const possession = new Possession(dpop ? proofsOf(dpop, host) : null, now)
  const mustProve = requirement(dpop)
  const list = listOf(store, options, ttlMs, now)
  const live = new LiveSessions(engine, list ?? ((options.checkSession ?? true) ? 'asked' : 'unknown'))
  const accepted = { bearer: !(dpop && dpop.required === true), proofAlgorithms: dpop ? proofAlgorithms : null }
  const resource = new Resource({ host, tokens, sessions: live, possession, accepted })
  const grants = new Grants({ host, tokens, possession, mustProve, claims })
  const inspection = new Inspection({
    host,
    tokens,
    grants,
    sessions: new LiveSessions(engine, 'asked'),
    issuer: options.issuer,
    audience: options.audience,
  })

  const refresh: Bearer['refresh'] = (facts, token, { clientId = ownClient } = {}) =>
    grants.refresh(facts, token, clientId)
  return {
    authenticate: (facts, requirements) => resource.authenticate(facts, requirements),
    signIn: (facts, userId, { clientId = ownClient, ...signIn }) => grants.signIn(facts, userId, clientId, signIn),
    refresh,
    stepUp: (facts, token, { clientId = ownClient, ...proved }) => grants.stepUp(facts, token, clientId, proved),
    revoke: (facts, token) => inspection.revoke(facts, token),
    introspect: (facts, token) => inspection.introspect(facts, token),
    jwks: () => keys.jwks(now()),
    endpoints: {
      refresh: refreshEndpoint((facts, token, clientId) =>
        refresh(facts, token, clientId === null ? {} : { clientId }),
      ),
      revoke: revocationEndpoint((facts, token) => inspection.revoke(facts, token)),
      jwks: jwksEndpoint(() => keys.jwks(now())),
      introspect: mayAsk => introspectionEndpoint((facts, token) => inspection.introspect(facts, token), mayAsk),
    },
    close: () => list?.stop(),
  }
}

/** How far the clocks of two nodes may differ. */
const toleranceMs = 5_000

function accessTtlMs(accessTtl: Duration, idleTimeoutMs: number): number {
  const ttlMs = durationMs(accessTtl, 'accessTtl')
  if (ttlMs > longestLifeMs) {
    throw new UsageError(`accessTtl is '${accessTtl}': at most '1h', because whoever finds a token has it for so long.`)
  }
  return Math.min(ttlMs, Math.floor(idleTimeoutMs / 2))
}

function listOf(
  store: SessionStore,
  { revocationList = false, checkSession = !revocationList }: BearerOptions,
  ttlMs: number,
  now: () => number,
): RevocationList | null {
  if (!revocationList) return null
  if (checkSession) {
    throw new UsageError('checkSession and revocationList are both true: choose one, the second is the faster.')
  }
  if (store.caches) {
    throw new UsageError(
      'revocationList: behind a near cache a look-up costs no more than the list. Leave checkSession on.',
    )
  }
  if (!tellsOfChanges(store)) {
    throw new UsageError(
      `revocationList: the ${store.name} store tells nobody of its changes. Leave checkSession on: a look-up in it costs microseconds.`,
    )
  }
  return new RevocationList(store, ttlMs, toleranceMs, now)
}

function tellsOfChanges(store: SessionStore): store is SharedStore {
  return 'follow' in store && typeof store.follow === 'function'
}

function requirement(dpop: DpopOptions | false): (clientId: string) => boolean {
  const required = dpop ? (dpop.required ?? false) : false
  return typeof required === 'function' ? required : () => required
}

function proofsOf(
  { nonce = false, proofLifetime = '1m', replays }: DpopOptions,
  host: ReturnType<typeof hostOf>['host'],
): Proofs {
  return new Proofs({
    lifetimeMs: durationMs(proofLifetime, 'dpop.proofLifetime'),
    nonce: nonce ? 'required' : 'off',
    nonceKey: host.ring.newest.nonceKey,
    replays: replays ?? memoryReplays(),
    tell: detail => host.engine.events.emit(null, null, null, detail),
  })
}
