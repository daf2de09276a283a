import { DataTooLargeError, sessionEnded, UsageError } from '../errors.ts'
import type { AssuranceLevel } from './body.ts'
import { type Changes, changesSince, merge, type PlainData, parseData } from './changes.ts'
import type { Draft, NewSession } from './draft.ts'
import type { Engine, Held } from './engine.ts'
import type { RequestOrigin } from './events.ts'
import { lifetimeOf } from './policy.ts'
import { expiryOf } from './verdict.ts'

/** What a carrier gives a session to begin with. */
export interface SessionSetup {
  /** The token that came with the request, or `null`. */
  readonly token: () => string | null
  /** Where the request came from. */
  readonly origin: () => RequestOrigin
  /** Most bytes of data as JSON. */
  readonly maxDataBytes: number
  /** Called once a live session was found, before anybody can use it; throws to refuse the request (CSRF). */
  readonly admit: (session: LiveSession) => void
  /** Throws when the carrier could not bring a new token to the client (plain HTTP), so that nothing is created in vain. */
  readonly assertDeliverable: () => void
}

/** What a carrier must know of a live session to admit a request to it. */
export interface LiveSession {
  readonly id: string
  readonly userId: string | null
  readonly authenticatedAt: number | null
}

/** What the carrier has to tell the client: a token to keep from now on, or that it has none any more. */
export type CarrierChange = { readonly token: string; readonly maxAgeMs: number | null } | 'clear' | null

/** How a sign-in happened. */
export interface SignInOptions {
  /** What the user proved, as RFC 8176 values: `pwd`, `otp`, `hwk` … Recorded, and the level follows from it. */
  readonly amr: readonly string[]
  /** The level reached (NIST AAL), when the application knows better than `amr` tells. Default: 1, or 2 for two kinds of factor. */
  readonly aal?: Exclude<AssuranceLevel, 0>
  /** "Remember me": the cookie survives the end of the browser. Default `false` (NIST 5.1-h). */
  readonly persistent?: boolean
  /**
   * `await sessions.generation(userId)` from before the password was checked. With it, "end all sessions" refuses even
   * a sign-in whose password check was already under way. Default: read when `signIn` is called.
   */
  readonly generation?: number
}

/**
 * The session of one request. It loads on first use and costs nothing until then; what a request changed is written
 * before the response leaves. Everything but `load` and the asynchronous methods needs a loaded session.
 */
export class Session<Data extends object = PlainData> {
  readonly #engine: Engine
  readonly #setup: SessionSetup
  #loading: Promise<void> | null = null
  #loaded = false
  #active = false
  #settled = false
  #superseded = false
  #presented = false
  #held: Held | null = null
  #data: PlainData | null = null
  #carrier: CarrierChange = null

  /** @internal Made by a carrier, never by an application. */
  constructor(engine: Engine, setup: SessionSetup) {
    this.#engine = engine
    this.#setup = setup
  }

