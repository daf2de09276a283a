/**
 * The store contract: what Latchkey asks of the place where records live.
 *
 * A store knows nothing about tokens, time-outs or encryption. It keeps records, changes each one only from the version
 * it was read at, never lets a late write bring an ended session back, and keeps the index of a user's sessions in the
 * same atomic step as the records. The suite in `latchkey/testing` proves an implementation.
 *
 * Every method may throw or reject with anything; the engine turns it into a `StoreError` (503). A store never answers
 * from a guess: when it does not know, it throws. Instants are epoch milliseconds and come from the engine, so that a
 * store works under an injected clock; a store does not read the system's clock for decisions.
 */
export interface SessionStore {
  /** Short name for messages, events and `doctor`, for example `sqlite`. */
  readonly name: string

  /**
   * Whether records outlive this process. `false` (the memory store) is refused when `NODE_ENV` is `production`,
   * because every deployment would sign everybody out and a second process would know nobody.
   */
  readonly persistent: boolean

  /**
   * What of a session its token carries, sealed, instead of this store: its `data` (`body` then has none of it) or `all` of
   * it (this store is then never asked to read, and keeps nothing). Default: nothing, the store has it all. Only
   * `latchkey/stores/sealed` says otherwise.
   */
  readonly carried?: 'data' | 'all' | undefined

  /**
   * The record with this id, ended or not, or `null` when there is none. Never a partial or guessed record. A store that
   * has the answer at hand returns it without a promise: reading is what nearly every request does. With `fresh: true`
   * the answer is what is stored now and not what a cache remembers.
   */
  read(sid: string, options?: { readonly fresh: boolean }): StoredRecord | null | Promise<StoredRecord | null>

  /**
   * Whether `read` may answer from a cache. The engine then reads anew before it acts on anything unusual. What such a store
   * answers without a promise is measured as a hit (see `StoreMeter`). Default: no.
   */
  readonly caches?: boolean

  /**
   * Adds a record whose `sid` must not exist, in one atomic step with the user's index.
   *
   * The steps, all or nothing: `exists` when the sid is taken (even by an ended record); `overtaken` when
   * `options.generation` is not the user's current generation; then, with `options.limit`, the user's live records
   * (not ended, `expiresAt > options.now`, not `limit.except`) are counted, and when there are `limit.max` or more, either nothing is
   * written and the answer is `limit` (`refuse`), or the ones with the smallest `createdAt` are ended with `evict`
   * until `max - 1` are left. Durable when it resolves.
   */
  create(record: StoredRecord, options: CreateOptions): Promise<CreateResult>

  /**
   * Replaces the record if it is live and its stored version is exactly `record.version - 1`.
   *
   * `conflict`: another version is stored; nothing was written. `gone`: there is no such record or it has ended;
   * nothing was written. The user of a record never changes. With `durable: true` the write survives a power cut when
   * the promise resolves; otherwise it survives at least the death of the process.
   */
  save(record: StoredRecord, options: { durable: boolean }): Promise<'saved' | 'conflict' | 'gone'>

  /**
   * Moves `lastSeenAt` and `expiresAt` of a live record forward (never back) without a new version. May be batched and
   * may be lost in a crash. Does nothing when the record has ended or is gone: a touch never resurrects.
   */
  touch(sid: string, lastSeenAt: number, expiresAt: number): Promise<void>

  /**
   * Ends a live record: `ended` is set to the mark, `body` becomes `''`, `expiresAt` becomes `mark.keepUntil`, the
   * version grows by one, and the sid leaves the user's index. Resolves to the record as it was before, or to `null`
   * when there was nothing live to end (so exactly one caller learns that it was the one). Durable when it resolves.
   */
  end(sid: string, mark: EndMark): Promise<StoredRecord | null>

  /**
   * Ends every live record of the user but `except`, and raises the user's generation, in one atomic step. When it
   * resolves no other record of the user is live, and a `create` that carries an older generation will be refused.
   * Resolves to the records as they were before. Durable when it resolves.
   */
  endUser(userId: string, mark: EndMark, except?: string): Promise<StoredRecord[]>

  /** Ends every live record there is, raises everybody's generation, and resolves to how many records were ended. */
  endEverybody(mark: EndMark): Promise<number>

  /**
   * A number that changes whenever `endUser(userId)` or `endEverybody` runs. A sign-in reads it before it checks the
   * password and passes it to `create`.
   */
  generation(userId: string): Promise<number>

  /** The user's live records, newest `createdAt` first. Expired ones may be among them. */
  list(userId: string): Promise<StoredRecord[]>

  /**
   * Removes at most `limit` records whose `expiresAt <= now`, oldest first, ended ones included, and resolves to the
   * removed ones. A store whose server expires records by itself resolves to `[]`.
   */
  sweep(now: number, limit: number): Promise<StoredRecord[]>

  /** All sessions, page by page, for consoles. Left out by a store that cannot list what it does not know the user of. */
  readonly directory?: SessionDirectory | undefined

