/** Too many are waiting for the same turn. */
export class TooManyWaiting extends Error {
  override readonly name = 'TooManyWaiting'
}

/** Runs jobs that share a key one after another, in the order they came. */
export interface Turns {
  /** Waits until no other job holds this key, then runs the job. Throws {@link TooManyWaiting} on a crowd. */
  take<T>(key: string, job: () => Promise<T>): Promise<T>
}

/** Turns where at most `longestQueue` jobs wait for one key, so that a flood costs neither memory nor patience. */
export function createTurns(longestQueue: number): Turns {
  const queues = new Map<string, { last: Promise<unknown>; length: number }>()
  return {
    async take(key, job) {
      const queue = queues.get(key) ?? { last: Promise.resolve(), length: 0 }
      if (queue.length >= longestQueue) throw new TooManyWaiting()
      queues.set(key, queue)
      queue.length += 1
      const turn = queue.last.then(job)
      queue.last = turn.catch(() => undefined)
      try {
        return await turn
      } finally {
        queue.length -= 1
        if (queue.length === 0) queues.delete(key)
      }
    },
  }
}
