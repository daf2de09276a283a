/** What there is to know of all generations, for a store that keeps them while it is closed. */
export interface KeptGenerations {
  /** The number of the last event. */
  readonly latest: number
  /** The generation of every user who is not named. */
  readonly floor: number
  /** Users with a generation of their own, lowest first. */
  readonly raised: readonly (readonly [userId: string, generation: number])[]
}

/** Users remembered by name before the older half is forgotten: about a megabyte. */
const mostUsers = 10_000

/**
 * The generation of every user, in bounded memory and never wrong.
 *
 * One counter numbers all events, and a user's generation is the number of their last one. A forgotten user gets the
 * floor, a number at least as high as any that was forgotten. So a generation that was read before an `endUser` never
 * becomes current again, however long the sign-in takes. The price: when the floor rises, once in thousands of
 * `endUser`, a sign-in that is under way at that moment, of a user who is not remembered, is refused and has to be
 * repeated. It errs on the safe side.
 */
export class Generations {
  readonly #raised: Map<string, number>
  #latest: number
  #floor: number

  constructor({ latest, floor, raised }: KeptGenerations = startingAt(0)) {
    this.#latest = latest
    this.#floor = floor
    this.#raised = new Map(raised)
  }

  of(userId: string): number {
    return this.#raised.get(userId) ?? this.#floor
  }

  raise(userId: string): void {
    this.#latest += 1
    // Deleted first, so that the order of the map is the order of the numbers.
    this.#raised.delete(userId)
    this.#raised.set(userId, this.#latest)
    if (this.#raised.size > mostUsers) this.#forgetOlderHalf()
  }

  raiseEverybody(): void {
    this.#latest += 1
    this.#floor = this.#latest
    this.#raised.clear()
  }

  keep(): KeptGenerations {
    return { latest: this.#latest, floor: this.#floor, raised: [...this.#raised] }
  }

  #forgetOlderHalf(): void {
    for (const [userId, generation] of this.#raised) {
      if (this.#raised.size <= mostUsers / 2) return
      this.#floor = generation
      this.#raised.delete(userId)
    }
  }
}

/** Everybody's generation is this number. */
export function startingAt(generation: number): KeptGenerations {
  return { latest: generation, floor: generation, raised: [] }
}
