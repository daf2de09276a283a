import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pinned } from './pinning.ts'

export type Load = {
  /** Answers received in full. */
  requests: number
  durationUs: number
  p99Us: number
  /** Answers with a status of 400 or more, and connections that failed or timed out. */
  failed: number
}

/**
 * Runs wrk on its own core: one thread, because one server process cannot keep more busy, and because one thread sends
 * the sessions strictly in turn.
 */
export async function load(port: number, requestsFile: string, connections: number, seconds: number): Promise<Load> {
  const script = join(import.meta.dirname, 'wrk.lua')
  const options = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '5s', '-s', script]
  const [command, args] = pinned('load', 'wrk', [...options, `http://127.0.0.1:${port}`, '--', requestsFile])
  const { stdout } = await promisify(execFile)(command, args, { timeout: (seconds + 15) * 1000 })
  const line = stdout.trimEnd().split('\n').at(-1) ?? ''
  return JSON.parse(line) as Load
}
