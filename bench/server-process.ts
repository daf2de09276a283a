import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Contender, Job } from './contenders.ts'
import { pinned } from './pinning.ts'
import type { Usage } from './serve.ts'

/** A secret for this run; every contender gets the same one. */
const benchSecret = randomBytes(36).toString('base64url')

export type ServerProcess = {
  port: number
  /** An empty private directory that lives as long as the process, for its database and for the load's requests. */
  directory: string
  usage(): Promise<Usage>
  /** The end of what it wrote to stderr so far. */
  complaints(): string
  stop(): Promise<void>
}

/** Starts a contender in a fresh production process and waits until it listens, at most twenty seconds. */
export async function startServer(contender: Contender, job: Job): Promise<ServerProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const file = join(import.meta.dirname, contender.file)
  const nodeArgs = ['--conditions=latchkey-source', '--no-warnings', file, ...contender.args, job]
  const [command, args] = pinned('server', process.execPath, nodeArgs)
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production', BENCH_DATA: directory, BENCH_SECRET: benchSecret },
  })
  // Shown only when the contender fails: express-session, for one, warns about its own store on every start.
  let complaints = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-4000)
  })
  const removeDirectory = () => rmSync(directory, { recursive: true, force: true })
  process.once('exit', removeDirectory)
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    process.off('exit', removeDirectory)
    removeDirectory()
  }
  try {
    const { port } = (await message(child, 20_000)) as { port: number }
    const usage = () => {
      const reply = message(child, 5000)
      child.send('usage')
      return reply as Promise<Usage>
    }
    return { port, directory, usage, stop, complaints: () => complaints }
  } catch (error) {
    await stop()
    const reason = error instanceof Error ? error.message : error
    throw new Error(`${contender.name} did not start: ${reason}\n${complaints}`, { cause: error })
  }
}

/** The next message of the child; rejects when it exits before or stays silent. */
async function message(child: ChildProcess, limitMs: number): Promise<unknown> {
  const done = new AbortController()
  const signal = AbortSignal.any([done.signal, AbortSignal.timeout(limitMs)])
  const exited = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`the process ended with code ${code}`)
  })
  try {
    const [value] = await Promise.race([once(child, 'message', { signal }), exited])
    return value
  } finally {
    exited.catch(() => {})
    done.abort()
  }
}
