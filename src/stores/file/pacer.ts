import { setImmediate } from 'node:timers/promises'

const sliceMs = 10

/** For long synchronous work: a function to await between two steps, which lets everything else run every 10 ms. */
export function pacer(): () => Promise<void> {
  let until = performance.now() + sliceMs
  return async () => {
    if (performance.now() < until) return
    await setImmediate()
    until = performance.now() + sliceMs
  }
}
