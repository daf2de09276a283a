import { isAboutValues } from './failure.ts'

/** The most questions in one statement. */
const most = 1_000
/** How long after the last statement another one leaves although that one is not answered yet, in ms. */
const paceMs = 1

interface Question<Item, Answer> {
  readonly item: Item
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
  /** When nobody waits for the answer any more; on the monotonic clock. */
  readonly until: number
}

/**
 * Questions that are asked in one turn of the event loop become one statement.
 *
 * It leaves in the `check` phase, when every request that had arrived has been looked at and before anything is waited for:
 * a question that is alone waits for nothing. While a statement is under way, questions gather for its answer or for a
 * millisecond, whichever is shorter: few large statements cost both sides less than many small ones, and one that hangs
 * holds up none but its own. What nobody waits for any more is not sent at all.
 */
export class Batches<Item, Answer> {
  readonly #send: (items: readonly Item[]) => Promise<readonly (Answer | Error)[]>
  readonly #atOnce: number
  readonly #timeoutMs: number
  #waiting: Question<Item, Answer>[] = []
  #isScheduled = false
  #underWay = 0
  /** When the last statement left; on the monotonic clock. */
  #sentAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | null = null
  #settled: (() => void) | null = null
  readonly #flushNow = (): void => this.#flush()
  readonly #flushLater = (): void => {
    this.#timer = null
    this.#flush()
  }

  /** `send` answers every item, in order; with an error those that have none. */
  constructor(
    send: (items: readonly Item[]) => Promise<readonly (Answer | Error)[]>,
    atOnce: number,
    timeoutMs: number,
  ) {
    this.#send = send
    this.#atOnce = atOnce
    this.#timeoutMs = timeoutMs
  }

  ask(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject, until: performance.now() + this.#timeoutMs })
      if (this.#isScheduled) return
      this.#isScheduled = true
      setImmediate(this.#flushNow)
    })
  }

  /** Resolves when everything that was asked has been answered. */
  async settle(): Promise<void> {
    if (this.#waiting.length + this.#underWay > 0) await new Promise<void>(resolve => (this.#settled = resolve))
  }

  #flush(): void {
    this.#isScheduled = false
    const now = performance.now()
    this.#dropLate(now)
    if (this.#waiting.length > 0 && this.#mayFollow(now)) this.#sendNext(now)
    if (this.#waiting.length > 0 && this.#underWay < this.#atOnce) this.#timer ??= setTimeout(this.#flushLater, paceMs)
    if (this.#waiting.length + this.#underWay === 0) this.#settled?.()
  }

  #mayFollow(now: number): boolean {
    return this.#underWay === 0 || (this.#underWay < this.#atOnce && now - this.#sentAt >= paceMs)
  }

  #sendNext(now: number): void {
    const batch = this.#waiting.length > most ? this.#waiting.splice(0, most) : this.#waiting
    if (batch === this.#waiting) this.#waiting = []
    this.#underWay += 1
    this.#sentAt = now
    void this.#answer(batch).then(() => this.#answered())
  }

  #dropLate(now: number): void {
    while (this.#waiting[0] && this.#waiting[0].until <= now) {
      const message = 'PostgreSQL did not answer in time: all connections of the pool were waiting for it.'
      this.#waiting.shift()?.reject(new Error(message))
    }
  }

  #answered(): void {
    this.#underWay -= 1
    this.#flush()
  }

  async #answer(batch: readonly Question<Item, Answer>[]): Promise<void> {
    try {
      const answers = await this.#send(batch.map(({ item }) => item))
      if (answers.length !== batch.length) throw new Error('PostgreSQL gave another number of answers than asked for.')
      for (const [index, { resolve, reject }] of batch.entries()) {
        const answer = answers[index] as Answer | Error
        if (answer instanceof Error) reject(answer)
        else resolve(answer)
      }
    } catch (error) {
      const isOneOfMany = batch.length > 1 && error instanceof Error && isAboutValues(error.cause)
      // Nothing was written. One by one, only the question at fault fails.
      if (isOneOfMany) for (const question of batch) await this.#answer([question])
      else for (const { reject } of batch) reject(error)
    }
  }
}
