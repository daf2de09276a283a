import { Refusal, UsageError } from '../errors.ts'
import { Client } from '../http/client.ts'
import type { SessionHost } from '../http/exchange.ts'
import type { RequestFacts } from '../http/request-facts.ts'
import { type FactorProof, levelReachedAt } from '../session/assurance.ts'
import type { BearerHolder } from '../session/body.ts'
import { Session } from '../session/session.ts'
import type { SignInOptions } from '../session/sign-in.ts'
import type { LevelTimes } from './access-claims.ts'
import type { AccessTokens } from './access-token.ts'
import type { Possession } from './possession.ts'
import { RefreshCarrier } from './refresh-carrier.ts'

/** What a program gets at sign-in and at every refresh, as RFC 6749 section 5.1 spells it. Send it with `no-store`. */
export interface TokenAnswer {
  /** For the header `Authorization`; a JWT after RFC 9068. */
  readonly access_token: string
  /** For the next refresh; replaces the one before. Keep it like a password. */
  readonly refresh_token: string
  /** The scheme to send the access token under. */
  readonly token_type: 'Bearer' | 'DPoP'
  /** Seconds until the access token is dead. */
  readonly expires_in: number
}

/** How a bearer session begins. */
export interface BearerSignInOptions extends SignInOptions {
  /** The OAuth client that gets the tokens. Default: `clientId` of `createBearer`. */
  readonly clientId?: string
}

/** What tokens are handed out by. */
export interface GrantParts {
  readonly host: SessionHost
  readonly tokens: AccessTokens
  readonly possession: Possession
  /** Whether this client must prove possession of a key. */
  readonly mustProve: (clientId: string) => boolean
  /** Claims of the application's own for an access token. */
  readonly claims: (session: BearerSession) => Readonly<Record<string, unknown>>
}

/** What is known of a session when an access token is made for it. */
export interface BearerSession {
  /** Public session id. */
  readonly sid: string
  /** The user. */
  readonly userId: string
  /** The OAuth client. */
  readonly clientId: string
}

/** For a session that is already there: it says itself whose it is. */
const anybody: BearerHolder = { clientId: '', keyThumbprint: null }

/** Hands out tokens: at sign-in, at step-up, and for a refresh token. The refresh token is a session token of the engine. */
export class Grants {
  readonly #parts: GrantParts

  constructor(parts: GrantParts) {
    this.#parts = parts
  }

  /** A new session in the hands of a program. The password must have been checked: a proof costs memory. */
  async signIn(facts: RequestFacts, userId: string, clientId: string, options: SignInOptions): Promise<TokenAnswer> {
    if (typeof clientId !== 'string' || clientId.length < 1 || clientId.length > 256) {
      throw new UsageError('clientId must be a text of 1 to 256 characters.')
    }
    const { host } = this.#parts
    const client = new Client(host.readConnection, facts)
    const keyThumbprint = await this.#provenKey(facts, client, { clientId, keyThumbprint: null })
    const holder = { clientId, keyThumbprint }
    const session = new Session(host.engine, new RefreshCarrier(host, facts, null, holder))
    await session.signIn(userId, options)
    const { id: sid } = session
    try {
      return await this.#answer(session, holder, this.#parts.claims({ sid: sid ?? '', userId, clientId }), null)
    } catch (error) {
      // Nobody got its tokens.
      if (sid !== null) await host.engine.administration.end(sid, 'revoked').catch(() => {})
      throw error
    }
  }

  /** New tokens for a refresh token; `null` when it is not good (any more). */
  refresh(facts: RequestFacts, refreshToken: string, clientId: string): Promise<TokenAnswer | null> {
    return this.#continued(facts, refreshToken, clientId, async session => session.renew())
  }

  /** The user proved more: new tokens, the old refresh token is dead when this resolves. `null` as with `refresh`. */
  stepUp(
    facts: RequestFacts,
    refreshToken: string,
    clientId: string,
    options: Pick<SignInOptions, 'amr' | 'aal'>,
  ): Promise<TokenAnswer | null> {
    return this.#continued(facts, refreshToken, clientId, session => session.stepUp(options))
  }

