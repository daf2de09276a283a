import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pgbouncerPath } from '../provision.ts'
import { freePorts } from './free-ports.ts'
import { asPostgres, giveToPostgres, type PostgresServer, password, user } from './postgres.ts'

/** A PgBouncer in front of a server. */
export interface Pgbouncer {
  /** What the server's `url` is, by way of PgBouncer. */
  readonly url: string
  /** Ends it and removes its directory. */
  stop(): Promise<void>
}

/** Starts PgBouncer with a pool mode and at most so many connections to the server; rejects when it is not installed. */
export async function startPgbouncer(
  server: PostgresServer,
  mode: 'transaction' | 'session',
  connections: number,
): Promise<Pgbouncer> {
  const program = pgbouncerPath()
  if (program === null) throw new Error('PgBouncer is missing. Install it: node tools/provision.ts')
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-pgbouncer-'))
  const [port = 0] = await freePorts(1)
  const file = (name: string, content: string): string => {
    const path = join(directory, name)
    writeFileSync(path, content)
    giveToPostgres(path)
    return path
  }
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: file('users', `"${user}" "${password}"\n`),
    pool_mode: mode,
    default_pool_size: connections,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
  const databases = `[databases]\n* = host=127.0.0.1 port=${server.port}\n`
  giveToPostgres(directory)
  const child = await started(program, file('ini', `${databases}[pgbouncer]\n${lines.join('\n')}\n`))
  return {
    url: server.url().replace(`:${server.port}/`, `:${port}/`),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function started(path: string, settings: string): Promise<ChildProcess> {
  const [program = '', ...args] = asPostgres(path, settings)
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const log: string[] = [] // and read, or it would stop at a full pipe
  const ready = Promise.withResolvers<void>()
  createInterface(child.stderr).on('line', line => {
    log.push(line)
    if (line.includes('process up')) ready.resolve()
  })
  child.once('exit', () => ready.reject(new Error(`PgBouncer did not start:\n${log.join('\n')}`)))
  await ready.promise
  return child
}
