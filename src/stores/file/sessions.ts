import { randomBytes } from 'node:crypto'
import type {
  CreateOptions,
  CreateResult,
  EndMark,
  SessionDirectory,
  SessionPage,
  SessionStore,
  StoredRecord,
} from '../../session/store.ts'
import { Turns } from '../../session/turns.ts'
import { CorruptRecord } from '../corrupt-record.ts'
import type { Generations } from '../generations.ts'
import { Backlog } from './backlog.ts'
import { type Directory, isExhausted } from './directory.ts'
import { decodeRecord, encodeRecord, type Intent, nameOf } from './document.ts'
import { type Entry, endedBy, type Heads } from './heads.ts'
import { pacer } from './pacer.ts'

type Limit = NonNullable<CreateOptions['limit']>

/** What an opening found in the directory. */
export interface Found {
  readonly directory: Directory
  readonly heads: Heads
  readonly generations: Generations
  /** The names of damaged records, each with the file it was put aside as. */
  readonly damaged: Map<string, string>
}

/**
 * The operations of the file store on an open directory; `SessionStore` says what each of them does.
 *
 * Whatever changes sessions takes turns with the other changes of the same user, prepares its new files (which waits for
 * the disk), and then renames them and changes memory in one synchronous step. Reads therefore need no turn: at any
 * instant the files and memory agree, and a file that does not is damaged.
 */