  /**
   * Loads the session. With `activity: false` the request only asks: it does not count as use, so a page that polls
   * does not keep its user signed in (NIST 5.2-b). Throws a `Refusal` when the request must not use the session (CSRF)
   * and a `StoreError` when the store cannot say.
   */
  async load(options: { readonly activity?: boolean } = {}): Promise<this> {
    this.#loading ??= this.#open()
    if (!this.#loaded) await this.#loading
    if (options.activity !== false && !this.#active) {
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
   * writes nothing. For read-modify-write use {@link update}. Frozen once the response has left.
   */
  get data(): Partial<Data> {
    const held = this.#state()
    this.#data ??= held ? parseData(held.json) : {}
    // A change that nobody will write must fail where it is made, not vanish.
    if (this.#settled) Object.freeze(this.#data)
    return this.#data as Partial<Data>
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
    return this.#state()?.body.amr ?? []
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
    const seenAt = this.#active ? this.#engine.now() : held.record.lastSeenAt
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
   * response has begun. Resolves to what `change` returned.
   */
  async update<Result>(change: (data: Partial<Data>) => Result): Promise<Result> {
    await this.load()
    const held = this.#held
    if (!held) {
      this.#assertOpen('update a session that does not exist yet')
      return change(this.data)
    }
    let result: Result | undefined
    const pending = this.#changes()
    this.#held = await this.#engine.amend(held, this.#setup.origin, newest => {
      const data = parseData(pending ? merge(newest.json, pending) : newest.json)
      result = change(data as Partial<Data>)
      return this.#withData(newest, JSON.stringify(data))
    })
    this.#refresh()
    return result as Result
  }

  /**
   * Makes this the session of a user: a new sid and a new token, the data kept, the old token dead when this resolves
   * (ASVS 7.2.4). Works from an anonymous session, from another user's (which ends) and for re-authentication, which
   * starts both time-outs anew. Throws a `Refusal` at the maximum number of sessions or when "end all" overtook it.
   */
  async signIn(userId: string, options: SignInOptions): Promise<void> {
    await this.load()
    this.#assertOpen('sign in')
    assertUserId(userId)
    if (options.persistent && !this.#engine.policy.persistent) {
      throw new UsageError(
        'signIn was called with persistent: true, but policy.persistent is false. Allow it there or leave it out.',
      )
    }
    this.#setup.assertDeliverable()
    const old = this.#held
    // Somebody else's data must not become this user's: only an anonymous session or the user's own is carried over.
    const keep = old === null || old.record.userId === null || old.record.userId === userId
    const next: NewSession = {
      userId,
      json: keep ? this.#limited(this.#pendingJson()) : '{}',
      amr: [...options.amr],
      aal: options.aal ?? levelOf(options.amr),
      persistent: options.persistent ?? false,
      client: this.#setup.origin(),
      replaces: old?.record.userId === userId,
      ...(options.generation === undefined ? {} : { generation: options.generation }),
    }
    const held = await this.#engine.create(next)
    // The old session lives until the new one is safe, so that a failure in between loses nothing.
    if (old) await this.#engine.end(old.record.sid, 'superseded', this.#setup.origin(), held.record.sid)
    const { amr, aal } = held.body
    this.#engine.tell(held.record, this.#setup.origin(), {
      type: 'session.signed-in',
      amr,
      aal,
      from: old?.record.sid ?? null,
    })
    this.#take(held)
  }

  /**
   * Records that the user proved more (a second factor, the password again): level and time are noted and the token is
   * replaced; the old one is dead when this resolves. Throws a `Refusal` when nobody is signed in.
   */
  async stepUp(options: Pick<SignInOptions, 'amr' | 'aal'>): Promise<void> {
    const held = await this.#forChange('step up')
    if (held.record.userId === null)
      throw new UsageError('stepUp was called on an anonymous session: call signIn first.')
    const next = await this.#engine.amend(held, this.#setup.origin, newest => {
      const amr = [...new Set([...newest.body.amr, ...options.amr])]
      const aal = Math.max(newest.body.aal, options.aal ?? levelOf(amr)) as AssuranceLevel
      return { secret: 'replace', assurance: { authenticatedAt: this.#engine.now(), amr, aal }, activity: true }
    })
    const { amr, aal } = next.body
    this.#engine.tell(next.record, this.#setup.origin(), { type: 'session.stepped-up', amr, aal })
    this.#take(next)
  }

  /** Replaces the token at once, the old one is dead when this resolves. For every change of privilege, such as a new role. */
  async rotate(): Promise<void> {
    const held = await this.#forChange('rotate')
    this.#take(await this.#engine.amend(held, this.#setup.origin, () => ({ secret: 'replace', activity: true })))
  }

  /**
   * Ends the session: when this resolves its token answers nowhere, whatever else is under way. Rejects with a
   * `StoreError` when the store could not confirm that; the cookie is then kept, so that the user sees it and can retry.
   */
  async end(): Promise<void> {
    await this.load({ activity: false })
    // The session lives on under a token that this request does not have: to say "signed out" would be a lie.
    if (this.#superseded) throw sessionEnded()
    if (this.#held) await this.#engine.end(this.#held.record.sid, 'signed-out', this.#setup.origin())
    this.#held = null
    this.#data = null
    if (this.#presented || this.#carrier !== null) this.#carrier = 'clear'
  }

  /**
   * @internal For carriers, before the response's headers leave: writes what is to be written and says what the client
   * must be told. Answers at once when there is nothing to write. With `discard` the request's changes are dropped.
   */
  settle(discard: boolean): CarrierChange | Promise<CarrierChange> {
    this.#settled = true
    const changes = discard ? null : this.#changes()
    if (this.#data) Object.freeze(this.#data)
    const held = this.#held
    if (!held) return changes ? this.#createAnonymous() : this.#carrier
    const due =
      this.#active && !discard && held.verdict.kind === 'current' && (held.verdict.rotate || held.verdict.confirm)
    if (!changes && !due) return this.#delivery(held)
    return this.#write(held, changes)
  }

  /** @internal What the client must be told although the rest of the request failed. */
  get carrierChange(): CarrierChange {
    return this.#carrier
  }

  /** @internal Whether anybody has used the session in this request. */
  get used(): boolean {
    return this.#loading !== null
  }

  async #open(): Promise<void> {
    const token = this.#setup.token()
    this.#presented = token !== null
    const opened = token === null ? null : await this.#engine.open(token, this.#setup.origin)
    if (opened === 'superseded') this.#superseded = true
    else if (opened) {
      const { record, body } = opened
      this.#setup.admit({ id: record.sid, userId: record.userId, authenticatedAt: body.authenticatedAt })
      this.#held = opened
    }
    this.#loaded = true
  }

  async #write(held: Held, changes: Changes | null): Promise<CarrierChange> {
    const next = await this.#engine.amend(held, this.#setup.origin, newest => {
      const data = changes ? this.#withData(newest, merge(newest.json, changes)) : null
      const { verdict } = newest
      if (!this.#active || verdict.kind !== 'current' || !(verdict.rotate || verdict.confirm)) return data
      return { ...data, ...(verdict.rotate ? { secret: 'rotate' as const } : { confirm: true }), activity: true }
    })
    if (next.secret !== held.secret) this.#take(next)
    this.#held = next
    return this.#delivery(next)
  }

  async #createAnonymous(): Promise<CarrierChange> {
    // A cookie for a new anonymous session would overwrite the one that the sign-in next door has just set.
    if (this.#superseded) throw sessionEnded()
    this.#setup.assertDeliverable()
    const json = this.#limited(this.#pendingJson())
    this.#take(
      await this.#engine.create({
        userId: null,
        json,
        amr: [],
        aal: 0,
        persistent: false,
        client: this.#setup.origin(),
        replaces: false,
      }),
    )
    return this.#carrier
  }

  /** Whoever came with the predecessor gets the successor, every time, until it has arrived. */
  #delivery(held: Held): CarrierChange {
    if (this.#carrier === null && held.verdict.kind === 'retired') this.#deliver(held)
    return this.#carrier
  }

  #take(held: Held): void {
    this.#held = held
    this.#refresh()
    this.#deliver(held)
  }

  #deliver(held: Held): void {
    const lastsMs = held.record.createdAt + this.#life(held).absoluteTimeoutMs - this.#engine.now()
    this.#carrier = { token: this.#engine.tokenOf(held), maxAgeMs: held.body.persistent ? lastsMs : null }
  }

  /** Puts newly read data into the object that the application already holds. */
  #refresh(): void {
    if (!this.#data || !this.#held || Object.isFrozen(this.#data)) return
    for (const key of Object.keys(this.#data)) delete this.#data[key]
    Object.assign(this.#data, parseData(this.#held.json))
  }

  #changes(): Changes | null {
    return this.#data ? changesSince(this.#held?.json ?? '{}', this.#data) : null
  }

  #pendingJson(): string {
    const changes = this.#changes()
    const json = this.#held?.json ?? '{}'
    return changes ? merge(json, changes) : json
  }

  #withData(newest: Held, json: string): Draft | null {
    return json === newest.json ? null : { json: this.#limited(json), activity: this.#active }
  }

  #limited(json: string): string {
    const bytes = Buffer.byteLength(json)
    if (bytes <= this.#setup.maxDataBytes) return json
    throw new DataTooLargeError(
      `The session's data would be ${bytes} bytes, more than maxDataBytes (${this.#setup.maxDataBytes}). Keep big things in your database.`,
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

/** Kinds of factors after RFC 8176: something the user knows, has or is. Two kinds make level 2 (NIST AAL2). */
const factorKinds: Record<string, 'knows' | 'has' | 'is'> = {
  pwd: 'knows',
  pin: 'knows',
  kba: 'knows',
  otp: 'has',
  hwk: 'has',
  swk: 'has',
  pop: 'has',
  sc: 'has',
  sms: 'has',
  tel: 'has',
  face: 'is',
  fpt: 'is',
  iris: 'is',
  retina: 'is',
  vbm: 'is',
}

function levelOf(amr: readonly string[]): AssuranceLevel {
  const kinds = new Set(amr.map(method => factorKinds[method]).filter(kind => kind !== undefined))
  return amr.includes('mfa') || kinds.size >= 2 ? 2 : 1
}

function assertUserId(userId: unknown): void {
  if (typeof userId === 'string' && userId.length >= 1 && userId.length <= 256) return
  throw new UsageError('signIn needs the user id as a string of 1 to 256 characters.')
}
