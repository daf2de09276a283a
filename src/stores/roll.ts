import { randomBytes } from 'node:crypto'
import { noCursor } from './directory-cursor.ts'

/**
 * Entries in the order in which they came, for a directory in memory: a page goes on from where the one before ended, also
 * when the entry that stood there has left. Joining and leaving cost next to nothing.
 */
export class Roll<T> {
  /** Numbers mean nothing to the roll of another process: a cursor names its own. */
  readonly #name = randomBytes(6).toString('hex')
  /** The numbers of the entries, ascending, and the entries: `null` where one has left. */
  #numbers: number[] = []
  #entries: (T | null)[] = []
  #last = 0
  #size = 0

  /** How many there are. */
  get size(): number {
    return this.#size
  }

  /** Adds an entry, as the newest, and answers with the number under which it leaves. */
  join(entry: T): number {
    this.#last += 1
    this.#numbers.push(this.#last)
    this.#entries.push(entry)
    this.#size += 1
    return this.#last
  }

  /** Removes the entry with this number, if it is there. */
  leave(number: number): void {
    const index = this.#indexBelow(number + 1)
    if (this.#numbers[index] !== number || this.#entries[index] === null) return
    this.#entries[index] = null
    this.#size -= 1
    if (this.#entries.length > 2 * this.#size + 64) this.#closeRanks()
  }

  /** At most `limit` entries after the cursor, newest first. Throws a `UsageError` for a cursor of another roll, or none. */
  page(cursor: string | null, limit: number): { entries: T[]; next: string | null } {
    const entries: T[] = []
    let index = cursor === null ? this.#entries.length - 1 : this.#indexBelow(this.#numberIn(cursor))
    for (; index >= 0; index -= 1) {
      const entry = this.#entries[index] ?? null
      if (entry === null) continue
      if (entries.length === limit) return { entries, next: `${this.#name}.${(this.#numbers[index] ?? 0) + 1}` }
      entries.push(entry)
    }
    return { entries, next: null }
  }

  /** So many entries, a random one of each stretch; all, where there are not more. */
  sample(size: number): T[] {
    const all = this.#entries.filter(entry => entry !== null)
    if (all.length <= size) return all
    const startOf = (stretch: number) => Math.floor((stretch * all.length) / size)
    return Array.from({ length: size }, (_, stretch) => {
      const length = startOf(stretch + 1) - startOf(stretch)
      return all[startOf(stretch) + Math.floor(Math.random() * length)]
    }).filter(entry => entry !== undefined)
  }

  #numberIn(cursor: string): number {
    const [name, number = '', more] = cursor.split('.')
    if (name !== this.#name || !/^\d{1,15}$/.test(number) || more !== undefined) noCursor()
    return Number(number)
  }

  /** The index of the last number below this one, -1 when there is none. */
  #indexBelow(number: number): number {
    let [from, to] = [0, this.#numbers.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.#numbers[middle] ?? 0) < number) from = middle + 1
      else to = middle
    }
    return from - 1
  }

  #closeRanks(): void {
    this.#numbers = this.#numbers.filter((_, index) => this.#entries[index] !== null)
    this.#entries = this.#entries.filter(entry => entry !== null)
  }
}
