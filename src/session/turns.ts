/**
 * Takes turns: tasks that share a key run one after another in the order they were asked for, all others side by side.
 * Fair on purpose: a session that is being written all the time cannot keep its own end waiting. A task must not ask for
 * another turn and wait for it: all its keys are taken at once, so that no two tasks can wait for each other.
 */
export class Turns {
  static readonly #shared = new WeakMap<object, Turns>()

  /** The turns at something that several share: two session managers over one store, or the busier one starves the other. */
  static of(shared: object): Turns {
    const turns = Turns.#shared.get(shared) ?? new Turns()
    Turns.#shared.set(shared, turns)
    return turns
  }

  /** Per key the last task that was asked for. */
  readonly #last = new Map<string, Promise<unknown>>()
  /** The last task that runs alone, while it waits or runs. */
  #alone: Promise<unknown> | null = null

  /** Runs the task when all earlier ones with any of its keys are over, and tells it whether it had to wait. Settles as the task does. */
  run<T>(keys: readonly string[], task: (waited: boolean) => Promise<T>): Promise<T> {
    const before = keys.map(key => this.#last.get(key) ?? this.#alone).filter(earlier => earlier !== null)
    const result = before.length > 0 ? Promise.all(before).then(() => task(true)) : task(false)
    const over = () => {
      for (const key of keys) if (this.#last.get(key) === settled) this.#last.delete(key)
    }
    const settled = result.then(over, over)
    for (const key of keys) this.#last.set(key, settled)
    return result
  }

  /** Runs the task when all earlier ones are over, and lets no later one begin before it is over. */
  alone<T>(task: () => Promise<T>): Promise<T> {
    const result = Promise.all([this.#alone, ...this.#last.values()]).then(task)
    const settled = result.then(ignore, ignore).then(() => {
      if (this.#alone === settled) this.#alone = null
    })
    this.#alone = settled
    this.#last.clear() // whoever comes next waits for this one, and so for all of them
    return result
  }
}

function ignore(): void {}
