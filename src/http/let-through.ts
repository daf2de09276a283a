import { UsageError } from '../errors.ts'
import type { Awaitable } from '../session/awaitable.ts'
import { afterCheck } from './guard.ts'

/** What a guard let through, by request: `of` belongs to the guard that an adapter makes. */
export class LetThrough<Access extends object> {
  readonly #found = new WeakMap<object, Access>()

  /** Notes what a request may. */
  add(request: object, access: Access): void {
    this.#found.set(request, access)
  }

  /** Asks about a request and goes on, or ends with the error: at once where the answer is at hand. */
  pass(request: object, ask: () => Awaitable<Access>, done: (error?: Error) => void): void | Promise<void> {
    const goOn = (access: Access) => {
      this.add(request, access)
      done()
    }
    return afterCheck(ask, goOn, error => done(error as Error))
  }

  /** What it may; throws a `UsageError` for a request that the guard never saw. */
  readonly of = (request: object): Access => {
    const access = this.#found.get(request)
    if (access) return access
    throw new UsageError('This request was not checked by this guard: put it in front of the route.')
  }
}
