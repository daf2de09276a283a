/** Something that expires. `filedAt` and `place` belong to the queue. */
export interface Expiring {
  /** When it really expires, epoch ms. May move forward at any time without telling the queue. */
  expiresAt: number
  /** The instant it is filed under: never later than `expiresAt`. */
  filedAt: number
  /** Where in the heap it is. */
  place: number
}

/**
 * Entries by the instant they expire, in a binary heap.
 *
 * Nearly every change of an expiry moves it forward (somebody used the session), so those cost nothing: an entry stays
 * filed under its old instant and is filed again when that instant comes up. Only moves back need `refile`.
 */
export class ExpiryQueue<T extends Expiring> {
  readonly #heap: T[] = []

  add(entry: T): void {
    entry.filedAt = entry.expiresAt
    this.#rise(entry, this.#heap.length)
  }

  /** Must be called after `expiresAt` moved back; harmless after any other change. */
  refile(entry: T): void {
    if (entry.expiresAt >= entry.filedAt) return
    entry.filedAt = entry.expiresAt
    this.#rise(entry, entry.place)
  }

  remove(entry: T): void {
    const last = this.#heap.pop()
    if (!last || last === entry) return
    this.#rise(last, entry.place)
    this.#sink(last, last.place)
  }

  /** The entry that expires first, if it has by `now`. */
  firstExpired(now: number): T | null {
    for (;;) {
      const first = this.#heap[0]
      if (!first || first.filedAt > now) return null
      if (first.filedAt === first.expiresAt) return first
      first.filedAt = first.expiresAt
      this.#sink(first, 0)
    }
  }

  #rise(entry: T, from: number): void {
    let place = from
    while (place > 0) {
      const parentPlace = (place - 1) >> 1
      const parent = this.#heap[parentPlace]
      if (!parent || parent.filedAt <= entry.filedAt) break
      this.#put(parent, place)
      place = parentPlace
    }
    this.#put(entry, place)
  }

  #sink(entry: T, from: number): void {
    let place = from
    for (;;) {
      const left = this.#heap[2 * place + 1]
      const right = this.#heap[2 * place + 2]
      const child = left && right && right.filedAt < left.filedAt ? right : left
      if (!child || child.filedAt >= entry.filedAt) break
      const childPlace = child.place
      this.#put(child, place)
      place = childPlace
    }
    this.#put(entry, place)
  }

  #put(entry: T, place: number): void {
    this.#heap[place] = entry
    entry.place = place
  }
}
