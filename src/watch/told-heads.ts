import type { Heads } from './events.ts'

/** Of more chains than this, so many are told, taken at random: with every process that begins, all get their turn. */
const mostHeads = 500

/** What this process has told about the chains of others, and what is new. */
export class ToldHeads {
  readonly #told = new Map<string, number>()

  /** Takes note of what is told. */
  tell(heads: Heads): void {
    for (const [chain, { seq }] of Object.entries(heads)) this.#told.set(chain, seq)
  }

  /**
   * What there is to tell, or `null`: chains that are new or went on. That one went on by a single entry is no reason to
   * write, unless this process has something to write anyway: it may only have told about us, and two idle processes
   * would keep each other writing for ever.
   */
  news(heads: Heads, ownChain: string, hasWritten: boolean): Heads | null {
    // Chains that are pruned need not be remembered.
    for (const chain of this.#told.keys()) if (!Object.hasOwn(heads, chain)) this.#told.delete(chain)
    const ahead = Object.entries(heads).flatMap(([chain, head]) => {
      const by = head.seq - (this.#told.get(chain) ?? Number.NEGATIVE_INFINITY)
      return chain !== ownChain && by > 0 ? [{ chain, head, by }] : []
    })
    if (!ahead.some(({ by }) => by > 1 || hasWritten)) return null
    return someOf(Object.fromEntries(ahead.map(({ chain, head }) => [chain, head])))
  }
}

/** All of them, or when there are very many, some at random. */
export function someOf(heads: Heads): Heads {
  const all = Object.entries(heads)
  for (let place = 0; place < mostHeads && all.length > mostHeads; place += 1) {
    const other = place + Math.floor(Math.random() * (all.length - place))
    const [one, two] = [all[place], all[other]]
    if (one && two) [all[place], all[other]] = [two, one]
  }
  return Object.fromEntries(all.slice(0, mostHeads))
}
