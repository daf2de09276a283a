import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { postgresPath } from '../provision.ts'
import { freePorts } from './free-ports.ts'

/** The superuser of every server that is started here. */
export const user = 'latchkey'
export const password = 'a password of tests'

/** A PostgreSQL server: on a free loopback port, in a directory of its own, gone when it is stopped. */
export interface PostgresServer {
  readonly port: number
  /** The URL of a database, for a user. */
  url(as?: { readonly user?: string; readonly password?: string; readonly database?: string }): string
  /** A pool of connections, ended with the server. */
  pool(options?: pg.PoolConfig): pg.Pool
  /** Runs statements as the superuser, on a connection of their own. Rows as objects. */
  sql(text: string): Promise<Record<string, unknown>[]>
  /** Resolves when so many connections wait for a lock. */
  waitForLocks(count: number): Promise<void>
  /** Starts a hot standby of this server, in a directory of its own, removed with it. */
  replica(): Promise<PostgresServer>
  /** Makes it and starts it; rejects when PostgreSQL is not installed. */
  create(): Promise<void>
  /** Starts it again, with what it kept. */
  start(): Promise<void>
  /** Ends it and removes everything. */
  stop(): Promise<void>
  /** The first of its processes. */
  readonly pid: number
  /** Ends it and all its processes with -9. */
  kill(): Promise<void>
  /** Stops all its processes (SIGSTOP), so that it accepts connections and answers nothing. */
  freeze(): void
  thaw(): void
}

/** A server that is not there yet. */
export function postgresServer(settings: Readonly<Record<string, string>> = {}): PostgresServer {
  return new Server(settings)
}

/** Starts a new, empty server; rejects when PostgreSQL is not installed. */
export async function startPostgres(): Promise<PostgresServer> {
  const server = postgresServer()
  await server.create()
  return server
}

class Server implements PostgresServer {
  port = 0
  #programs = ''
  readonly #settings: Readonly<Record<string, string>>
  readonly #pools: pg.Pool[] = []
  #directory = ''
  #process: ChildProcess | null = null
  #replica: Server | null = null

  constructor(settings: Readonly<Record<string, string>>) {
    this.#settings = settings
  }

  url(as: { readonly user?: string; readonly password?: string; readonly database?: string } = {}): string {
    const credentials = `${as.user ?? user}:${encodeURIComponent(as.password ?? password)}`
    return `postgres://${credentials}@127.0.0.1:${this.port}/${as.database ?? 'postgres'}`
  }

  pool(options: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool({ connectionString: this.url(), connectionTimeoutMillis: 2_000, ...options })
    // A connection that a failing test never gave back must not hide what failed.
    pool.on('connect', client => client.on('error', () => {}))
    pool.on('error', () => {})
    this.#pools.push(pool)
    return pool
  }

  async sql(text: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.url() })
    await client.connect()
    try {
      const result = await client.query(text)
      return result.rows ?? []
    } finally {
      await client.end()
    }
  }

  async waitForLocks(count: number): Promise<void> {
    const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`
    for (let i = 0; i < 200; i += 1) {
      if ((await this.sql(waiting)).length >= count) return
    }
    throw new Error(`there never were ${count} connections that waited for a lock`)
  }

  async create(): Promise<void> {
    const program = postgresPath()
    if (program === null) throw new Error('PostgreSQL is missing. Install it: node tools/provision.ts')
    this.#programs = dirname(program)
    this.#makeDirectory()
    const passwordFile = join(this.#directory, 'password')
    writeFileSync(passwordFile, password)
    const options = ['--encoding=UTF8', '--locale=C.UTF-8', '--no-sync', '--auth=scram-sha-256', `--username=${user}`]
    const [initdb = '', ...args] = this.#as('initdb', ...options, `--pwfile=${passwordFile}`, `--pgdata=${this.#data}`)
    execFileSync(initdb, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    this.port = (await freePorts(1))[0] ?? 0
    await this.start()
  }

  async replica(): Promise<PostgresServer> {
    const replica = new Server(this.#settings)
    replica.#programs = this.#programs
    this.#replica = replica
    const options = [`--dbname=${this.url()}`, '--write-recovery-conf', '--checkpoint=fast', '--no-sync']
    replica.#makeDirectory()
    const [program = '', ...args] = this.#as('pg_basebackup', ...options, `--pgdata=${replica.#data}`)
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    replica.port = (await freePorts(1))[0] ?? 0
    await replica.start()
    return replica
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  async stop(): Promise<void> {
    await this.#replica?.stop()
    const ended = Promise.allSettled(this.#pools.filter(pool => !pool.ended).map(pool => pool.end()))
    await Promise.race([ended, new Promise(resume => setTimeout(resume, 1_000))])
    await this.kill()
    if (this.#directory) rmSync(this.#directory, { recursive: true, force: true, maxRetries: 20 })
  }

  async start(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#startOnce()
      } catch (error) {
        // After -9 its processes may take a moment to let go of the memory that they shared.
        if (attempt === 20 || !String(error).includes('shared memory block')) throw error
        await new Promise(resume => setTimeout(resume, 50))
      }
    }
  }

  async #startOnce(): Promise<void> {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(this.port),
      unix_socket_directories: '',
      // What the death of a process may lose is tested here, not what a power cut may.
      fsync: 'off',
      max_connections: '60',
      shared_buffers: '32MB',
      ...this.#settings,
    }
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const [program = '', ...args] = this.#as('postgres', '-D', this.#data, ...options)
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#process = child
    const log: string[] = [] // and read, or the server would stop at a full pipe
    const ready = Promise.withResolvers<void>()
    createInterface(child.stderr).on('line', line => {
      log.push(line)
      if (/database system is ready to accept (read-only )?connections/.test(line)) ready.resolve()
    })
    child.once('exit', () => ready.reject(new Error(`PostgreSQL did not start:\n${log.join('\n')}`)))
    await ready.promise
  }

  async kill(): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const over = once(child, 'exit')
    this.#signal('SIGKILL')
    await over
  }

  freeze(): void {
    this.#signal('SIGSTOP')
  }

  thaw(): void {
    this.#signal('SIGCONT')
  }

  get #data(): string {
    return join(this.#directory, 'data')
  }

  #makeDirectory(): void {
    this.#directory = mkdtempSync(join(tmpdir(), 'latchkey-postgres-'))
    giveToPostgres(this.#directory)
  }

  /** Its backends are no group that one signal would reach. */
  #signal(signal: NodeJS.Signals): void {
    const main = this.#process?.pid
    if (main === undefined) return
    for (const pid of [main, ...childrenOf(main)]) {
      try {
        process.kill(pid, signal)
      } catch {
        // It was faster.
      }
    }
  }

  #as(program: string, ...args: string[]): string[] {
    return asPostgres(join(this.#programs, program), ...args)
  }
}

/** The command line that runs a program which refuses to run as root, as PostgreSQL's do. It dies with this process. */
export function asPostgres(path: string, ...args: string[]): string[] {
  const account = owner() ? ['--reuid=postgres', '--regid=postgres', '--init-groups'] : []
  return ['setpriv', ...account, '--pdeathsig=KILL', path, ...args]
}

/** Makes a file or directory belong to whom such a program runs as. */
export function giveToPostgres(path: string): void {
  const account = owner()
  if (account) chownSync(path, account.uid, account.gid)
}

function owner(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => {
      try {
        // The fourth field, after the name in parentheses.
        return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]) === parent
      } catch {
        return false
      }
    })
}