  /** Resolves when the store can serve; rejects with the reason when it cannot. Used by health checks. */
  ping(): Promise<void>

  /** Finishes pending writes and lets go of files and connections the store itself opened. Safe to call twice. */
  close(): Promise<void>
}

/**
 * All live records (not ended; expired ones that were not swept yet may be among them), whoever's they are. Every answer
 * takes bounded time, however many records there are. A damaged record is left out: it must not hide all others.
 */
export interface SessionDirectory {
  /**
   * At most `limit` (1 to 500) live records after a cursor (`null`: from the beginning), in an order that stays, newest
   * first where the store can. A page may hold fewer and still not be the last. A record that is there all the while is on
   * exactly one page. Rejects with a `UsageError` for a cursor that is none.
   */
  page(cursor: string | null, limit: number): Promise<SessionPage>
  /** How many live records there are. Where that is much work for so many (from 50,000 on), it may be estimated, within a few per cent. */
  count(): Promise<number>
  /** About `size` (1 to 2,000) of them, picked evenly enough to estimate shares from; all, where there are not more. */
  sample(size: number): Promise<StoredRecord[]>
}

/** One page of a directory. */
export interface SessionPage {
  /** Live records. */
  readonly records: readonly StoredRecord[]
  /** The cursor of the next page, `null` after the last one. At most 500 characters; opaque to everybody but the store. */
  readonly next: string | null
}

/** A store whose changes can be followed from every process that uses it: what a near cache stands on. */
export interface SharedStore extends SessionStore {
  /**
   * From the moment it resolves, `told` is called with the sid of every record that anybody changes (created, saved,
   * touched, ended in whatever way), or with `null` when any of them may have changed. `lost` is called once when that can
   * no longer be promised.
   */
  follow(told: (sid: string | null) => void, lost: (cause: unknown) => void): Promise<Following>
}

/** Changes that are being followed. */
export interface Following {
  /**
   * Resolves once everything that had changed before the call was told, rejects when that cannot be said. Cheap: asked
   * some twenty times a second.
   */
  confirm(): Promise<void>
  /** Ends it. */
  stop(): Promise<void>
}

/**
 * One stored session. Treat it as immutable: a store may hand the same object to many callers, and `body` must come
 * back character for character, because it is authenticated.
 */
export interface StoredRecord {
  /** Public session id: 22 base64url characters (16 bytes). */
  readonly sid: string
  /** 1 at creation, plus one for every `save` and `end`. */
  readonly version: number
  /** The signed-in user, 1–256 characters, or `null` for an anonymous session. Hostile characters are possible. */
  readonly userId: string | null
  /** When this record was created, epoch ms. Decides who is evicted first. */
  readonly createdAt: number
  /** Last activity that was written, epoch ms. */
  readonly lastSeenAt: number
  /** From this instant on (epoch ms) nobody needs the record any more and `sweep` may remove it. */
  readonly expiresAt: number
  /** `null` while the session lives. */
  readonly ended: EndMark | null
  /** Opaque text of the engine, up to about `1.4 * maxDataBytes + 2048` characters; `''` once ended. */
  readonly body: string
}

/** How and when a session ended. */
export interface EndMark {
  /** Why. */
  readonly reason: EndReason
  /** When, epoch ms. */
  readonly at: number
  /** How long the tombstone is kept, epoch ms, so that a later use of the dead token is recognised. */
  readonly keepUntil: number
  /** After a sign-in: the sid of the session that took over. */
  readonly successor?: string
}

/**
 * Why a session is over.
 *
 * - `signed-out`: the user signed out here, or ended it from another of their sessions.
 * - `idle`, `expired`: the idle or the absolute time-out passed.
 * - `revoked`: an administrator or the application ended it.
 * - `replayed`: a superseded token was presented; somebody else has the session.
 * - `evicted`: the user signed in elsewhere and the maximum number of sessions was reached.
 * - `superseded`: sign-in replaced it with a session under a new id.
 */
export type EndReason = 'signed-out' | 'idle' | 'expired' | 'revoked' | 'replayed' | 'evicted' | 'superseded'

/** Conditions under which a record may be created. */
export interface CreateOptions {
  /** Now, epoch ms, for deciding which of the user's records still count. */
  readonly now: number
  /** Refuse with `overtaken` unless this is the user's current generation. Left out for anonymous records. */
  readonly generation?: number
  /**
   * The maximum number of live sessions of the user and what happens at it. Left out when there is none. The record
   * `except`, which the caller ends next, is neither counted nor evicted.
   */
  readonly limit?: { readonly max: number; readonly evict: EndMark | 'refuse'; readonly except?: string }
}

/** What `create` did; `evicted` are the records as they were before they were ended. */
export type CreateResult =
  | { readonly outcome: 'created'; readonly evicted: readonly StoredRecord[] }
  | { readonly outcome: 'exists' | 'overtaken' | 'limit' }
