import { createServer } from 'node:http'
import { serve } from '../serve.ts'
import { bareListener } from './bare-listener.ts'

/*
 * The bare server, plus ten microseconds of arithmetic per request: a cost that is known, so that everybody can see how
 * well this harness measures it.
 */
const spinUs = 10

let state = 1
function spin(steps: number): void {
  for (let step = 0; step < steps; step += 1) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
}

/** Steps of `spin` per microsecond of CPU time: the best of several goes, once the compiler is done with it. */
function stepsPerUs(): number {
  const steps = 1_000_000
  let best = Number.POSITIVE_INFINITY
  for (let go = 0; go < 20; go += 1) {
    const before = process.cpuUsage()
    spin(steps)
    const { user, system } = process.cpuUsage(before)
    if (go >= 5) best = Math.min(best, user + system)
  }
  return steps / best
}

const steps = Math.round(spinUs * stepsPerUs())

const server = createServer((req, res) => {
  spin(steps)
  bareListener(req, res)
})

serve(server)
