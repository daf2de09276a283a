/**
 * Random numbers that come again with the same seed (sfc32, a small generator of good quality; nothing secret depends on it).
 * Everything in the simulation is drawn from one of these, so a run can be repeated to the last request.
 */
export class Random {
  readonly #state: Uint32Array

  constructor(seed: string) {
    // FNV-1a, four times over with another start, so that seeds which look alike begin far apart.
    this.#state = Uint32Array.from([1, 2, 3, 4], start => {
      let hash = Math.imul(0x811c9dc5, start)
      for (const character of seed) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193)
      return hash
    })
    for (let n = 0; n < 20; n += 1) this.next()
  }

  /** From 0 (inclusive) to 1 (exclusive). */
  next(): number {
    const [a = 0, b = 0, c = 0, counter = 0] = this.#state
    const sum = (a + b + counter) | 0
    this.#state[0] = b ^ (b >>> 9)
    this.#state[1] = (c + (c << 3)) | 0
    this.#state[2] = ((c << 21) | (c >>> 11)) + sum
    this.#state[3] = counter + 1
    return (sum >>> 0) / 2 ** 32
  }

  /** A whole number from 0 to `below - 1`. */
  int(below: number): number {
    return Math.floor(this.next() * below)
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[this.int(list.length)]
    if (picked === undefined) throw new RangeError('there is nothing to pick from')
    return picked
  }

  /** One of several, each as likely as its weight. */
  weighted<T>(choices: readonly (readonly [value: T, weight: number])[]): T {
    let left = this.next() * choices.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [value, weight] of choices) {
      left -= weight
      if (left < 0) return value
    }
    throw new RangeError('there is nothing to pick from')
  }

  /** Time until the next of things that happen every `mean` on average, with no regard to when the last one was. */
  wait(mean: number): number {
    return -Math.log(1 - this.next()) * mean
  }

  bytes(size: number): Buffer {
    return Buffer.from(Array.from({ length: size }, () => this.int(256)))
  }
}
