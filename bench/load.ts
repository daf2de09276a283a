import { execFile } from 'node:child_process'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pinned } from './pinning.ts'

export type Load = {
  /** Answers received in full. */
  requests: number
  durationMs: number
  p99Ms: number
  /** Answers other than 200, and connections that failed or timed out. */
  failed: number
}

/** Sends the requests in a file, round and round, from a process on its own core. */
export async function load(port: number, file: string, connections: number, seconds: number): Promise<Load> {
  const script = join(import.meta.dirname, 'peers/load-generator.mjs')
  const options = [script, `http://127.0.0.1:${port}`, String(connections), String(seconds), file]
  const [command, args] = pinned('load', process.execPath, options)
  const running = promisify(execFile)(command, args, { timeout: (seconds + 15) * 1000 })
  // It never sleeps, and a database on its core is what the server waits for: that one goes first.
  setPriority(running.child.pid ?? 0, 10)
  const { stdout } = await running
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Load
}