  /**
   * The session of a refresh token, for those who only look at it or end it; `null` when there is none. Its holder is not
   * asked for proof: whoever has found a token may end it (RFC 7009).
   */
  async sessionOf(facts: RequestFacts, refreshToken: string): Promise<Session | null> {
    const { host } = this.#parts
    const session = new Session(host.engine, new RefreshCarrier(host, facts, refreshToken, anybody))
    await session.load({ activity: false })
    return session.userId === null ? null : session
  }

  async #continued(
    facts: RequestFacts,
    refreshToken: string,
    clientId: string,
    work: (session: Session) => Promise<void>,
  ): Promise<TokenAnswer | null> {
    const { host } = this.#parts
    const carrier = new RefreshCarrier(host, facts, refreshToken, anybody)
    carrier.assertDeliverable()
    const session = new Session(host.engine, carrier)
    await session.load({ activity: false })
    const { id, userId, bearer } = session
    if (userId === null || bearer === null) return null
    if (bearer.clientId !== clientId) {
      host.engine.events.emit(id, userId, carrier.origin(), { type: 'token.misplaced' })
      return null
    }
    const keyThumbprint = await this.#provenKey(facts, carrier.client, bearer)
    // Before anything is done: the application's own code may fail, and then the old tokens must still be good.
    const claims = this.#parts.claims({ sid: id ?? '', userId, clientId })
    try {
      await session.load() // from here on the session is used
      await work(session)
      return await this.#answer(session, { clientId, keyThumbprint }, claims, refreshToken)
    } catch (error) {
      if (error instanceof Refusal && error.code === 'session-ended') return null
      throw error
    }
  }

  /**
   * The key that the request proves possession of, `null` when it brings no proof and needs none. A session that was bound
   * to a key at sign-in needs one of that key at every refresh (RFC 9449 section 5). Throws a `Refusal`.
   */
  async #provenKey(facts: RequestFacts, client: Client, holder: BearerHolder): Promise<string | null> {
    const { possession, mustProve } = this.#parts
    const isNeeded = holder.keyThumbprint !== null || mustProve(holder.clientId)
    if (!isNeeded && !possession.isOffered(facts)) return null
    const proof = await possession.prove(facts, client, null, holder.keyThumbprint)
    if (proof.kind === 'proved') return proof.keyThumbprint
    const message = 'Send a proof of possession of your key in the header DPoP.'
    // To be asked for a nonce is how it begins, and no fault.
    if (proof.kind === 'use-nonce') throw new Refusal('proof-invalid', message, { 'dpop-nonce': proof.nonce })
    const { events } = this.#parts.host.engine
    events.emit(null, null, client.origin(), { type: 'proof.refused', fault: proof.fault })
    throw new Refusal('proof-invalid', message)
  }

  /** Writes the session, and only then makes the access token: one for a session that was not saved would be a lie. */
  async #answer(
    session: Session,
    holder: BearerHolder,
    claims: Readonly<Record<string, unknown>>,
    presented: string | null,
  ): Promise<TokenAnswer> {
    const { tokens, host } = this.#parts
    const change = await session.settle(false)
    const refreshToken = change && change !== 'clear' ? change.token : presented
    const { id: sid, userId, authenticatedAt, absoluteExpiresAt: notAfter, amr, aal, proofs } = session
    if (refreshToken === null || sid === null || userId === null || authenticatedAt === null || notAfter === null) {
      throw new Error('a bearer session without a user')
    }
    const { clientId, keyThumbprint } = holder
    const subject = {
      sid,
      userId,
      clientId,
      authenticatedAt,
      amr,
      aal,
      levelReachedAt: levelTimesOf(proofs),
      keyThumbprint,
    }
    const now = host.engine.now()
    const access = await tokens.mint({ ...subject, claims, notAfter }, now)
    return {
      access_token: access,
      refresh_token: refreshToken,
      token_type: keyThumbprint === null ? 'Bearer' : 'DPoP',
      expires_in: Math.floor((tokens.expiryOf(now, notAfter) - now) / 1000),
    }
  }
}

function levelTimesOf(proofs: readonly FactorProof[]): LevelTimes {
  const times = ([2, 3] as const).map(level => [level, levelReachedAt(proofs, level)] as const)
  return Object.fromEntries(times.filter(([, at]) => at !== null))
}
