import { DataTooLargeError, Refusal, sessionEnded, UsageError } from '../errors.ts'
import { type AssuranceLevel, levelOf } from './assurance.ts'
import { type Awaitable, after } from './awaitable.ts'
import type { BearerHolder } from './body.ts'
import type { Carrier, CarrierChange } from './carrier.ts'
import { type Changes, merge, type PlainData, parseData } from './changes.ts'
import type { Draft } from './draft.ts'
import type { Engine, Held } from './engine.ts'
import { lifetimeOf } from './policy.ts'
import { assertSignIn, endTakenOver, type SignInOptions, signedInAs } from './sign-in.ts'
import { expiryOf, hasArrived, type Verdict } from './verdict.ts'
import { WorkingData } from './working-data.ts'

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
  readonly #engine: Engine
  readonly #carrier: Carrier
  /** The loading, begun once: `true` or a promise of it, which rejects for everybody alike when it failed. */
  #loading: Awaitable<true> | null = null
  #loaded = false
  #active = false
  #settled = false
  #superseded = false
  #presented = false
  #renewed = false
  #held: Held | null = null
  readonly #data = new WorkingData()
  /** Operations that have begun and not finished: a handler may forget to await one. */
  #underWay: Set<Promise<unknown>> | null = null
  #change: CarrierChange = null

  /** @internal Made by a carrier, never by an application. */
  constructor(engine: Engine, carrier: Carrier) {
    this.#engine = engine
    this.#carrier = carrier
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
    this.#loading ??= this.#open()
    return this.#loaded ? this.#use(options) : after(this.#loading, () => this.#use(options))
  }

  #use(options?: LoadOptions): this {
    if (options?.activity !== false && !this.#active) {
      this.#active = true
      if (this.#held) this.#engine.touch(this.#held)
    }
    return this
  }

  /** Whether the session is loaded, so that its fields can be read. */
  get loaded(): boolean {
    return this.#loaded
  }

  /** Public session id, safe to log; `null` while there is no session. Cannot authenticate. */
  get id(): string | null {
    return this.#state()?.record.sid ?? null
  }

  /** The signed-in user, or `null`. */
  get userId(): string | null {
    return this.#state()?.record.userId ?? null
  }

  /**
   * The session's data: a plain object to read and change. Changes are found by comparison and written before the
   * response leaves, merged key by key with what other requests changed meanwhile; a response with status 500 or above
   * writes nothing. For read-modify-write use {@link update}. Its top level is frozen once the response has left.
   */
  get data(): Partial<Data> {
    return this.#data.open(this.#state()?.json ?? '{}') as Partial<Data>
  }

  /** When the session began, epoch ms, or `null`. */
  get createdAt(): number | null {
    return this.#state()?.record.createdAt ?? null
  }

  /** When the user last proved who they are, epoch ms, or `null` (OIDC `auth_time`). */
  get authenticatedAt(): number | null {
    return this.#state()?.body.authenticatedAt ?? null
  }

  /** How they did, as RFC 8176 values; empty for an anonymous session. */
  get amr(): readonly string[] {
    return [...(this.#state()?.body.amr ?? [])]
  }

  /** Level of assurance: 0 anonymous, 1–3 as NIST AAL. */
  get aal(): AssuranceLevel {
    return this.#state()?.body.aal ?? 0
  }

  /** Whether the cookie survives the end of the browser. */
  get persistent(): boolean {
    return this.#state()?.body.persistent ?? false
  }

  /** When the session ends if it is not used again, epoch ms, or `null`. */
  get idleExpiresAt(): number | null {
    const held = this.#state()
    if (!held) return null
    const { lastSeenAt } = held.record
    // Never later than it will be: use within `touchEvery` of the last is not written down.
    const seenAt = this.#active && this.#engine.isTouchDue(lastSeenAt) ? this.#engine.now() : lastSeenAt
    return expiryOf(held.record.createdAt, seenAt, this.#life(held))
  }

  /** When the session ends however busy it is, epoch ms, or `null`. */
  get absoluteExpiresAt(): number | null {
    const held = this.#state()
    return held ? held.record.createdAt + this.#life(held).absoluteTimeoutMs : null
  }

  /**
   * Reads, changes and writes the data in one step that loses nothing: `change` runs again on the newest data when
   * another request was faster, so it must depend on nothing but its argument. Written when it resolves, even after the
   * response has begun (where the cookie carries the data: before). Resolves to what `change` returned.
   */
  update<Result>(change: (data: Partial<Data>) => Result): Promise<Result> {
    return this.#track(this.#update(change))
  }

  async #update<Result>(change: (data: Partial<Data>) => Result): Promise<Result> {
    await this.load()
    const held = this.#held
    if (!held || this.#engine.carried) this.#assertOpen('update a session that is kept in the cookie, or not there yet')
    if (!held) return change(this.data)
    let result: Result | undefined
    const unsaved = this.#data.changes()
    const amending = this.#engine.amend(held, this.#carrier, newest => {
      const data = parseData(merge(newest.json, unsaved))
      result = change(data as Partial<Data>)
      if (typeof result === 'object' && result !== null && 'then' in result) {
        throw new UsageError('update was given an asynchronous function: await first, and change the data in one go.')
      }
      return this.#withData(newest, JSON.stringify(data))
    })
    this.#goOn(await this.#data.saving(unsaved, amending))
    return result as Result
  }

  /**
   * Makes this the session of a user: a new sid and a new token, the data kept, the old token dead when this resolves
   * (ASVS 7.2.4). Works from an anonymous session, from another user's (which ends) and for re-authentication, which
   * starts both time-outs anew. Throws a `Refusal` at the maximum number of sessions or when "end all" overtook it.
   */
  signIn(userId: string, options: SignInOptions): Promise<void> {
    return this.#track(this.#signIn(userId, options))
  }

  async #signIn(userId: string, options: SignInOptions): Promise<void> {
    await this.load()
    this.#assertOpen('sign in')
    assertSignIn(userId, options, this.#engine.policy)
    this.#carrier.assertDeliverable()
    const old = this.#held
    // Somebody else's data must not become this user's: only an anonymous session or the user's own is carried over.
    const keep = old === null || old.record.userId === null || old.record.userId === userId
    const unsaved = keep ? this.#data.changes() : null
    const json = keep ? this.#limited(merge(old?.json ?? '{}', unsaved)) : '{}'
    const creating = this.#engine.create(
      signedInAs(userId, options, json, old, { origin: this.#carrier.origin(), bearer: this.#carrier.bearer }),
    )
    const held = await this.#data.saving(unsaved, creating)
    // The old session lives until the new one is safe, so that a failure in between loses nothing.
    const last = old && (await endTakenOver(this.#engine, old, held, this.#carrier))
    const { amr, aal } = held.body
    const from = old?.record.sid ?? null
    this.#engine.tell(held.record, this.#carrier.origin(), { type: 'session.signed-in', amr, aal, from })
    if (!keep) this.#data.disown()
    this.#take(held)
    // What another request put into the old session while the password was being checked comes along too. The user is
    // signed in by now, so a failure here (it was told as an event) must not make it look otherwise.
    if (!keep || !old || last === null || last === old.json) return
    const carried = this.#engine.amend(held, this.#carrier, newest => this.#withData(newest, merge(last, unsaved)))
    this.#goOn(await carried.catch(() => held))
  }

  /**
   * Records that the user proved more (a second factor, the password again): level and time are noted and the token is
   * replaced; the old one is dead when this resolves. Throws a `UsageError` when nobody is signed in.
   */
  stepUp(options: Pick<SignInOptions, 'amr' | 'aal'>): Promise<void> {
    return this.#track(this.#stepUp(options))
  }

  async #stepUp(options: Pick<SignInOptions, 'amr' | 'aal'>): Promise<void> {
    const held = await this.#forChange('step up')
    if (held.record.userId === null)
      throw new UsageError('stepUp was called on an anonymous session: call signIn first.')
    const next = await this.#engine.amend(held, this.#carrier, newest => {
      const amr = [...new Set([...newest.body.amr, ...options.amr])]
      const aal = Math.max(newest.body.aal, options.aal ?? levelOf(amr)) as AssuranceLevel
      return { secret: 'replace', assurance: { authenticatedAt: this.#engine.now(), amr, aal }, activity: true }
    })
    const { amr, aal } = next.body
    this.#engine.tell(next.record, this.#carrier.origin(), { type: 'session.stepped-up', amr, aal })
    this.#take(next)
  }

  /** Replaces the token at once, the old one is dead when this resolves. For every change of privilege, such as a new role. */
  rotate(): Promise<void> {
    return this.#track(this.#rotate())
  }

  async #rotate(): Promise<void> {
    const held = await this.#forChange('rotate')
    this.#take(await this.#engine.amend(held, this.#carrier, () => ({ secret: 'replace', activity: true })))
  }

  /**
   * Ends the session: when this resolves its token answers nowhere, whatever else is under way. Rejects when that cannot
   * be said: with a `StoreError` when the store could not confirm it, with a `Refusal` when a sign-in or step-up next
   * door took the session over meanwhile; the cookie is then kept, so that the user sees it and can try again. Where the
   * cookie carries all there is, it is removed from this browser, and a copy of it is good until it times out.
   */
  end(): Promise<void> {
    return this.#track(this.#end())
  }

  async #end(): Promise<void> {
    await this.load({ activity: false })
    this.#carrier.assertDeliverable()
    if (this.#engine.carried === 'all') this.#assertOpen('end a session that is kept in the cookie')
    if (this.#superseded && !this.#held) throw sessionEnded()
    if (this.#held) await this.#endHeld(this.#held)
    this.#held = null
    this.#data.forget()
    if (this.#presented || this.#change !== null || this.#carrier.ambiguous) this.#change = 'clear'
    if (this.#carrier.ambiguous) throw new Refusal('cookie-ambiguous', cookieAmbiguous)
  }

  async #endHeld(held: Held): Promise<void> {
    const ended = await this.#engine.endHeld(held, 'signed-out', this.#carrier.origin())
    // Over already, but by whom? If it lives on under a token that this request does not have, "signed out" is a lie.
    if (!ended && (await this.#engine.isSuperseded(held))) throw sessionEnded()
  }

  /**
   * @internal For carriers, before the response's headers leave: writes what is to be written and says what the client
   * must be told. Answers at once when there is nothing to write. With `discard` the request's changes are dropped.
   */
  settle(discard: boolean): CarrierChange | Promise<CarrierChange> {
    if (this.#underWay?.size) return this.#settleLater(this.#underWay, discard)
    const unsaved = this.#data.settle()
    const changes = discard ? null : unsaved
    this.#settled = true
    const held = this.#held
    if (!held) return changes ? this.#createAnonymous(changes) : this.#change
    const { verdict } = held
    const mayRotate = this.#active && !discard
    const due =
      verdict.kind === 'current' &&
      (verdict.confirm || (mayRotate && (this.#mustRotate(verdict) || this.#engine.mustReseal(held))))
    if (changes || due) return this.#write(held, changes, mayRotate)
    return this.#mustHandOver(held) ? this.#handOver(held) : this.#change
  }

  /**
   * @internal For refresh tokens: the token rotates when the response leaves, not only when it is due; the predecessor hands
   * over as always. Not within `grace` of the last rotation: refreshes that are under way must not overtake each other.
   */
  renew(): void {
    this.#renewed = true
  }

  /** @internal Whose this bearer session is; `null` for one in a cookie, and without a session. */
  get bearer(): BearerHolder | null {
    return this.#state()?.body.bearer ?? null
  }

  /** @internal What the client must be told although the rest of the request failed. */
  get carrierChange(): CarrierChange {
    return this.#change
  }

  /** @internal Whether anybody has used the session in this request. */
  get used(): boolean {
    return this.#loading !== null
  }

  #track<Result>(work: Promise<Result>): Promise<Result> {
    const underWay = this.#underWay ?? new Set()
    this.#underWay = underWay.add(work)
    const done = () => underWay.delete(work)
    work.then(done, done)
    return work
  }

  /** Waits for what nobody awaited: an answer must not leave before it is known, and not as a success if it fails. */
  async #settleLater(underWay: ReadonlySet<Promise<unknown>>, discard: boolean): Promise<CarrierChange> {
    await Promise.all(underWay)
    return this.settle(discard)
  }

  #open(): Awaitable<true> {
    try {
      const token = this.#carrier.token()
      this.#presented = token !== null
      return after(token === null ? null : this.#engine.open(token, this.#carrier), opened => this.#opened(opened))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #opened(opened: Held | 'superseded' | null): true {
    if (opened === 'superseded') this.#superseded = true
    else if (opened) this.#admit(opened)
    this.#loaded = true
    return true
  }

  #admit(opened: Held): void {
    const { record, body } = opened
    const { authenticatedAt, bearer } = body
    // A refresh token in a cookie, or the other way round, is a token for another door: here it opens nothing (ASVS 9.2.2).
    if ((bearer === null) !== (this.#carrier.bearer === null)) {
      this.#engine.tell(record, this.#carrier.origin(), { type: 'token.misplaced' })
      return
    }
    this.#carrier.admit({ id: record.sid, userId: record.userId, authenticatedAt })
    this.#held = opened
  }

  async #write(held: Held, changes: Changes | null, mayRotate: boolean): Promise<CarrierChange> {
    const amending = this.#engine.amend(held, this.#carrier, newest => {
      const data = changes ? this.#withData(newest, merge(newest.json, changes)) : null
      const { verdict } = newest
      const activity = this.#active
      if (verdict.kind !== 'current') return data
      if (mayRotate && this.#mustRotate(verdict)) return { ...data, secret: 'rotate', activity }
      if (verdict.confirm) return { ...data, confirm: true, activity }
      return data ?? (mayRotate && this.#engine.mustReseal(newest) ? { activity } : null)
    })
    // A page that only looked was let in when it began; that its token is dead by now is no reason to refuse it.
    const next = await amending.catch(error => {
      if (!(error instanceof Refusal)) throw error
      // It is over, or went on without this request: a token that carries how it was before would bring that back.
      if (this.#change !== 'clear') this.#change = null
      if (changes || this.#renewed) throw error
      return null
    })
    if (!next) return this.#change
    if (!next.secret.equals(held.secret) || next.verdict.kind === 'retired') this.#take(next)
    else this.#goOn(next)
    return this.#change
  }

  /**
   * A token that carries data is handed over only until its successor has arrived: what the successor carries by then may be
   * newer than what the predecessor does, and would be overwritten.
   */
  #mustHandOver({ verdict, body }: Held): boolean {
    if (verdict.kind !== 'retired' || this.#change !== null) return false
    return !this.#engine.carried || !hasArrived(body)
  }

  /** Goes on with the session as it was saved. */
  #goOn(next: Held): void {
    const held = this.#held
    if (held?.record.sid !== next.record.sid) {
      // An end or a sign-in beside it in this very request was faster. Where there is a store, the store has judged.
      if (this.#engine.carried === 'all') throw sessionEnded()
    } else if (this.#engine.isTokenOutdated(held, next)) {
      this.#take(next)
    } else {
      this.#held = next
      this.#data.refresh(next.json)
    }
  }

  /**
   * Whoever came with the predecessor gets the successor, every time, until it has arrived: the one of this moment, not
   * of the moment when the request began, because a token that died meanwhile would overwrite a good one.
   */
  async #handOver(held: Held): Promise<CarrierChange> {
    try {
      this.#deliver(await this.#engine.reopen(held, this.#carrier))
    } catch (error) {
      // Whoever asked for a new token must learn that there is none.
      if (this.#renewed || !(error instanceof Refusal)) throw error
    }
    return this.#change
  }

  async #createAnonymous(changes: Changes): Promise<CarrierChange> {
    // A cookie for a new anonymous session would overwrite the one that the sign-in next door has just set.
    if (this.#superseded) throw sessionEnded()
    this.#carrier.assertDeliverable()
    const json = this.#limited(changes.after)
    this.#take(
      await this.#engine.create({
        userId: null,
        json,
        amr: [],
        aal: 0,
        persistent: false,
        bearer: null,
        client: this.#carrier.origin(),
        replaces: null,
      }),
    )
    return this.#change
  }

  #mustRotate({ rotate, renewable }: Extract<Verdict, { kind: 'current' }>): boolean {
    return rotate || (this.#renewed && renewable)
  }

  #take(held: Held): void {
    this.#held = held
    this.#data.refresh(held.json)
    this.#deliver(held)
  }

  #deliver(held: Held): void {
    const lastsMs = held.record.createdAt + this.#life(held).absoluteTimeoutMs - this.#engine.now()
    this.#change = { token: this.#engine.tokenOf(held), maxAgeMs: held.body.persistent ? lastsMs : null }
  }

  #withData(newest: Held, json: string): Draft | null {
    return json === newest.json ? null : { json: this.#limited(json), activity: this.#active }
  }

  #limited(json: string): string {
    const bytes = Buffer.byteLength(json)
    const most = this.#carrier.maxDataBytes
    if (bytes <= most) return json
    throw new DataTooLargeError(
      `The session's data would be ${bytes} bytes, ${bytes - most} more than maxDataBytes (${most}). Keep big things in your database.`,
    )
  }

  #life(held: Held) {
    return lifetimeOf(this.#engine.policy, held.body.persistent)
  }

  #state(): Held | null {
    if (this.#loaded) return this.#held
    throw new UsageError(
      'The session is not loaded yet: put loadSession() or requireUser() in front of this route, or await session.load().',
    )
  }

  async #forChange(what: string): Promise<Held> {
    await this.load()
    this.#assertOpen(what)
    if (this.#held) return this.#held
    throw new UsageError(`There is no session to ${what}: sign somebody in first.`)
  }

  #assertOpen(what: string): void {
    if (this.#settled)
      throw new UsageError(
        `It is too late to ${what}: the response's headers have left. Do it before the first byte is written.`,
      )
  }
}

const cookieAmbiguous =
  'Your browser sent the session cookie twice, so nobody can tell which session to end. Both are removed here; sign in again and end your other sessions.'
