/**
 * A map that keeps what was used lately and forgets the rest, in two generations: when the young one is full, the old one
 * is forgotten. Holds between half of `most` and `most` entries; a look-up costs a look-up. Keys are ASCII.
 */
export class RecentMap<Value> {
  readonly #most: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  constructor(most: number) {
    this.#most = most
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, value: Value): void {
    if (this.#young.size >= this.#most / 2) {
      this.#old = this.#young
      this.#young = new Map()
    }
    // A key is often a slice of a request's header, which keeps all of that in memory; the copy keeps only itself.
    this.#young.set(Buffer.from(key, 'latin1').toString('latin1'), value)
  }

  delete(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }
}
