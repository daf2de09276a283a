import { type ChildProcess, execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSessions, type Sessions, type SessionsOptions } from 'latchkey'
import { sqliteStore } from 'latchkey/stores/sqlite'
import type { Terminal } from '../../src/cli/terminal.ts'
import type { Data } from '../actors/server.ts'

const root = join(import.meta.dirname, '../..')

/** What a command did. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly error: string
}

/** Runs the command as a user would, in a process of its own. */
export function latchkey(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise(resolve => {
    start(args, env, (code, out, error) => resolve({ code, out, error }))
  })
}

/** The same, for a command that goes on. */
export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  done: (code: number, out: string, error: string) => void = () => {},
): ChildProcess {
  const command = [
    '--disable-warning=ExperimentalWarning',
    '--conditions=latchkey-source',
    'src/cli/latchkey.ts',
    ...args,
  ]
  return execFile(
    process.execPath,
    command,
    { cwd: root, env: { PATH: process.env.PATH ?? '', ...env }, maxBuffer: 64_000_000 },
    (failure, out, error) => done(failure ? Number(failure.code ?? -1) : 0, out, error),
  )
}

/** A command in this process, at a terminal where somebody gives these answers. */
export function atTerminal(...answers: readonly string[]): {
  terminal: Terminal
  said: { out: string; error: string; asked: string[] }
} {
  const said = { out: '', error: '', asked: [] as string[] }
  const left = [...answers]
  return {
    said,
    terminal: {
      out: text => {
        said.out += `${text}\n`
      },
      error: text => {
        said.error += `${text}\n`
      },
      color: false,
      ask: async question => {
        said.asked.push(question)
        return left.shift() ?? ''
      },
    },
  }
}

/** A service on one machine: its sessions in a file, and the module that makes its options. */
export interface Place {
  readonly directory: string
  /** For `--config`. */
  readonly config: string
  readonly secret: string
  readonly sessions: Sessions<Data>
  /** A file in the directory. */
  file(name: string): string
  remove(): Promise<void>
}

/** Inside the tree, so that the configuration finds the package. */
export function place(options: Partial<SessionsOptions> = {}): Place {
  const secret = 'q3Zr8vXw1Tn6LkYp0sBd5fHj2mCg7aUe9iOxRtWzQyE'
  mkdirSync(join(root, '.cache'), { recursive: true })
  const directory = mkdtempSync(join(root, '.cache', 'cli-'))
  const file = (name: string) => join(directory, name)
  const source = `import { sqliteStore } from 'latchkey/stores/sqlite'
export default { secrets: ['${secret}'], store: sqliteStore(${JSON.stringify(file('sessions.db'))}) }
`
  let configurations = 0
  const sessions = createSessions<Data>({
    secrets: [secret],
    store: sqliteStore(file('sessions.db')),
    environment: 'development',
    csrf: { token: false },
    sweepEvery: false,
    ...options,
  })
  return {
    directory,
    get config() {
      // A new one each time: a command closes the store, and a module is loaded once in a process.
      configurations += 1
      const name = file(`session-options-${configurations}.ts`)
      writeFileSync(name, source)
      return name
    },
    secret,
    sessions,
    file,
    async remove() {
      await sessions.close()
      rmSync(directory, { recursive: true })
    },
  }
}
