/** Users remembered by name before the older half is forgotten: about a megabyte. */
const mostUsers = 10_000

/**
 * The generation of every user, in bounded memory and never wrong.
 *
 * One counter numbers all events, and a user's generation is the number of their last one. A forgotten user gets
 * `#floor`, a number at least as high as any that was forgotten. So a generation that was read before an `endUser` never
 * becomes current again, however long the sign-in takes. The price: when the floor rises, once in thousands of
 * `endUser`, a sign-in that is under way at that moment, of a user who is not remembered, is refused and has to be
 * repeated. It errs on the safe side.
 */
export class Generations {
  #counter = 0
  #floor = 0
  readonly #ofUser = new Map<string, number>()

  of(userId: string): number {
    return this.#ofUser.get(userId) ?? this.#floor
  }

  raise(userId: string): void {
    this.#counter += 1
    // Deleted first, so that the order of the map is the order of the numbers.
    this.#ofUser.delete(userId)
    this.#ofUser.set(userId, this.#counter)
    if (this.#ofUser.size > mostUsers) this.#forgetOlderHalf()
  }

  raiseEverybody(): void {
    this.#counter += 1
    this.#floor = this.#counter
    this.#ofUser.clear()
  }

  #forgetOlderHalf(): void {
    for (const [userId, generation] of this.#ofUser) {
      if (this.#ofUser.size <= mostUsers / 2) return
      this.#floor = generation
      this.#ofUser.delete(userId)
    }
  }
}
