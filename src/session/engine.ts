import { Refusal, sessionEnded, UsageError } from '../errors.ts'
import { Administration } from './administration.ts'
import { AskedStore } from './asked-store.ts'
import { type Awaitable, after } from './awaitable.ts'
import { decodeBody, encodeBody, unsealData, unsealHandoff } from './body.ts'
import {
  type AnsweredChallenge,
  answered,
  type ChallengeSubject,
  type NewChallenge,
  newChallenge,
  type StoredChallenge,
} from './challenges.ts'
import {
  type Circumstances,
  confirmed,
  type Draft,
  type Drafted,
  draftNew,
  draftNext,
  type NewSession,
} from './draft.ts'
import { EventStream } from './event-stream.ts'
import type { EventDetail, RequestOrigin } from './events.ts'
import { type KeyRing, keyIdLength } from './key-ring.ts'
import { type KnownToken, KnownTokens, knownToken, type OpenedBody, remember } from './known-tokens.ts'
import type { Policy } from './policy.ts'
import { accountPseudonym, keyPseudonym, tokenPseudonym } from './pseudonym.ts'
import { RecentMap } from './recent-map.ts'
import { sealingKey } from './seal.ts'
import { type Carried, carriedBy, carriedJson, SealedTokens, type TokenPlace } from './sealed-tokens.ts'
import type { EndReason, SessionStore, StoredRecord } from './store.ts'
import { isAnything, isCreateResult, isRecordOrNull, isSaveResult } from './store-answers.ts'
import type { StoreMeter } from './store-meter.ts'
import { type RandomBytes, writeToken } from './token.ts'
import { Turns } from './turns.ts'
import { isLocked, judge, judgeEnded, keptUntil, type Verdict } from './verdict.ts'

/** What the engine runs on. It knows time, tokens, records and policy, and no header, socket, framework or database. */
export interface EngineOptions {
  readonly ring: KeyRing
  readonly store: SessionStore
  readonly policy: Policy
  readonly clock: () => number
  readonly random: RandomBytes
  /** Whether a replay ends the session (both holders) or only refuses the request. */
  readonly onReplay: 'end' | 'refuse'
  readonly storeTimeoutMs: number
  /** Where tokens are presented, for those that carry their session. */
  readonly place: TokenPlace
}

/** What the engine must know of a request. */
export interface Arrival {
  /** When it arrived, epoch ms. Its body may have taken minutes since. */
  readonly arrivedAt: number
  /** Where it came from; worked out only when an event or a new record needs it. */
  origin(): RequestOrigin
}

/** A live session, opened by a token that is honoured. */
export interface Held extends OpenedBody {
  readonly record: StoredRecord
  readonly verdict: Extract<Verdict, { kind: 'current' | 'retired' }>
  readonly known: KnownToken
  /** What the token carries, as this request has saved it since; `null` when the store has it all. */
  readonly own: { carried: Carried } | null
}

/** The lifecycle of sessions, written once for every carrier. */
export class Engine {
  readonly policy: Policy
  readonly events: EventStream
  /** Sessions without their tokens. */
  readonly administration: Administration
  readonly #options: EngineOptions
  /** What of a session its token carries; `null` when the store has it all. */
  readonly carried: 'data' | 'all' | null
  readonly #known: KnownTokens
  readonly #sealed: SealedTokens | null
  readonly #store: AskedStore
  /**
   * Where tokens carry it all: no copy of a session whose secret is older is made anew, because it was ended or stepped up
   * since. So a page that is still loading does not undo a sign-out. As far as this process knows: no protection from thieves.
   */
  readonly #leastIssuedAt = new RecentMap<number>(10_000)
  /** The changes to one session take turns in this process, instead of running into conflicts. */
  readonly #turns: Turns

