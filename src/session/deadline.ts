/**
 * One deadline for all store operations of an engine. Every operation has the same length of time, so they run out in
 * the order in which they began and a single timer serves them all; a timer each would cost more than a read.
 */
export class Deadline {
  readonly #lengthMs: number
  readonly #waiting: { readonly until: number; fail: (() => void) | null }[] = []
  #timer: NodeJS.Timeout | null = null

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs
  }

  /** Settles as `work` does, or rejects when the time is over. What the late work does afterwards is ignored. */
  race<T>(work: PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const entry: { until: number; fail: (() => void) | null } = {
        until: performance.now() + this.#lengthMs,
        fail: () => reject(new Error(`no answer within ${this.#lengthMs} ms`)),
      }
      this.#waiting.push(entry)
      this.#timer ??= this.#after(this.#lengthMs)
      work.then(
        value => {
          this.#done(entry)
          resolve(value)
        },
        error => {
          this.#done(entry)
          reject(error)
        },
      )
    })
  }

  #done(entry: { fail: (() => void) | null }): void {
    entry.fail = null
    while (this.#waiting[0]?.fail === null) this.#waiting.shift()
  }

  #expire(): void {
    this.#timer = null
    const now = performance.now()
    while (this.#waiting[0] && (this.#waiting[0].fail === null || this.#waiting[0].until <= now))
      this.#waiting.shift()?.fail?.()
    const next = this.#waiting[0]
    if (next) this.#timer = this.#after(Math.max(1, next.until - now))
  }

  /** The timer is left running when nothing waits (the next operation is microseconds away) and never keeps a process alive. */
  #after(lengthMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#expire(), lengthMs).unref()
  }
}
