/** How long a count is good enough to take a sample by. */
const goodForMs = 10_000

/** A count that was asked for a moment ago: who asks for a sample has nearly always just asked for it. */
export class RecentCount {
  #count: Promise<number> | null = null
  #at = 0

  /** The count as it is now. */
  async now(count: () => Promise<number>): Promise<number> {
    const counting = count()
    this.#count = counting
    this.#at = performance.now()
    counting.catch(() => {
      if (this.#count === counting) this.#count = null
    })
    return counting
  }

  /** About as it is now. */
  about(count: () => Promise<number>): Promise<number> {
    return this.#count && performance.now() - this.#at < goodForMs ? this.#count : this.now(count)
  }
}
