/** Time that passes, so that tests need not wait for it. */
export interface Timers {
  /** Calls `run` once after so long, unless the returned function is called before. Never keeps the process alive. */
  after(lengthMs: number, run: () => void): () => void
}

/** The real ones. */
export const systemTimers: Timers = {
  after(lengthMs, run) {
    const timer = setTimeout(run, lengthMs).unref()
    return () => clearTimeout(timer)
  },
}

/** Settles as `work` does, or rejects when the time is over. What the late work does afterwards is ignored. */
export function within<T>(timers: Timers, lengthMs: number, work: PromiseLike<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = timers.after(lengthMs, () => reject(new Error(`no answer within ${lengthMs} ms`)))
    Promise.resolve(work).then(resolve, reject).finally(cancel)
  })
}

/** Resolves after so long. */
export function pause(timers: Timers, lengthMs: number): Promise<void> {
  return new Promise(resolve => {
    timers.after(lengthMs, resolve)
  })
}

/**
 * How long to wait after so many failures in a row: twice as long each time, up to `mostMs`, and anything from half of
 * that to all of it, so that many nodes that failed together do not come back together.
 */
export function pauseAfter(failures: number, firstMs: number, mostMs: number): number {
  const fullMs = Math.min(firstMs * 2 ** Math.min(failures - 1, 30), mostMs)
  return Math.round(fullMs * (1 - Math.random() / 2))
}
