import { readFileSync } from 'node:fs'
import { storeContract } from 'latchkey/testing'
import { UsageError } from '../../src/errors.ts'
import type {
  CreateOptions,
  CreateResult,
  EndMark,
  SessionDirectory,
  SessionStore,
  StoredRecord,
} from '../../src/session/store.ts'

/**
 * A plain store in which one rule can be broken by naming it, to see that the suite notices. Each way to break it is
 * written where the rule is kept.
 */
class FaultyStore implements SessionStore {
  readonly name = 'faulty'
  readonly persistent = false
  readonly #fault: string
  readonly #records = new Map<string, StoredRecord>()
  readonly #generations = new Map<string, number>()
  #forEverybody = 0

  constructor(fault: string) {
    this.#fault = fault
  }

  #has(fault: string): boolean {
    return this.#fault === fault
  }

  #key(sid: string): string {
    if (this.#has('sids ignore case')) return sid.toLowerCase()
    if (this.#has('sids end at NUL')) return sid.split('\0')[0] ?? ''
    return this.#has('sids are trimmed') ? sid.trim() : sid
  }

  #get(sid: string): StoredRecord | undefined {
    return this.#records.get(this.#key(sid))
  }

  #put(record: StoredRecord): void {
    let { body } = record
    if (this.#has('bodies are normalised')) body = body.normalize('NFC')
    if (this.#has('bodies are trimmed')) body = body.trim()
    if (this.#has('bodies end at NUL')) body = body.split('\0')[0] ?? ''
    if (this.#has('bodies lose line ends')) body = body.replaceAll('\r\n', '\n')
    if (this.#has('bodies are cut at 65535')) body = body.slice(0, 65_535)
    this.#records.set(this.#key(record.sid), { ...record, body })
  }

  #user(userId: string): string {
    if (this.#has('user ids ignore case')) return userId.toLowerCase()
    if (this.#has('user ids end at NUL')) return userId.split('\0')[0] ?? ''
    if (this.#has('user ids are cut at 255')) return userId.slice(0, 255)
    return this.#has('user ids are normalised') ? userId.normalize('NFKC') : userId
  }

  #liveOf(userId: string): StoredRecord[] {
    return [...this.#records.values()].filter(({ userId: other, ended }) => {
      if (ended && !this.#has('list holds ended records')) return false
      if (other === null) return this.#has('list holds anonymous records')
      return this.#user(other) === this.#user(userId)
    })
  }

  #generation(userId: string): number {
    if (this.#has('generation is the same for all users')) {
      return [...this.#generations.values()].reduce((sum, count) => sum + count, this.#forEverybody)
    }
    return (this.#generations.get(this.#user(userId)) ?? 0) + this.#forEverybody
  }

  #end(record: StoredRecord, mark: EndMark): void {
    const { successor: _, ...withoutSuccessor } = mark
    this.#put({
      ...record,
      version: this.#has('end keeps the version') ? record.version : record.version + 1,
      ended: this.#has('end forgets the successor') ? withoutSuccessor : mark,
      body: this.#has('end keeps the body') ? record.body : '',
      expiresAt: this.#has('end keeps the expiry') ? record.expiresAt : mark.keepUntil,
    })
  }

  async read(sid: string): Promise<StoredRecord | null> {
    const record = this.#get(sid)
    return record?.ended && this.#has('read hides ended records') ? null : (record ?? null)
  }

  async create(record: StoredRecord, { now, generation, limit }: CreateOptions): Promise<CreateResult> {
    const { sid, userId } = record
    const taken = this.#get(sid)
    const overtaken = () => userId !== null && generation !== undefined && generation !== this.#generation(userId)
    if (this.#has('create looks at the generation first') && overtaken()) return { outcome: 'overtaken' }
    if (taken && !this.#has('create overwrites') && !(taken.ended && this.#has('create overwrites ended records'))) {
      return { outcome: 'exists' }
    }
    if (this.#has('create decides before it writes')) await pause()
    const isOvertaken = overtaken()
    if (this.#has('create looks at the generation before it writes')) await pause()
    if (isOvertaken && !this.#has('create ignores the generation')) {
      if (this.#has('create writes what is overtaken')) this.#put(record)
      return { outcome: 'overtaken' }
    }
    const live =
      userId === null
        ? []
        : [...this.#records.values()].filter(other => this.#counts(other, record, now, limit?.except))
    const key = this.#has('eviction goes by lastSeenAt') ? 'lastSeenAt' : 'createdAt'
    const oldestFirst = live.sort((a, b) => a[key] - b[key])
    if (this.#has('eviction takes the newest')) oldestFirst.reverse()
    if (this.#has('create counts before it writes')) await pause()
    let evicted: StoredRecord[] = []
    if (limit && live.length >= limit.max) {
      if (limit.evict === 'refuse') {
        if (this.#has('create writes what is refused')) this.#put(record)
        return { outcome: 'limit' }
      }
      evicted = oldestFirst.slice(0, this.#has('eviction takes one only') ? 1 : live.length - limit.max + 1)
      if (this.#has('eviction takes one too many')) evicted = oldestFirst.slice(0, evicted.length + 1)
      for (const victim of evicted) {
        if (this.#has('eviction deletes')) this.#records.delete(victim.sid)
        else this.#end(victim, limit.evict)
      }
    }
    this.#put(record)
    if (this.#has('eviction answers with nothing')) return { outcome: 'created', evicted: [] }
    return {
      outcome: 'created',
      evicted: evicted.map(victim =>
        this.#has('eviction answers with the records as they are') ? (this.#get(victim.sid) ?? victim) : victim,
      ),
    }
  }

  #counts(other: StoredRecord, record: StoredRecord, now: number, except: string | undefined): boolean {
    if (other.sid === except) return this.#has('the limit counts `except`')
    if (other.ended && !this.#has('the limit counts ended records')) return false
    if (other.expiresAt === now) return this.#has('the limit counts at expiresAt')
    if (other.expiresAt < now && !this.#has('the limit counts expired records')) return false
    if (other.expiresAt === now + 1 && this.#has('the limit forgets the last millisecond')) return false
    return other.userId === record.userId || this.#has('the limit counts all users')
  }

  async save(record: StoredRecord): Promise<'saved' | 'conflict' | 'gone'> {
    const stored = this.#get(record.sid)
    if (this.#has('save looks before it writes')) await pause()
    if (!stored && !this.#has('save creates')) return 'gone'
    if (stored?.ended && !this.#has('save resurrects'))
      return this.#has('save after the end is a conflict') ? 'conflict' : 'gone'
    const expected = record.version - 1
    const newer = stored !== undefined && stored.version < expected && this.#has('save takes any newer version')
    const older = stored !== undefined && stored.version > expected && this.#has('save takes any older version')
    if (stored && stored.version !== expected && !newer && !older) {
      if (this.#has('save writes on conflict')) this.#put({ ...record, version: stored.version })
      return 'conflict'
    }
    const userId = stored && !this.#has('save moves to another user') ? stored.userId : record.userId
    const lastSeenAt = this.#has('save keeps later times')
      ? Math.max(stored?.lastSeenAt ?? 0, record.lastSeenAt)
      : record.lastSeenAt
    this.#put({ ...record, userId, lastSeenAt })
    return 'saved'
  }

  async touch(sid: string, lastSeenAt: number, expiresAt: number): Promise<void> {
    const record = this.#get(sid)
    if (this.#has('touch does nothing')) return
    if (this.#has('touch looks before it writes')) await pause()
    if (!record) return
    if (record.ended && !this.#has('touch prolongs tombstones') && !this.#has('touch resurrects')) return
    const back = this.#has('touch moves back')
    this.#put({
      ...record,
      ended: this.#has('touch resurrects') ? null : record.ended,
      version: this.#has('touch is a new version') ? record.version + 1 : record.version,
      lastSeenAt: back ? lastSeenAt : Math.max(record.lastSeenAt, lastSeenAt),
      expiresAt: back || this.#has('touch shortens') ? expiresAt : Math.max(record.expiresAt, expiresAt),
    })
  }

  async end(sid: string, mark: EndMark): Promise<StoredRecord | null> {
    const record = this.#get(sid)
    if (this.#has('end looks before it writes')) await pause()
    if (!record) return null
    if (record.ended && !this.#has('end ends again')) return this.#has('end answers with tombstones') ? record : null
    if (this.#has('end deletes')) this.#records.delete(this.#key(sid))
    else this.#end(record, mark)
    return this.#has('end answers with the record as it is') ? (this.#get(sid) ?? record) : record
  }

  async endUser(userId: string, mark: EndMark, except?: string): Promise<StoredRecord[]> {
    const user = this.#user(userId)
    const spare = this.#has('endUser ends everything') ? undefined : except
    const raise = () => {
      if (!this.#has('endUser keeps the generation'))
        this.#generations.set(user, (this.#generations.get(user) ?? 0) + 1)
    }
    if (!this.#has('endUser raises the generation last')) raise()
    const ending = this.#liveOf(userId).filter(({ sid, expiresAt }) => {
      if (expiresAt <= mark.at + 60_000 && this.#has('endUser forgets expired records')) return false
      return sid !== spare
    })
    if (this.#has('endUser lists before it ends')) await pause()
    for (const record of ending) this.#end(record, mark)
    if (this.#has('endUser raises the generation last')) {
      await pause()
      raise()
    }
    return this.#has('endUser answers with nothing') ? [] : ending
  }

  async endEverybody(mark: EndMark): Promise<number> {
    if (!this.#has('endEverybody keeps the generation')) this.#forEverybody += 1
    if (this.#has('endEverybody resets the generations')) this.#generations.clear()
    const live = [...this.#records.values()].filter(record => {
      if (record.ended) return this.#has('endEverybody ends again')
      return record.userId !== null || !this.#has('endEverybody spares anonymous records')
    })
    for (const record of live) this.#end(record, mark)
    return this.#has('endEverybody counts tombstones') ? this.#records.size : live.length
  }

  async generation(userId: string): Promise<number> {
    if (this.#has('generation counts calls')) this.#generations.set(userId, this.#generation(userId) + 1)
    return this.#generation(userId)
  }

  async list(userId: string): Promise<StoredRecord[]> {
    const newestFirst = this.#liveOf(userId).sort((a, b) => b.createdAt - a.createdAt)
    if (this.#has('list is oldest first')) newestFirst.reverse()
    return this.#has('list leaves out bodies') ? newestFirst.map(record => ({ ...record, body: '' })) : newestFirst
  }

  async sweep(now: number, limit: number): Promise<StoredRecord[]> {
    if (this.#has('sweep does nothing')) return []
    const over = [...this.#records.values()].filter(record => {
      if (record.ended && this.#has('sweep forgets tombstones')) return false
      if (record.expiresAt === now && this.#has('sweep leaves expiresAt itself')) return false
      return record.expiresAt <= now || this.#has('sweep removes everything')
    })
    const oldestFirst = over.sort((a, b) => a.expiresAt - b.expiresAt)
    if (this.#has('sweep takes the newest first')) oldestFirst.reverse()
    const removed = this.#has('sweep has no limit') ? oldestFirst : oldestFirst.slice(0, limit)
    if (this.#has('sweep only tells')) return removed
    for (const { sid } of removed) this.#records.delete(sid)
    if (this.#has('sweep forgets generations')) this.#generations.clear()
    return this.#has('sweep tells nothing') ? [] : removed
  }

  /** By the order in which they came. */
  readonly directory: SessionDirectory = {
    page: async (cursor, limit) => {
      const all = [...this.#records.values()].reverse()
      const index = cursor === null ? 0 : this.#indexAfter(cursor, all)
      const listed = all.slice(index).filter(record => this.#isListed(record))
      const records = listed.slice(0, this.#has('page has no limit') ? 500 : limit)
      if (this.#has('page leaves out bodies'))
        records.splice(0, 1, ...records.slice(0, 1).map(r => ({ ...r, body: '' })))
      const last = this.#has('page shows its last record again') ? records.at(-2) : records.at(-1)
      if (!last || (listed.length <= limit && !this.#has('page shows its last record again')))
        return { records, next: null }
      if (listed.length === records.length) return { records, next: null }
      if (this.#has('page goes on after so many')) return { records, next: `${index + records.length}` }
      return { records, next: last.sid }
    },
    count: async () => (this.#has('count counts tombstones') ? this.#records.size : this.#all().length),
    sample: async size => {
      const all = this.#all()
      if (this.#has('sample is of the newest')) return all.slice(-size)
      if (this.#has('sample takes some twice')) return all.slice(0, size / 2).flatMap(record => [record, record])
      if (this.#has('sample is much too small')) return all.slice(0, 10)
      const distance = Math.ceil(all.length / size)
      const rest = this.#has('sample never takes all') ? 1 : 0
      return all.filter((_, index) => index % distance === 0 && index >= rest)
    },
  }

  #all(): StoredRecord[] {
    return [...this.#records.values()].filter(record => this.#isListed(record))
  }

  #isListed({ ended, userId, expiresAt }: StoredRecord): boolean {
    if (userId === null && this.#has('page leaves out guests')) return false
    if (expiresAt < Date.now() && this.#has('page leaves out who expired')) return false
    return !ended || this.#has('page holds ended records')
  }

  #indexAfter(cursor: string, all: readonly StoredRecord[]): number {
    if (this.#has('page goes on after so many')) return Number(cursor)
    const index = all.findIndex(
      ({ sid, ended }) => sid === cursor && !(ended && this.#has('page needs the last record')),
    )
    if (index === -1 && this.#has('page begins anew where it does not know the cursor')) return 0
    if (index === -1 && this.#has('page needs the last record')) return all.length
    if (index === -1) throw new UsageError('The cursor is none.')
    return index + 1
  }

  async ping(): Promise<void> {
    if (this.#has('ping rejects')) throw new Error('down')
  }

  #closed = false

  async close(): Promise<void> {
    if (this.#closed && this.#has('close throws the second time')) throw new Error('closed')
    this.#closed = true
  }
}

/** Lets others run between a look and the write that relies on it. */
function pause(): Promise<void> {
  return new Promise(resume => setImmediate(resume))
}

/** Every fault that the code above asks for by name. */
const faults = Array.from(
  readFileSync(import.meta.filename, 'utf8').matchAll(/#has\('([^']+)'\)/g),
  ([, fault]) => fault ?? '',
)

for (const fault of ['none', ...new Set(faults)])
  storeContract(fault, () => new FaultyStore(fault), { directory: true })
