import { DataTooLargeError, Refusal, sessionEnded, UsageError } from '../errors.ts'
import { type Awaitable, after } from './awaitable.ts'
import type { Carrier, CarrierChange } from './carrier.ts'
import { type Changes, merge, type PlainData, parseData } from './changes.ts'
import { type Draft, guestsSession, type NewSession } from './draft.ts'
import type { Engine, Held } from './engine.ts'
import type { EventDetail } from './events.ts'
import { type Lifetime, lifetimeOf } from './policy.ts'
import { hasArrived, type Verdict } from './verdict.ts'
import { WorkingData } from './working-data.ts'

/** Who a new session is for, and how it is made from the data that it may keep and the session that it takes over. */
export interface Successor {
  /** Whose data the new session may be given, besides a guest's. */
  readonly heir: string | null
  readonly make: (json: string, old: Held | null) => NewSession
  /** Ends the old one; resolves to its data as it was at the very end, `null` when it was over already. */
  readonly endOld: (old: Held, held: Held) => Promise<string | null>
  /** What happened. */
  readonly tell: (held: Held, old: Held | null) => void
}

/**
 * What one request does with its session: opens it once, holds what it is by now, and writes what is to be written before the
 * response leaves. The inside of `Session`, which says what each operation is for.
 */
export class SessionWork {
  readonly engine: Engine
  readonly carrier: Carrier
  readonly data: WorkingData = new WorkingData()
  /** The session as this request knows it by now. */
  held: Held | null = null
  /** A session that was idle for too long: it is not there for anybody until its user unlocks it. */
  locked: Held | null = null
  /** Whether the request counts as use of the session. */
  active = false
  loaded = false
  /** The token was replaced a moment ago, by a sign-in or step-up that this request did not see. */
  superseded = false
  /** Whether the token is to be replaced when the response leaves, although it is not due. */
  renewed = false
  /** What the client must be told. */
  change: CarrierChange = null
  /** The loading, begun once: `true` or a promise of it, which rejects for everybody alike when it failed. */
  #loading: Awaitable<true> | null = null
  #settled = false
  #presented = false
  /** Operations that have begun and not finished: a handler may forget to await one. */
  #underWay: Set<Promise<unknown>> | null = null

  constructor(engine: Engine, carrier: Carrier) {
    this.engine = engine
    this.carrier = carrier
  }

  /** Whether anybody has used the session in this request. */
  get used(): boolean {
    return this.#loading !== null
  }

  /** Opens the session, at once where the store answers at once. */
  open(activity: boolean): Awaitable<void> {
    this.#loading ??= this.#open()
    return this.loaded ? this.#use(activity) : after(this.#loading, () => this.#use(activity))
  }

