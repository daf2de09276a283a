import { type AssuranceLevel, authenticatedAt, type FactorProof, methodsOf, type Proved } from './assurance.ts'
import { type Awaitable, after } from './awaitable.ts'
import type { BearerHolder } from './body.ts'
import type { Carrier, CarrierChange } from './carrier.ts'
import type { PlainData } from './changes.ts'
import {
  answer,
  type ChallengeOptions,
  type Confirmation,
  type ConfirmationOptions,
  challenge,
  confirm,
  failConfirmation,
  redeem,
} from './confirmations.ts'
import type { Engine } from './engine.ts'
import { SessionWork } from './session-work.ts'
import { beginSignIn, completeSignIn, pendingNow, type SignInOptions, signIn, signInFailed, stepUp } from './sign-in.ts'
import { expiryOf, levelNow } from './verdict.ts'

/** How a session is loaded. */
export interface LoadOptions {
  /**
   * Whether the request counts as use of the session. Default `true`; `false` for a page that only asks, such as one
   * that polls, so that it does not keep its user signed in (NIST 5.2-b).
   */
  readonly activity?: boolean
}

/**
 * The session of one request. It loads on first use and costs nothing until then; what a request changed is written
 * before the response leaves. Everything but `load` and the asynchronous methods needs a loaded session.
 */
export class Session<Data extends object = PlainData> {
  readonly #work: SessionWork

  /** @internal Made by a carrier, never by an application. */
  constructor(engine: Engine, carrier: Carrier) {
    this.#work = new SessionWork(engine, carrier)
  }

  /**
   * Loads the session. Throws a `Refusal` when the request must not use the session (CSRF)
   * and a `StoreError` when the store cannot say.
   */
  async load(options?: LoadOptions): Promise<this> {
    const loaded = this.open(options)
    return loaded instanceof Promise ? await loaded : loaded
  }

