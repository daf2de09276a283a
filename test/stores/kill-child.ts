/**
 * Changes sessions in a file and a SQLite store as fast as it can, until it is killed. What it is about to do and what was
 * answered goes to standard output at once, a line each, so that the parent knows what was acknowledged before the kill.
 *
 * Arguments: the paths of the two stores. It says `ready`, and begins when a line comes in on standard input.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { fileStore } from 'latchkey/stores/file'
import { sqliteStore } from 'latchkey/stores/sqlite'
import type { EndMark, SessionStore, StoredRecord } from '../../src/session/store.ts'
import { type Answer, type Ask, bodyOf, type Report, users } from './kill-report.ts'

/** The SQLite store answers several times as fast, and would leave the other no time. */
const workers: Record<string, number> = { file: 6, sqlite: 2 }
const mark: EndMark = { reason: 'revoked', at: 1, keepUntil: 1 }

function pick<T>(items: readonly T[]): T | undefined {
  return items[randomInt(Math.max(1, items.length))]
}

/** One store under load. Several workers share it, and now and then the same session. */
class Load {
  readonly #store: SessionStore
  /** The live sessions as far as this process knows, at the version it knows. */
  readonly #known = new Map<string, StoredRecord>()
  #asked = 0

  constructor(store: SessionStore) {
    this.#store = store
  }

  async run(): Promise<void> {
    for (const userId of users) for (const record of await this.#store.list(userId)) this.#known.set(record.sid, record)
    await Promise.all(Array.from({ length: workers[this.#store.name] ?? 1 }, () => this.#work()))
  }

  async #work(): Promise<never> {
    for (;;) {
      const record = pick([...this.#known.values()])
      const die = randomInt(100)
      if (!record || die < 30) await this.#create()
      else if (die < 70) await this.#save(record)
      else if (die < 85) await this.#end(record)
      else if (die < 90) await this.#endUser()
      else await this.#store.touch(record.sid, 10 + randomInt(1000), 10 + randomInt(1000))
    }
  }

  async #create(): Promise<void> {
    const sid = randomBytes(16).toString('base64url')
    const userId = pick([...users, null]) ?? null
    const times = { createdAt: Date.now(), lastSeenAt: 10, expiresAt: 10 }
    const record: StoredRecord = { sid, version: 1, userId, ...times, ended: null, body: bodyOf(sid, 1) }
    const evicting = userId !== null && randomInt(3) === 0
    await this.#ask({ does: 'create', sid, userId, evicting }, async () => {
      const result = await this.#store.create(
        record,
        evicting ? { now: 0, limit: { max: 5, evict: mark } } : { now: 0 },
      )
      if (result.outcome !== 'created') throw new Error(`create: ${result.outcome}`)
      const evicted = result.evicted.map(one => one.sid)
      for (const one of evicted) this.#known.delete(one)
      return { evicted }
    })
    this.#known.set(sid, record)
  }

  async #save(record: StoredRecord): Promise<void> {
    const { sid, version } = { ...record, version: record.version + 1 }
    const next = { ...record, version, body: bodyOf(sid, version) }
    await this.#ask({ does: 'save', sid, version }, async () => {
      const saved = (await this.#store.save(next, { durable: randomInt(2) === 0 })) === 'saved'
      if (saved) this.#known.set(sid, next)
      else this.#known.delete(sid)
      return { saved }
    })
  }

  async #end({ sid }: StoredRecord): Promise<void> {
    this.#known.delete(sid)
    await this.#ask({ does: 'end', sid }, async () => {
      await this.#store.end(sid, mark)
      return {}
    })
  }

  async #endUser(): Promise<void> {
    const userId = pick(users) ?? ''
    const generation = await this.#store.generation(userId)
    const mine = [...this.#known.values()].filter(record => record.userId === userId)
    const except = (randomInt(2) === 0 ? pick(mine)?.sid : undefined) ?? null
    await this.#ask({ does: 'endUser', userId, except, generation }, async () => {
      const ended = await this.#store.endUser(userId, mark, except ?? undefined)
      for (const { sid } of ended) this.#known.delete(sid)
      return {}
    })
  }

  /** Reports what is asked, does it, and reports that it was answered. */
  async #ask(ask: Ask, work: () => Promise<Omit<Answer, 'does'>>): Promise<void> {
    this.#asked += 1
    const head = { store: this.#store.name, id: this.#asked }
    report({ ...head, ...ask })
    const answer = await work()
    report({ ...head, does: 'answered', ...answer })
  }
}

function report(line: Report): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

const [directory = '', database = ''] = process.argv.slice(2)
flushCompileCache() // what would else be kept at the exit that never comes, and makes the next one start in half the time
writeSync(1, '"ready"\n')
await once(process.stdin, 'data')
await Promise.all([fileStore(directory), sqliteStore(database)].map(store => new Load(store).run()))