  constructor(options: EngineOptions) {
    this.#options = options
    this.policy = options.policy
    this.events = new EventStream(options.clock)
    this.#store = new AskedStore(options.store, this.events, options.storeTimeoutMs)
    this.administration = new Administration(this.#store, this.events, options.policy, options.clock)
    this.carried = this.#store.carried
    this.#sealed = this.carried && new SealedTokens(options.ring, this.carried, options.place, options.random)
    this.#known = new KnownTokens(options.ring, undefined, this.#sealed)
    this.#turns = Turns.of(options.store)
  }

  now(): number {
    return this.#options.clock()
  }

  /** Tells the listeners about something that happened to a session. */
  tell(record: StoredRecord, origin: RequestOrigin | null, detail: EventDetail): void {
    this.events.emit(record.sid, record.userId, origin, detail)
  }

  /**
   * Opens the session a token stands for. `null`: it stands for none (any more). `superseded`: a sign-in or step-up
   * replaced the token a moment ago while this request was under way. Throws or rejects when the store fails.
   */
  open(text: string, arrival: Arrival): Awaitable<Held | 'superseded' | null> {
    const known = this.#known.read(text)
    if (!known) {
      const { ring } = this.#options
      const keyId = text.slice(0, keyIdLength)
      const key = ring.find(keyId) ? 'ours' : 'unknown'
      const { watchKey } = ring.newest
      const [token, named] = [tokenPseudonym(text, watchKey), keyPseudonym(keyId, watchKey)]
      this.events.emit(null, null, arrival.origin(), { type: 'token.forged', token, key, named })
      return null
    }
    const own = known.carried && { carried: known.carried }
    if (own && this.carried === 'all') return this.#hold(own.carried.record, known, own, arrival)
    const remembered = this.#store.read(known.sid, arrival, 'remembered')
    if (!this.#store.caches) return after(remembered, record => this.#openRecord(record, known, own, arrival))
    return after(remembered, record => {
      // From a record out of date follows nothing but "still here": neither a time-out nor, after a rotation on another
      // node, a replay.
      if (record === 'corrupt' || this.#isAsExpected(record, known, arrival))
        return this.#openRecord(record, known, own, arrival)
      return after(this.#store.read(known.sid, arrival), now => this.#openRecord(now, known, own, arrival))
    })
  }

  /** Records that a session was used, when it is time to. Not awaited: a lost touch only makes the idle time-out early. */
  touch({ record, body }: Pick<Held, 'record' | 'body'>): void {
    // A token that carries it all is replaced when the response leaves.
    if (this.carried === 'all' || !this.isTouchDue(record.lastSeenAt)) return
    const now = this.now()
    if (isLocked(record, body, now, this.policy)) return
    const expiresAt = keptUntil({ ...record, lastSeenAt: now }, body, this.policy)
    this.#store.ask('touch', isAnything, store => store.touch(record.sid, now, expiresAt)).catch(() => {})
  }

  /**
   * Notes that the current token arrived, because something was used that was handed out together with it: the grace of its
   * predecessor begins. Not awaited: what is lost here is noted with the next use.
   */
  noteArrival({ record, body }: Pick<Held, 'record' | 'body'>): void {
    if (!body.retired.some(entry => entry.handoff?.seenAt === null)) return
    const next = { ...body, retired: confirmed(body.retired, this.now()) }
    const saved = { ...record, version: record.version + 1, body: encodeBody(next) }
    this.#store.ask('save', isSaveResult, store => store.save(saved, { durable: false })).catch(() => {})
  }

  /** The public id in a token that this server made, whatever became of its session; `null` for any other text. */
  sidOf(text: string): string | null {
    return this.#known.read(text)?.sid ?? null
  }

  /** Whether a session was idle for too long, and waits for its user. */
  isLocked({ record, body }: Held): boolean {
    return isLocked(record, body, this.now(), this.policy)
  }

  /** What stands for an account that somebody tried to sign in to. */
  accountPseudonym(typed: string): string {
    return accountPseudonym(typed, this.#options.ring.newest.watchKey)
  }

  /** A new challenge. */
  challenge(subject: ChallengeSubject, terms: Pick<StoredChallenge, 'level' | 'expiresAt'>): NewChallenge {
    return newChallenge(subject, terms, this.#options.ring.newest, this.#options.random)
  }

  /** Judges the answer to a challenge. */
  answered(challenges: readonly StoredChallenge[], challenge: string, subject: ChallengeSubject): AnsweredChallenge {
    return answered(challenges, challenge, subject, this.now(), this.#options.ring)
  }

  /** Whether use of a session is to be recorded that was last recorded then. */
  isTouchDue(lastSeenAt: number): boolean {
    return this.now() - lastSeenAt >= this.policy.touchEveryMs
  }

  /** Whether use is to be recorded now, and nowhere but in a new token. */
  mustReseal({ record }: Held): boolean {
    return this.carried === 'all' && this.isTouchDue(record.lastSeenAt)
  }

  /** Creates a record and its token; a sign-in is refused when it was overtaken or the user has too many sessions. */
  async create(session: NewSession): Promise<Held> {
    const { userId, client } = session
    const now = this.now()
    const options =
      userId === null
        ? { now }
        : {
            now,
            ...this.#limits(
              now,
              session.generation ?? (await this.administration.generation(userId)),
              session.replaces,
            ),
          }
    for (let attempt = 1; ; attempt += 1) {
      const drafted = draftNew(session, this.#circumstances(now))
      this.#sealed?.assertFits(carriedBy(drafted))
      const result = await this.#store.ask('create', isCreateResult, store => store.create(drafted.record, options))
      if (result.outcome === 'created') {
        for (const evicted of result.evicted) this.administration.tellEnded(evicted, 'evicted', client)
        this.tell(drafted.record, client, { type: 'session.created' })
        return this.#keep(drafted, this.#sealed && { carried: carriedBy(drafted) })
      }
      if (result.outcome === 'exists') {
        // 2^-84 by chance: a second collision means that the random source is broken, and then nothing is safe.
        if (attempt > 1)
          throw new UsageError('random returned the same bytes again: it must be a cryptographic source.')
        continue
      }
      const refusal =
        result.outcome === 'limit'
          ? new Refusal('too-many-sessions', 'You are signed in on too many devices. Sign out on one of them first.')
          : new Refusal('sign-in-overtaken', 'All sessions of this account were just ended. Please sign in again.')
      this.events.emit(null, userId, client, { type: 'sign-in.refused', reason: refusal.code })
      throw refusal
    }
  }

  /**
   * Applies a change to the newest version of a session until it is saved. `change` runs again after every conflict;
   * `null` from it means that nothing has to be written. Throws a `Refusal` when the session ended meanwhile.
   */
  amend(held: Held, arrival: Arrival, change: (held: Held) => Draft | null): Promise<Held> {
    const giveUpAt = performance.now() + this.#options.storeTimeoutMs
    return this.#turns.run([held.record.sid], waited => this.#amendInTurn(held, arrival, change, giveUpAt, waited))
  }

  /** The token that the holder of this session should carry from now on. */
  tokenOf(held: Held): string {
    return this.#known.write(held)
  }

  /** Whether a token that carries what was before does not carry what is now. A token that only names its session does. */
  isTokenOutdated(before: Held, next: Held): boolean {
    if (this.carried === 'all') return next.record !== before.record
    return this.carried === 'data' && next.json !== before.json
  }

  /** Ends the session of a request; `true` when it was alive. A token that carries it all can only be taken back. */
  async endHeld({ record }: Held, reason: EndReason, origin: RequestOrigin): Promise<boolean> {
    if (this.carried !== 'all') return this.administration.end(record.sid, reason, origin)
    this.#leastIssuedAt.set(record.sid, Number.POSITIVE_INFINITY)
    this.administration.tellEnded(record, reason, origin)
    return true
  }

  /**
   * Ends a session that a sign-in took over. Resolves to its data as it was at the very end, because other requests may
   * have saved more since `held` was read; `null` when it was over already.
   */
  async supersede(held: Held, successor: string, arrival: Arrival): Promise<string | null> {
    if (this.carried === 'all') {
      await this.endHeld(held, 'superseded', arrival.origin())
      return held.json
    }
    // Nothing leads from a guest's token to the user's, so its return proves no theft; whoever planted it learns nothing.
    const mark =
      held.record.userId === null
        ? this.administration.mark('superseded')
        : { ...this.administration.mark('superseded'), successor }
    const ended = await this.#store.ask('end', isRecordOrNull, store => store.end(held.record.sid, mark))
    if (!ended) return null
    this.administration.tellEnded(ended, 'superseded', arrival.origin())
    if (ended.version === held.record.version) return held.json
    const last = await this.#hold(ended, held.known, held.own, arrival, 'continuing')
    return last && last !== 'superseded' ? last.json : null
  }

  /** Whether a session that is over lives on: under another sid after a sign-in, or under another token after a step-up. */
  async isSuperseded(held: Held): Promise<boolean> {
    const record = await this.#store.read(held.record.sid, null)
    return record !== null && record !== 'corrupt' && (record.ended === null || record.ended.reason === 'superseded')
  }

  /** Adds a meter of the store; the returned function removes it. */
  measure(meter: StoreMeter): () => void {
    return this.#store.measure(meter)
  }

  async close(): Promise<void> {
    this.events.flush()
    await this.#store.close()
  }

  #openRecord(
    record: StoredRecord | 'corrupt' | null,
    known: KnownToken,
    own: Held['own'],
    arrival: Arrival,
  ): Awaitable<Held | 'superseded' | null> {
    if (record === 'corrupt') return null
    if (record) return this.#hold(record, known, own, arrival)
    this.events.emit(known.sid, null, arrival.origin(), { type: 'token.used-after-end', reason: null })
    return null
  }

  /** Whether the session is alive and the token its current one. */
  #isAsExpected(record: StoredRecord | null, known: KnownToken, arrival: Arrival): boolean {
    if (record === null || record.ended) return false
    const body = known.memo?.text === record.body ? known.memo.body : decodeBody(record.body)
    const moment = { now: this.now(), arrivedAt: arrival.arrivedAt }
    if (body === null || isLocked(record, body, moment.now, this.policy)) return false
    return judge(record, body, known.hash, moment, this.policy, 'arriving').kind === 'current'
  }

  /** From a record and a good token to a session, or to `null` with the consequences that follow. */
  #hold(
    record: StoredRecord,
    known: KnownToken,
    own: Held['own'],
    arrival: Arrival,
    stage: 'arriving' | 'continuing' = 'arriving',
  ): Awaitable<Held | 'superseded' | null> {
    if (record.ended) {
      const verdict = judgeEnded(record.ended, arrival.arrivedAt)
      if (verdict === 'in-flight') return 'superseded'
      if (verdict === 'replayed') return this.#replayed(record, arrival)
      this.#usedAfterEnd(record, arrival)
      return null
    }
    const memo = known.memo
    const same =
      memo !== null && memo.text === record.body && memo.userId === record.userId && memo.createdAt === record.createdAt
    const body = same ? memo.body : decodeBody(record.body)
    if (!body) return this.#corrupt(record, arrival)
    const moment = { now: this.now(), arrivedAt: arrival.arrivedAt }
    const verdict = judge(record, body, known.hash, moment, this.policy, stage)
    switch (verdict.kind) {
      case 'over':
        if (this.carried !== 'all')
          return this.administration.end(record.sid, verdict.reason, arrival.origin()).then(() => null)
        // Nobody can tell whether it was told before, so it is told as what it is: a token that came too late.
        this.tell(record, arrival.origin(), { type: 'token.used-after-end', reason: verdict.reason })
        return null
      case 'in-flight':
        return 'superseded'
      case 'replayed':
        return stage === 'arriving' ? this.#replayed(record, arrival) : null
    }
    if (stage === 'arriving' && this.events.observed) this.tellUse({ record, body }, arrival)
    if (same) return { ...memo, json: own ? own.carried.json : memo.json, record, verdict, known, own }
    const secret = verdict.kind === 'current' ? known.secret : unsealHandoff(known.key, verdict.handoff, record.sid)
    if (!secret) return this.#corrupt(record, arrival)
    const serverKey = this.#options.ring.find(body.secret.keyId)
    if (!serverKey) return this.#corrupt(record, arrival)
    const key = verdict.kind === 'current' ? known.key : sealingKey(serverKey, secret)
    const json = own ? carriedJson(own.carried, record, body) : unsealData(key, record, body)
    if (json === null) return this.#corrupt(record, arrival)
    const opened = { text: record.body, userId: record.userId, createdAt: record.createdAt, body, secret, key, json }
    remember(known, opened)
    return { ...opened, record, verdict, known, own }
  }

  /** Tells whoever observes that a request uses a session. Ask first whether anybody does: it is on the way of each request. */
  tellUse({ record, body }: Pick<Held, 'record' | 'body'>, arrival: Arrival): void {
    const { sid, userId, createdAt, lastSeenAt } = record
    const { client } = body
    const { arrivedAt: at } = arrival
    this.events.tellUse({ at, sid, userId, createdAt, lastSeenAt, client, origin: () => arrival.origin() })
  }

  async #amendInTurn(
    start: Held,
    arrival: Arrival,
    change: (held: Held) => Draft | null,
    giveUpAt: number,
    waited: boolean,
  ): Promise<Held> {
    // The time to wait for others counts too: nobody waits longer than the store may take.
    if (waited && performance.now() > giveUpAt)
      throw this.#store.failed('save', new Error('others were waiting already'))
    let held = waited ? await this.reopen(start, arrival) : start
    for (let attempt = 1; ; attempt += 1) {
      const draft = change(held)
      if (!draft) return held
      const drafted = draftNext(held, draft, this.#circumstances(this.now()))
      this.#sealed?.assertFits(carriedBy(drafted))
      if (held.body.secret.issuedAt < (this.#leastIssuedAt.get(held.record.sid) ?? 0)) throw sessionEnded()
      const outcome = await this.#store.ask('save', isSaveResult, store =>
        // What is spent must stay spent.
        store.save(drafted.record, { durable: draft.secret !== undefined || draft.challenges !== undefined }),
      )
      if (outcome === 'saved') return this.#saved(held, draft, drafted, arrival)
      if (outcome === 'gone') throw sessionEnded()
      if (performance.now() > giveUpAt)
        throw this.#store.failed('save', new Error('too many other changes to this session'))
      // The first conflicts are retried at once; after that processes that run in step are pulled apart.
      if (attempt > 2) await new Promise(resolve => setTimeout(resolve, Math.random() * Math.min(attempt, 20)))
      held = await this.reopen(held, arrival)
    }
  }

  #saved(held: Held, draft: Draft, drafted: Drafted, arrival: Arrival): Held {
    const { own } = held
    if (own) own.carried = carriedBy(drafted)
    if (draft.secret) {
      const { sid } = drafted.record
      if (this.carried === 'all' && draft.secret === 'replace') {
        this.#leastIssuedAt.set(sid, drafted.opened.body.secret.issuedAt)
      }
      this.tell(drafted.record, arrival.origin(), { type: 'session.rotated' })
      return this.#keep(drafted, own)
    }
    if (this.carried !== 'all') remember(held.known, drafted.opened)
    return { ...drafted.opened, record: drafted.record, known: held.known, verdict: held.verdict, own }
  }

  /**
   * The session as it is now, for a request that was let in when it began and may finish though its token is superseded
   * by now. Throws a `Refusal` when the session is over, or was taken further without handing over.
   */
  async reopen(held: Held, arrival: Arrival): Promise<Held> {
    const { known, own } = held
    const carried = this.carried === 'all' ? own?.carried.record : undefined
    const record = carried ?? (await this.#store.read(held.record.sid, arrival))
    const again =
      record && record !== 'corrupt' && !record.ended
        ? await this.#hold(record, known, own, arrival, 'continuing')
        : null
    if (!again || again === 'superseded') throw sessionEnded()
    return again
  }

  /** Remembers what was just written as opened, so that the next request need not decrypt what this one encrypted. */
  #keep(draft: Drafted, own: Held['own']): Held {
    const { secret, key } = draft.opened
    const known = own
      ? knownToken(own.carried, secret, key)
      : this.#known.read(writeToken(this.#options.ring.newest, draft.record.sid, secret))
    if (!known)
      throw new UsageError('random returned bytes of the wrong length: it must return exactly as many as asked.')
    remember(known, draft.opened)
    return { ...draft.opened, record: draft.record, verdict: freshlyIssued, known, own }
  }

  /** Somebody presented a superseded token: unless configured otherwise the session ends, whoever holds it now. */
  async #replayed(record: StoredRecord, arrival: Arrival): Promise<null> {
    let target: StoredRecord | null = record
    // A sign-in moved the session to another sid, perhaps more than once; the chain is short or somebody made it long.
    for (let hop = 0; target?.ended?.successor && hop < 8; hop += 1) {
      const next: StoredRecord | 'corrupt' | null = await this.#store.read(target.ended.successor, arrival)
      target = next === 'corrupt' ? null : next
    }
    if (!target || target.ended) {
      this.#usedAfterEnd(record, arrival)
      return null
    }
    this.tell(record, arrival.origin(), { type: 'token.replayed' })
    if (this.#options.onReplay === 'end') await this.administration.end(target.sid, 'replayed', arrival.origin())
    return null
  }

  #usedAfterEnd(record: StoredRecord, arrival: Arrival): void {
    const reason = record.ended?.reason ?? null
    this.tell(record, arrival.origin(), { type: 'token.used-after-end', reason })
  }

  #corrupt(record: StoredRecord, arrival: Arrival): null {
    this.tell(record, arrival.origin(), { type: 'record.corrupt' })
    return null
  }

  #limits(now: number, generation: number, replaced: string | null) {
    const { maxSessions: max, atMaxSessions } = this.policy
    if (max === null) return { generation }
    const evict = atMaxSessions === 'refuse' ? ('refuse' as const) : this.administration.mark('evicted', now)
    return { generation, limit: { max, evict, ...(replaced === null ? {} : { except: replaced }) } }
  }

  #circumstances(now: number): Circumstances {
    const { random, ring } = this.#options
    return { now, policy: this.policy, random, serverKey: ring.newest, carried: this.carried }
  }
}

const freshlyIssued: Held['verdict'] = { kind: 'current', confirm: false, renewable: true, rotate: false }
