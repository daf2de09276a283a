import type { Sessions } from '../index.ts'
import type { Census } from './api.ts'

/** How long a census is good enough, ms: every open console asks for one every few seconds. */
const goodForMs = 3_000

/** Takes the census of the sessions for all consoles together: with a million of them, it is a sample of thousands. */
export class CensusTaker {
  readonly #sessions: Pick<Sessions<object>, 'listable' | 'census'>
  readonly #clock: () => number
  #last: { readonly at: number; readonly census: Promise<Census> } | null = null

  constructor(sessions: Pick<Sessions<object>, 'listable' | 'census'>, clock: () => number) {
    this.#sessions = sessions
    this.#clock = clock
  }

  /** How many sessions there are, as of a few seconds ago; `null` where the store cannot say. */
  async take(): Promise<Census | null> {
    if (!this.#sessions.listable) return null
    const now = this.#clock()
    if (this.#last === null || Math.abs(now - this.#last.at) >= goodForMs) {
      const taken = { at: now, census: this.#sessions.census() }
      this.#last = taken
      // What failed is not remembered.
      taken.census.catch(() => {
        if (this.#last === taken) this.#last = null
      })
    }
    return this.#last.census
  }
}
