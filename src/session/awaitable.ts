/**
 * An answer that is there already, or a promise of one. A session in this process's memory, a local database or a near
 * cache is read in the time that one promise costs, so the way from the request to such a store waits for nothing.
 */
export type Awaitable<T> = T | Promise<T>

/** Goes on with an answer: now when it is there, otherwise once it is. */
export function after<Answer, Next>(
  answer: Awaitable<Answer>,
  next: (answer: Answer) => Awaitable<Next>,
): Awaitable<Next> {
  return answer instanceof Promise ? answer.then(next) : next(answer)
}

/** Whether a value of foreign code is a promise, whoever's. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