export class FileSessions
  implements Omit<SessionStore, 'name' | 'persistent' | 'directory' | 'close'>, SessionDirectory
{
  readonly backlog: Backlog
  readonly #directory: Directory
  readonly #heads: Heads
  readonly #generations: Generations
  readonly #damaged: Map<string, string>
  readonly #turns = new Turns()

  constructor({ directory, heads, generations, damaged }: Found) {
    this.#directory = directory
    this.#heads = heads
    this.#generations = generations
    this.#damaged = damaged
    this.backlog = new Backlog(directory, entry => this.#catchUp(entry))
  }

  async read(sid: string): Promise<StoredRecord | null> {
    const entry = this.#heads.get(sid)
    if (entry) return this.#load(entry)
    if (this.#isDamaged(sid)) throw this.#corrupt(nameOf(sid))
    return null
  }

  create(record: StoredRecord, { now, generation, limit }: CreateOptions): Promise<CreateResult> {
    return this.#turns.run([turnOf(record), turnOfSid(record.sid)], async () => {
      const { sid, userId } = record
      if (this.#isTaken(sid)) return { outcome: 'exists' }
      if (userId !== null && generation !== undefined && generation !== this.#generations.of(userId)) {
        return { outcome: 'overtaken' }
      }
      const surplus = userId !== null && limit ? this.#surplusOf(userId, limit, now) : []
      const mark = limit?.evict
      if (surplus.length > 0 && mark === 'refuse') return { outcome: 'limit' }
      const evicted = this.#loadAll(surplus)

      const draft = await this.#directory.draft(encodeRecord(record))
      const place = () => {
        draft.place(fileOf(sid))
        this.#heads.add(record)
      }
      if (evicted.length > 0 && mark && mark !== 'refuse') {
        await this.#endTogether(evicted, mark, place, record).catch(error => {
          draft.discard()
          throw error
        })
      } else {
        place()
        await this.#directory.flush()
      }
      return { outcome: 'created', evicted }
    })
  }

  save(record: StoredRecord, { durable }: { durable: boolean }): Promise<'saved' | 'conflict' | 'gone'> {
    return this.#inTurn(record.sid, 'gone', async entry => {
      const stored = this.#loadSound(entry)
      if (!stored || stored.ended) return 'gone'
      if (stored.version !== record.version - 1) return 'conflict'
      const next = { ...record, userId: entry.userId, ended: null } // a record never changes its user, and only ends by an end
      return (await this.#replace(entry, next, durable)) ? 'saved' : 'gone'
    })
  }

  async touch(sid: string, lastSeenAt: number, expiresAt: number): Promise<void> {
    const entry = this.#heads.get(sid)
    if (!entry || entry.head.ended) return
    const { head } = entry
    if (lastSeenAt <= head.lastSeenAt && expiresAt <= head.expiresAt) return
    this.#heads.update(entry, {
      ...head,
      lastSeenAt: Math.max(lastSeenAt, head.lastSeenAt),
      expiresAt: Math.max(expiresAt, head.expiresAt),
    })
    this.backlog.add(entry)
  }

  end(sid: string, mark: EndMark): Promise<StoredRecord | null> {
    return this.#inTurn(sid, null, async entry => {
      const stored = this.#loadSound(entry)
      if (!stored || stored.ended) return null
      return (await this.#replace(entry, endedBy(stored, mark), true)) ? stored : null
    })
  }

  endUser(userId: string, mark: EndMark, except?: string): Promise<StoredRecord[]> {
    return this.#turns.run([turnOfUser(userId)], async () => {
      const records = this.#loadAll(this.#heads.liveOf(userId).filter(entry => entry.sid !== except))
      await this.#endTogether(records, mark, () => this.#generations.raise(userId))
      return records
    })
  }

  endEverybody(mark: EndMark): Promise<number> {
    return this.#turns.alone(async () => {
      const live = this.#heads.live()
      await this.#endTogether(live, mark, () => this.#generations.raiseEverybody())
      return live.length
    })
  }

  async generation(userId: string): Promise<number> {
    return this.#generations.of(userId)
  }

  async list(userId: string): Promise<StoredRecord[]> {
    return this.#loadAll(this.#heads.liveOf(userId))
  }

  async page(cursor: string | null, limit: number): Promise<SessionPage> {
    const { entries, next } = this.#heads.roll.page(cursor, limit)
    return { records: await this.#loadEach(entries), next }
  }

  async count(): Promise<number> {
    return this.#heads.roll.size
  }

  sample(size: number): Promise<StoredRecord[]> {
    return this.#loadEach(this.#heads.roll.sample(size))
  }

  async sweep(now: number, limit: number): Promise<StoredRecord[]> {
    const removed: StoredRecord[] = []
    const pause = pacer()
    try {
      while (removed.length < limit) {
        await pause()
        const entry = this.#heads.firstExpired(now)
        if (!entry) break
        const record = this.#loadExpired(entry)
        if (!record) continue
        this.#directory.remove(fileOf(entry.sid))
        this.#heads.forget(entry)
        removed.push(record)
      }
    } catch (error) {
      if (removed.length === 0) throw error // else those that left are told of, and the next sweep meets it first
    }
    return removed
  }

  async ping(): Promise<void> {
    const draft = await this.#directory.draft('ping')
    draft.discard()
  }

  /** When everything that was asked for before is done and in the files. */
  settle(): Promise<void> {
    return this.#turns.alone(async () => {}).then(() => this.backlog.flush())
  }

  /**
   * Does what an earlier process had decided, after the heads of its files are known: its session is created and the
   * others are ended, unless that had come to pass. Doing it twice is doing it once.
   */
  async resume(intents: ReadonlyMap<string, Intent>): Promise<void> {
    for (const { created } of intents.values()) {
      if (!created || this.#isTaken(created.sid)) continue
      const draft = await this.#directory.draft(encodeRecord(created))
      draft.place(fileOf(created.sid))
      this.#heads.add(created)
    }
    for (const [file, { sids, mark }] of intents) this.backlog.adopt(file, this.#endInMemory(sids, mark))
  }

  /** The record as it is now, or `null` when somebody deleted its file. Throws when the file is damaged, and puts it aside. */
  #load(entry: Entry): StoredRecord | null {
    const name = nameOf(entry.sid)
    const text = this.#directory.read(`${name}.json`)
    if (text === null) {
      this.#heads.forget(entry)
      return null
    }
    const record = decodeRecord(text, name)
    // Another version than was written is an older file put back: it could bring an ended session back to life.
    if (record?.version !== entry.written.version) {
      this.#putAside(entry)
      throw this.#corrupt(name)
    }
    return entry.head.ended ? entry.head : { ...entry.head, body: record.body }
  }

  /** Like `#load`, for those to whom a damaged record is none: it answers nobody any more. */
  #loadSound(entry: Entry): StoredRecord | null {
    try {
      return this.#load(entry)
    } catch (error) {
      if (error instanceof CorruptRecord) return null
      throw error
    }
  }

  /** Like `#loadSound`. A file that cannot be read is put aside: nobody needs it, and it must not stop all sweeping. */
  #loadExpired(entry: Entry): StoredRecord | null {
    try {
      return this.#loadSound(entry)
    } catch (error) {
      if (isExhausted(error)) throw error
      this.#putAside(entry)
      return null
    }
  }

  #putAside(entry: Entry): void {
    const name = nameOf(entry.sid)
    this.#damaged.set(name, putAside(this.#directory, name))
    this.#heads.forget(entry)
  }

  #loadAll(entries: readonly Entry[]): StoredRecord[] {
    return entries.map(entry => this.#loadSound(entry)).filter(record => record !== null)
  }

  /** Like `#loadAll`, and lets others work meanwhile: for hundreds of files. What ended since is left out. */
  async #loadEach(entries: readonly Entry[]): Promise<StoredRecord[]> {
    const records: StoredRecord[] = []
    const pause = pacer()
    for (const entry of entries) {
      const record = this.#heads.holds(entry) ? this.#loadSound(entry) : null
      if (record && !record.ended) records.push(record)
      await pause()
    }
    return records
  }

  #isTaken(sid: string): boolean {
    return this.#heads.get(sid) !== undefined || this.#isDamaged(sid)
  }

  /** A sid stays refused until the operator has dealt with its damaged file. */
  #isDamaged(sid: string): boolean {
    if (this.#damaged.size === 0) return false
    const name = nameOf(sid)
    const aside = this.#damaged.get(name)
    if (aside === undefined) return false
    if (this.#directory.exists(aside)) return true
    this.#damaged.delete(name)
    return false
  }

  #corrupt(name: string): CorruptRecord {
    return new CorruptRecord(
      `The record of this session is damaged. It was put aside as ${this.#damaged.get(name)} in the session directory, and the session is refused until that file is deleted. No other session is concerned.`,
    )
  }

  /** The user's live sessions that have to go before one more may come. */
  #surplusOf(userId: string, { max, except }: Limit, now: number): Entry[] {
    const counted = this.#heads.liveOf(userId).filter(entry => entry.expiresAt > now && entry.sid !== except)
    return counted.slice(Math.max(0, max - 1)) // newest first, so the oldest are behind the `max - 1` that may stay
  }

  /** Ends sessions in one step with what `also` does; `also` is synchronous, and when it throws nothing happened. */
  async #endTogether(
    sessions: readonly { readonly sid: string }[],
    mark: EndMark,
    also: () => void,
    created: StoredRecord | null = null,
  ): Promise<void> {
    if (sessions.length === 0) return also()
    const sids = sessions.map(({ sid }) => sid)
    await this.backlog.commit({ mark, sids, created }, () => {
      also()
      return this.#endInMemory(sids, mark)
    })
  }

  /** Ends sessions in memory only, for whoever has the intent on the disk. Passes over what is not live. */
  #endInMemory(sids: readonly string[], mark: EndMark): Entry[] {
    const ended: Entry[] = []
    for (const sid of sids) {
      const entry = this.#heads.get(sid)
      if (!entry || entry.head.ended) continue
      this.#heads.update(entry, endedBy(entry.head, mark))
      ended.push(entry)
    }
    return ended
  }

  /** Replaces the file and the head of an entry whose turn it is; `false` when it was deleted or put aside meanwhile. */
  async #replace(entry: Entry, record: StoredRecord, durable: boolean): Promise<boolean> {
    const draft = await this.#directory.draft(encodeRecord(record))
    if (!this.#heads.holds(entry)) {
      draft.discard()
      return false
    }
    draft.place(fileOf(entry.sid))
    this.#heads.update(entry, record)
    entry.written = entry.head
    if (durable) await this.#directory.flush()
    return true
  }

  /** Makes the entry's file say what memory says. */
  #catchUp(entry: Entry): Promise<void> {
    return this.#turns.run([turnOf(entry)], async () => {
      const { head } = entry
      if (!this.#heads.holds(entry) || head === entry.written) return
      const record = this.#loadSound(entry)
      if (!record) return
      const draft = await this.#directory.draft(encodeRecord(record))
      if (!this.#heads.holds(entry)) return draft.discard()
      draft.place(fileOf(entry.sid))
      entry.written = head // not entry.head: a touch may have come meanwhile, and waits in the backlog
    })
  }

  async #inTurn<T>(sid: string, absent: T, task: (entry: Entry) => Promise<T>): Promise<T> {
    const entry = this.#heads.get(sid)
    if (!entry) return absent
    return this.#turns.run([turnOf(entry)], async () => (this.#heads.holds(entry) ? task(entry) : absent))
  }
}

/** Renames a damaged file so that it is kept, never read as a record again, and never replaced by the next one. */
export function putAside(directory: Directory, name: string): string {
  const aside = `${name}.${randomBytes(8).toString('hex')}.corrupt`
  directory.rename(`${name}.json`, aside)
  return aside
}

function fileOf(sid: string): string {
  return `${nameOf(sid)}.json`
}

/** Whose turn it is: changes of one user's sessions come one after another, an anonymous session stands alone. */
function turnOf({ userId, sid }: { readonly userId: string | null; readonly sid: string }): string {
  return userId === null ? turnOfSid(sid) : turnOfUser(userId)
}

function turnOfUser(userId: string): string {
  return `user ${userId}`
}

function turnOfSid(sid: string): string {
  return `session ${sid}`
}