  #use(activity: boolean): void {
    if (!activity || this.active) return
    this.active = true
    if (this.held) this.engine.touch(this.held)
  }

  /** The session, `null` for none; throws a `UsageError` before it is loaded. */
  state(): Held | null {
    if (this.loaded) return this.held
    throw new UsageError(
      'The session is not loaded yet: put loadSession() or requireUser() in front of this route, or await session.load().',
    )
  }

  /** The limits that the session lives under. */
  life({ body }: Held): Lifetime {
    return lifetimeOf(this.engine.policy, body.persistent)
  }

  /** Loads the session for an operation that brings the client a new token; throws when that is too late or impossible. */
  async readyFor(what: string): Promise<void> {
    await this.open(true)
    this.assertOpen(what)
    this.carrier.assertDeliverable()
  }

  /** The session, for an operation that replaces its token; throws when there is none. */
  async heldFor(what: string): Promise<Held> {
    await this.readyFor(what)
    if (this.held) return this.held
    if (this.superseded) throw sessionEnded()
    if (this.locked) throw new Refusal('session-locked', sessionLocked)
    throw new UsageError(`There is no session to ${what}: sign somebody in first.`)
  }

  /** As {@link heldFor}, where somebody is signed in. */
  async usersFor(what: string): Promise<Held> {
    const held = await this.heldFor(what)
    if (held.record.userId !== null) return held
    throw new UsageError(`There is nobody signed in to ${what}: call signIn first.`)
  }

  assertOpen(what: string): void {
    if (!this.#settled) return
    throw new UsageError(
      `It is too late to ${what}: the response's headers have left. Do it before the first byte is written.`,
    )
  }

  /** Remembers what is under way, so that the answer does not leave before it. */
  track<Result>(work: Promise<Result>): Promise<Result> {
    const underWay = this.#underWay ?? new Set()
    this.#underWay = underWay.add(work)
    const done = () => underWay.delete(work)
    work.then(done, done)
    return work
  }

  /** Applies a change to the newest version of the session, again and again until it is saved. */
  amend(held: Held, change: (newest: Held) => Draft | null): Promise<Held> {
    return this.engine.amend(held, this.carrier, change)
  }

  /** Tells of something that happened to a session. */
  tell({ record }: Held, detail: EventDetail): void {
    this.engine.tell(record, this.carrier.origin(), detail)
  }

  /** Goes on with a session whose token is new. */
  take(held: Held): void {
    // A rotation that was under way replaces the token of a locked session, too, and unlocks nothing.
    const locked = this.engine.isLocked(held)
    this.locked = locked ? held : null
    this.held = locked ? null : held
    this.data.refresh(locked ? '{}' : held.json)
    this.#deliver(held)
  }

  /** Goes on with the session as it was saved. */
  goOn(next: Held): void {
    if (this.locked) {
      this.locked = next
      return
    }
    const { held } = this
    if (held?.record.sid !== next.record.sid) {
      // An end or a sign-in beside it in this very request was faster. Where there is a store, the store has judged.
      if (this.engine.carried === 'all') throw sessionEnded()
    } else if (this.engine.isTokenOutdated(held, next)) {
      this.take(next)
    } else {
      this.held = next
      this.data.refresh(next.json)
    }
  }

  /** The draft of new data; `null` when they are what they were. */
  withData(newest: Held, json: string): Draft | null {
    return json === newest.json ? null : { json: this.#limited(json), activity: this.active }
  }

  /** A session begins for a visitor who has none. */
  async begin(json: string): Promise<Held> {
    // A cookie for a new anonymous session would overwrite the one that the sign-in next door has just set.
    if (this.superseded) throw sessionEnded()
    if (this.locked) throw new Refusal('session-locked', sessionLocked)
    this.carrier.assertDeliverable()
    const held = await this.engine.create(guestsSession(this.#limited(json), null, this.carrier))
    this.take(held)
    return held
  }

  /** A new session takes the place of the one there is, whose token is dead when this resolves. */
  async takeOver({ heir, make, endOld, tell }: Successor): Promise<void> {
    const old = this.held ?? this.locked
    // Somebody else's data must not become this user's: only an anonymous session or the user's own is carried over.
    const keep = old === null || old.record.userId === null || old.record.userId === heir
    if (this.locked) this.data.disown()
    const unsaved = keep ? this.data.changes() : null
    const json = keep ? this.#limited(merge(old?.json ?? '{}', unsaved)) : '{}'
    const held = await this.data.saving(unsaved, this.engine.create(make(json, old)))
    // The old session lives until the new one is safe, so that a failure in between loses nothing.
    const last = old && (await endOld(old, held))
    tell(held, old)
    if (!keep) this.data.disown()
    this.take(held)
    // What another request put into the old session while the password was being checked comes along too. The user is
    // signed in by now, so a failure here (it was told as an event) must not make it look otherwise.
    if (!keep || !old || last === null || last === old.json) return
    const carried = this.amend(held, newest => this.withData(newest, merge(last, unsaved)))
    this.goOn(await carried.catch(() => held))
  }

  /** Reads, changes and writes the data in one step. */
  async update<Result>(change: (data: PlainData) => Result): Promise<Result> {
    await this.open(true)
    if (this.locked) throw new Refusal('session-locked', sessionLocked)
    const { held } = this
    if (!held || this.engine.carried) this.assertOpen('update a session that is kept in the cookie, or not there yet')
    if (!held) return change(this.data.open('{}'))
    let result: Result | undefined
    const unsaved = this.data.changes()
    const amending = this.amend(held, newest => {
      const data = parseData(merge(newest.json, unsaved))
      result = change(data)
      if (typeof result === 'object' && result !== null && 'then' in result) {
        throw new UsageError('update was given an asynchronous function: await first, and change the data in one go.')
      }
      return this.withData(newest, JSON.stringify(data))
    })
    this.goOn(await this.data.saving(unsaved, amending))
    return result as Result
  }

  /** Replaces the token; see `Session.rotate`. */
  async rotate(): Promise<void> {
    const held = await this.heldFor('rotate')
    this.take(await this.amend(held, () => ({ secret: 'replace', activity: true })))
  }

  /** Ends the session; see `Session.end`. */
  async end(): Promise<void> {
    await this.open(false)
    this.carrier.assertDeliverable()
    if (this.engine.carried === 'all') this.assertOpen('end a session that is kept in the cookie')
    const held = this.held ?? this.locked
    if (this.superseded && !held) throw sessionEnded()
    if (held) await this.#endHeld(held)
    this.held = null
    this.locked = null
    this.data.forget()
    if (this.#presented || this.change !== null || this.carrier.ambiguous) this.change = 'clear'
    if (this.carrier.ambiguous) throw new Refusal('cookie-ambiguous', cookieAmbiguous)
  }

  async #endHeld(held: Held): Promise<void> {
    const ended = await this.engine.endHeld(held, 'signed-out', this.carrier.origin())
    // Over already, but by whom? If it lives on under a token that this request does not have, "signed out" is a lie.
    if (!ended && (await this.engine.isSuperseded(held))) throw sessionEnded()
  }

  /**
   * Before the response's headers leave: writes what is to be written and says what the client must be told. Answers at once
   * when there is nothing to write. With `discard` the request's changes are dropped.
   */
  settle(discard: boolean): CarrierChange | Promise<CarrierChange> {
    if (this.#underWay?.size) return this.#settleLater(this.#underWay, discard)
    const unsaved = this.data.settle()
    const changes = discard ? null : unsaved
    this.#settled = true
    const held = this.held
    if (!held) return changes ? this.#begin(changes) : this.change
    const { verdict } = held
    const mayRotate = this.active && !discard
    const due =
      verdict.kind === 'current' &&
      (verdict.confirm || (mayRotate && (this.#mustRotate(verdict) || this.engine.mustReseal(held))))
    if (changes || due) return this.#write(held, changes, mayRotate)
    return this.#mustHandOver(held) ? this.#handOver(held) : this.change
  }

  /** Waits for what nobody awaited: an answer must not leave before it is known, and not as a success if it fails. */
  async #settleLater(underWay: ReadonlySet<Promise<unknown>>, discard: boolean): Promise<CarrierChange> {
    await Promise.all(underWay)
    return this.settle(discard)
  }

  #open(): Awaitable<true> {
    try {
      const token = this.carrier.token()
      this.#presented = token !== null
      return after(token === null ? null : this.engine.open(token, this.carrier), opened => this.#opened(opened))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #opened(opened: Held | 'superseded' | null): true {
    if (opened === 'superseded') this.superseded = true
    else if (opened) this.#admit(opened)
    this.loaded = true
    return true
  }

  #admit(opened: Held): void {
    const { record, body } = opened
    const { bearer, proofs } = body
    // A refresh token in a cookie, or the other way round, is a token for another door: here it opens nothing (ASVS 9.2.2).
    if ((bearer === null) !== (this.carrier.bearer === null)) {
      this.tell(opened, { type: 'token.misplaced' })
      return
    }
    this.carrier.admit({ id: record.sid, userId: record.userId, proofs })
    if (this.engine.isLocked(opened)) this.locked = opened
    else this.held = opened
  }

  async #write(held: Held, changes: Changes | null, mayRotate: boolean): Promise<CarrierChange> {
    const amending = this.amend(held, newest => {
      const data = changes ? this.withData(newest, merge(newest.json, changes)) : null
      const { verdict } = newest
      const activity = this.active
      if (verdict.kind !== 'current') return data
      if (mayRotate && this.#mustRotate(verdict)) return { ...data, secret: 'rotate', activity }
      if (verdict.confirm) return { ...data, confirm: true, activity }
      return data ?? (mayRotate && this.engine.mustReseal(newest) ? { activity } : null)
    })
    // A page that only looked was let in when it began; that its token is dead by now is no reason to refuse it.
    const next = await amending.catch(error => {
      if (!(error instanceof Refusal)) throw error
      // It is over, or went on without this request: a token that carries how it was before would bring that back.
      if (this.change !== 'clear') this.change = null
      if (changes || this.renewed) throw error
      return null
    })
    if (!next) return this.change
    if (!next.secret.equals(held.secret) || next.verdict.kind === 'retired') this.take(next)
    else this.goOn(next)
    return this.change
  }

  /**
   * A token that carries data is handed over only until its successor has arrived: what the successor carries by then may be
   * newer than what the predecessor does, and would be overwritten.
   */
  #mustHandOver({ verdict, body }: Held): boolean {
    if (verdict.kind !== 'retired' || this.change !== null) return false
    return !this.engine.carried || !hasArrived(body)
  }

  /**
   * Whoever came with the predecessor gets the successor, every time, until it has arrived: the one of this moment, not
   * of the moment when the request began, because a token that died meanwhile would overwrite a good one.
   */
  async #handOver(held: Held): Promise<CarrierChange> {
    try {
      this.#deliver(await this.engine.reopen(held, this.carrier))
    } catch (error) {
      // Whoever asked for a new token must learn that there is none.
      if (this.renewed || !(error instanceof Refusal)) throw error
    }
    return this.change
  }

  async #begin(changes: Changes): Promise<CarrierChange> {
    await this.begin(changes.after)
    return this.change
  }

  #mustRotate({ rotate, renewable }: Extract<Verdict, { kind: 'current' }>): boolean {
    return rotate || (this.renewed && renewable)
  }

  #deliver(held: Held): void {
    const lastsMs = held.record.createdAt + this.life(held).absoluteTimeoutMs - this.engine.now()
    this.change = { token: this.engine.tokenOf(held), maxAgeMs: held.body.persistent ? lastsMs : null }
  }

  #limited(json: string): string {
    const bytes = Buffer.byteLength(json)
    const most = this.carrier.maxDataBytes
    if (bytes <= most) return json
    throw new DataTooLargeError(
      `The session's data would be ${bytes} bytes, ${bytes - most} more than maxDataBytes (${most}). Keep big things in your database.`,
    )
  }
}

const sessionLocked = 'You were away for a while. Please confirm that it is you.'

const cookieAmbiguous =
  'Your browser sent the session cookie twice, so nobody can tell which session to end. Both are removed here; sign in again and end your other sessions.'