  /** @internal As {@link load}, and at once where the store answers at once. */
  open(options?: LoadOptions): Awaitable<this> {
    return after(this.#work.open(options?.activity !== false), () => this)
  }

  /** Whether the session is loaded, so that its fields can be read. */
  get loaded(): boolean {
    return this.#work.loaded
  }

  /** Public session id, safe to log; `null` while there is no session. Cannot authenticate. */
  get id(): string | null {
    return this.#work.state()?.record.sid ?? null
  }

  /** The signed-in user, or `null`. */
  get userId(): string | null {
    return this.#work.state()?.record.userId ?? null
  }

  /**
   * The session's data: a plain object to read and change. Changes are found by comparison and written before the
   * response leaves, merged key by key with what other requests changed meanwhile; a response with status 500 or above
   * writes nothing. For read-modify-write use {@link update}. Its top level is frozen once the response has left.
   */
  get data(): Partial<Data> {
    return this.#work.data.open(this.#work.state()?.json ?? '{}') as Partial<Data>
  }

  /** When the session began, epoch ms, or `null`. */
  get createdAt(): number | null {
    return this.#work.state()?.record.createdAt ?? null
  }

  /** When the user last proved who they are, epoch ms, or `null` (OIDC `auth_time`). */
  get authenticatedAt(): number | null {
    return authenticatedAt(this.#work.state()?.body.proofs ?? [])
  }

  /** How they did, as RFC 8176 values, what was proved longest ago first; empty for an anonymous session. */
  get amr(): readonly string[] {
    return methodsOf(this.#work.state()?.body.proofs ?? [])
  }

  /** The same one by one, with the time when each was last proved (OIDC `auth_time`) and the level reached at that time. */
  get proofs(): readonly FactorProof[] {
    // A copy: what is remembered of a token is shared by all its requests.
    return (this.#work.state()?.body.proofs ?? []).map(proof => ({ ...proof }))
  }

  /**
   * Level of assurance: 0 anonymous, 1–3 as NIST AAL. In a persistent session a level above 1 lasts only as long as
   * `policy.idleTimeout` after the factors that reached it.
   */
  get aal(): AssuranceLevel {
    const held = this.#work.state()
    return held ? levelNow(held.record, held.body, this.#work.engine.policy, this.#work.engine.now()) : 0
  }

  /** Who is about to be signed in here, once a second factor is right; until then nobody is, and `userId` is `null`. */
  get pending(): { readonly userId: string; readonly amr: readonly string[]; readonly expiresAt: number } | null {
    this.#work.state()
    const pending = pendingNow(this.#work)
    return pending && { userId: pending.userId, amr: methodsOf(pending.proofs), expiresAt: pending.expiresAt }
  }

  /**
   * Whose session this was until nobody used it for too long (`policy.atIdle: 'lock'`), or `null`. Until they prove again
   * who they are and {@link stepUp} is called, nobody is signed in: `userId` is `null`, and there is no data.
   */
  get locked(): { readonly userId: string } | null {
    this.#work.state()
    const userId = this.#work.locked?.record.userId
    return userId ? { userId } : null
  }

  /** Whether the cookie survives the end of the browser. */
  get persistent(): boolean {
    return this.#work.state()?.body.persistent ?? false
  }

  /** When the session ends if it is not used again, epoch ms, or `null`. */
  get idleExpiresAt(): number | null {
    const held = this.#work.state()
    if (!held) return null
    const { lastSeenAt } = held.record
    // Never later than it will be: use within `touchEvery` of the last is not written down.
    const seenAt = this.#work.active && this.#work.engine.isTouchDue(lastSeenAt) ? this.#work.engine.now() : lastSeenAt
    return expiryOf(held.record.createdAt, seenAt, this.#work.life(held))
  }

  /** When the session ends however busy it is, epoch ms, or `null`. */
  get absoluteExpiresAt(): number | null {
    const held = this.#work.state()
    return held ? held.record.createdAt + this.#work.life(held).absoluteTimeoutMs : null
  }

  /**
   * Reads, changes and writes the data in one step that loses nothing: `change` runs again on the newest data when
   * another request was faster, so it must depend on nothing but its argument. Written when it resolves, even after the
   * response has begun (where the cookie carries the data: before). Resolves to what `change` returned.
   */
  update<Result>(change: (data: Partial<Data>) => Result): Promise<Result> {
    return this.#work.track(this.#work.update(data => change(data as Partial<Data>)))
  }

  /**
   * Makes this the session of a user: a new sid and a new token, the data kept, the old token dead when this resolves
   * (ASVS 7.2.4). Works from an anonymous session, from another user's (which ends) and for re-authentication, which
   * starts both time-outs anew. Throws a `Refusal` at the maximum number of sessions or when "end all" overtook it.
   */
  signIn(userId: string, options: SignInOptions): Promise<void> {
    return this.#work.track(signIn(this.#work, userId, options))
  }

  /**
   * Tells that somebody tried to sign in to `account` and did not prove who they are: for the audit trail, and for detectors of
   * guessing. Call it for every wrong password, whether or not there is such an account; `userId` is its user, where there is one.
   * Nobody learns from the event what was typed. Needs no loaded session.
   */
  signInFailed(account: string, { userId = null }: { readonly userId?: string | null } = {}): void {
    signInFailed(this.#work, account, userId)
  }

  /**
   * The first of several factors was right: a new sid and token, the old token dead when this resolves, but nobody is signed
   * in. For ten minutes `pending` says who will be, by {@link completeSignIn}. A guest's data is kept.
   */
  beginSignIn(userId: string, options: SignInOptions): Promise<void> {
    return this.#work.track(beginSignIn(this.#work, userId, options))
  }

  /**
   * The last factor was right: signs in whoever is pending, with all that was proved. Rejects with a `Refusal` when the user's
   * sessions were ended since the first factor, or when this comes too late or a second time.
   */
  completeSignIn(proved: Proved): Promise<void> {
    return this.#work.track(completeSignIn(this.#work, proved))
  }

  /**
   * Records that the user proved more (a second factor, the password again): what and when is noted and the token is
   * replaced; the old one is dead when this resolves. Unlocks a locked session. Throws a `UsageError` when nobody is signed in.
   */
  stepUp(proved: Proved): Promise<void> {
    return this.#work.track(stepUp(this.#work, proved))
  }

  /**
   * A challenge that can be answered once, in this session, for this purpose and these data (a JSON value), within `lifetime`
   * (default `'5m'`): 256 random bits as base64url, which are no secret. For a visitor without a session it begins one.
   */
  challenge(purpose: string, data: unknown = null, options: ChallengeOptions = {}): Promise<string> {
    return this.#work.track(
      challenge(this.#work, { kind: 'challenge', purpose, data }, options).then(made => made.challenge),
    )
  }

  /**
   * Whether this challenge was made in this session for this purpose and these data. It is spent, whatever the answer: of all
   * requests that bring it, on all nodes, one gets `true`.
   */
  answer(challenge: string, purpose: string, data: unknown = null): Promise<boolean> {
    return this.#work.track(answer(this.#work, challenge, { kind: 'challenge', purpose, data }))
  }

  /**
   * Opens a confirmation of a critical action: show the user the operation and the data, have them prove who they are, and
   * call {@link redeem} with the same `data` (a JSON value). `level`: what they must prove, default 1. Lasts for `lifetime`,
   * default `'5m'` (ASVS 7.5.3, OWASP Transaction Authorization).
   */
  confirm(operation: string, data: unknown, options: ConfirmationOptions = {}): Promise<Confirmation> {
    return this.#work.track(confirm(this.#work, operation, data, options))
  }

  /**
   * Redeems a confirmation, after its user has proved who they are: notes what they proved and replaces the token like
   * {@link stepUp}, in the same step. When it resolves the action may be carried out, by this request and no other. Rejects with
   * a `Refusal` when there is no such confirmation (any more), for another operation or other data (it is then void), or when
   * too little was proved.
   */
  redeem(id: string, operation: string, data: unknown, proved: Proved): Promise<void> {
    return this.#work.track(redeem(this.#work, id, operation, data, proved))
  }

  /** What the user proved for a confirmation was wrong. After five times it is void, and has to be opened anew (TA-4). */
  failConfirmation(id: string, operation: string): Promise<void> {
    return this.#work.track(failConfirmation(this.#work, id, operation))
  }

  /** Replaces the token at once, the old one is dead when this resolves. For every change of privilege, such as a new role. */
  rotate(): Promise<void> {
    return this.#work.track(this.#work.rotate())
  }

  /**
   * Ends the session: when this resolves its token answers nowhere, whatever else is under way. Rejects when that cannot
   * be said: with a `StoreError` when the store could not confirm it, with a `Refusal` when a sign-in or step-up next
   * door took the session over meanwhile; the cookie is then kept, so that the user sees it and can try again. Where the
   * cookie carries all there is, it is removed from this browser, and a copy of it is good until it times out.
   */
  end(): Promise<void> {
    return this.#work.track(this.#work.end())
  }

  /**
   * @internal For carriers, before the response's headers leave: writes what is to be written and says what the client
   * must be told. Answers at once when there is nothing to write. With `discard` the request's changes are dropped.
   */
  settle(discard: boolean): CarrierChange | Promise<CarrierChange> {
    return this.#work.settle(discard)
  }

  /**
   * @internal For refresh tokens: the token rotates when the response leaves, not only when it is due; the predecessor hands
   * over as always. Not within `grace` of the last rotation: refreshes that are under way must not overtake each other.
   */
  renew(): void {
    this.#work.renewed = true
  }

  /** @internal Whose this bearer session is; `null` for one in a cookie, and without a session. */
  get bearer(): BearerHolder | null {
    return this.#work.state()?.body.bearer ?? null
  }

  /** @internal What the client must be told although the rest of the request failed. */
  get carrierChange(): CarrierChange {
    return this.#work.change
  }

  /** @internal What a CSRF token of this session stands and falls with: also of one that is locked, so that it can be unlocked. */
  get csrfScope(): { readonly id: string | null; readonly authenticatedAt: number | null } {
    const held = this.#work.state() ?? this.#work.locked
    return { id: held?.record.sid ?? null, authenticatedAt: authenticatedAt(held?.body.proofs ?? []) }
  }

  /** @internal Whether anybody has used the session in this request. */
  get used(): boolean {
    return this.#work.used
  }
}
