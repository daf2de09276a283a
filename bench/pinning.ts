import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

const cores = { server: '0', load: '1' }

/** Whether server and load each get a core of their own, so that the scheduler is not part of the measurement. */
export const pinning: boolean = availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0

/** The command line that runs a program on the core of its part, or as it is where that is not possible. */
export function pinned(part: keyof typeof cores, program: string, args: string[]): [string, string[]] {
  return pinning ? ['taskset', ['-c', cores[part], program, ...args]] : [program, args]
}

/** Moves a process that runs already; what it starts later comes along. */
export function moveTo(part: keyof typeof cores, pid: number): void {
  if (pinning) spawnSync('taskset', ['-cp', cores[part], String(pid)])
}
