/**
 * `npm run cluster`: three Campus instances over one Redis Cluster (or PostgreSQL), behind one address, on a machine that
 * has nothing but Node and the distribution's packages. Each instance has a directory of its own, as on a machine of its own;
 * with Redis the accounts are in a file that all of them open, with PostgreSQL nothing is shared but the database. Everything
 * runs on free loopback ports, in one private directory, and is gone after Ctrl-C.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { developmentCertificate } from '../app/certificate.ts'
import { placesIn } from '../app/data-directory.ts'
import { startPostgres } from './servers/postgres.ts'
import { startRedisCluster } from './servers/redis.ts'

const usage = `npm run cluster -- [options]

  --store redis|postgres   what the instances share: a Redis Cluster of 3 masters and 3 replicas, or PostgreSQL (redis)
  --instances NUMBER       how many of Campus (3)
  --port PORT              the one address: https://localhost:PORT (8443)
  --no-near-cache          ask the store on every request`

interface Database {
  /** Where sessions and accounts are, as Campus's environment says it. */
  readonly environment: Readonly<Record<string, string>>
  readonly lines: readonly string[]
  stop(): Promise<void>
}

interface Instance {
  readonly process: ChildProcess
  readonly port: number
  /** What it printed at its start: the accounts, if it was the one that created them. */
  readonly printed: string
}

const undo: (() => void | Promise<void>)[] = []

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      store: { type: 'string', default: 'redis' },
      instances: { type: 'string', default: '3' },
      port: { type: 'string', default: '8443' },
      'near-cache': { type: 'boolean', default: true },
      help: { type: 'boolean', short: 'h' },
    },
    allowNegative: true,
  })
  const count = Number(values.instances)
  const known = values.store === 'redis' || values.store === 'postgres'
  if (values.help || !known || !(Number.isInteger(count) && count >= 1 && count <= 16)) {
    console.log(usage)
    process.exitCode = values.help ? 0 : 2
    return
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(0))

  const directory = mkdtempSync(join(tmpdir(), 'latchkey-cluster-'))
  undo.push(() => rmSync(directory, { recursive: true, force: true }))
  console.log(`Starting ${values.store === 'redis' ? 'a Redis Cluster' : 'PostgreSQL'} …`)
  const database = await (values.store === 'redis' ? redis(directory) : postgres())
  undo.push(() => database.stop())

  const shared = await sharedBy(directory, database, values['near-cache'])
  const instances: Instance[] = []
  for (let number = 1; number <= count; number += 1) {
    // One after the other: files are not for instances that start at once. With PostgreSQL they might.
    console.log(`Starting Campus ${number} of ${count} …`)
    instances.push(await campus(join(directory, `data-${number}`), shared))
  }
  const balancer = await balance(instances, Number(values.port))
  undo.push(() => void balancer.close())
  const { port } = balancer.address() as AddressInfo

  // The first one found no accounts and created them.
  console.log(instances[0]?.printed.replace(/\n {2}Campus is open[\s\S]*/, ''))
  for (const line of database.lines) console.log(`  ${line}`)
  for (const [index, { port, process }] of instances.entries())
    console.log(`  Campus ${index + 1}          https://localhost:${port}  (pid ${process.pid})`)
  console.log(`
  All of them:      https://localhost:${port}

  Sign in, then kill an instance (kill -9 PID): you stay signed in. Your browser will warn about the
  certificate, because it was made here, for this machine only: go on. Ctrl+C stops and removes everything.
`)
}

async function redis(directory: string): Promise<Database> {
  const { nodes, stop } = await startRedisCluster()
  const role = (index: number) => (index < nodes.length / 2 ? 'master ' : 'replica')
  return {
    environment: {
      CAMPUS_STORE: `redis-cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
      // Instances on several machines would have to keep accounts in PostgreSQL.
      CAMPUS_USERS: `sqlite:${join(directory, 'campus.db')}`,
    },
    lines: nodes.map(({ port }, index) => `Redis ${role(index)}     127.0.0.1:${port}`),
    stop,
  }
}

async function postgres(): Promise<Database> {
  const server = await startPostgres()
  const lines = [`PostgreSQL        127.0.0.1:${server.port}, sessions and accounts`]
  return { environment: { CAMPUS_STORE: server.url() }, lines, stop: () => server.stop() }
}

/** What an operator gives to all instances of one service: the address of the database, the secret, the certificate. */
async function sharedBy(directory: string, database: Database, nearCache: boolean): Promise<Record<string, string>> {
  const files = placesIn(directory)
  await developmentCertificate(files, Date.now())
  return {
    ...database.environment,
    SESSION_SECRET: randomBytes(32).toString('base64url'),
    CAMPUS_TLS_CERT: files.certificate,
    CAMPUS_TLS_KEY: files.key,
    CAMPUS_NEAR_CACHE: String(nearCache),
    CAMPUS_PORT: '0',
  }
}

async function campus(directory: string, shared: Readonly<Record<string, string>>): Promise<Instance> {
  const main = join(import.meta.dirname, '../app/main.ts')
  const child = spawn(process.execPath, ['--conditions=latchkey-source', main, '--data', directory], {
    env: { ...process.env, ...shared },
    stdio: ['ignore', 'pipe', 'inherit'],
    // Ctrl-C goes to us, and we stop it in order.
    detached: true,
  })
  undo.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    printed += text
  })
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`Campus did not start (exit code ${code}).`)
  })
  exited.catch(() => {})
  for (;;) {
    const port = /Campus is open: {2}https:\/\/localhost:(\d+)/.exec(printed)?.[1]
    if (port !== undefined) return { process: child, port: Number(port), printed }
    await Promise.race([once(child.stdout, 'data'), exited])
  }
}

/** Passes connections on, each to the next instance that takes it; TLS goes through untouched. */
async function balance(instances: readonly Instance[], port: number): Promise<Server> {
  let turn = 0
  const server = createServer({ allowHalfOpen: false }, client => {
    client.on('error', () => client.destroy())
    const pass = (left: number): void => {
      const instance = instances[turn++ % instances.length]
      if (!instance || left === 0) {
        client.destroy()
        return
      }
      const upstream = connect(instance.port, '127.0.0.1')
      upstream.once('error', () => (upstream.connecting || upstream.bytesRead > 0 ? client.destroy() : pass(left - 1)))
      upstream.once('connect', () => {
        upstream.removeAllListeners('error').on('error', () => client.destroy())
        client.once('close', () => upstream.destroy())
        upstream.once('close', () => client.destroy())
        client.pipe(upstream).pipe(client)
      })
    }
    pass(instances.length)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function stop(code: number): Promise<never> {
  console.log('\nStopping …')
  for (const step of undo.splice(0).reverse()) {
    try {
      await step()
    } catch (error) {
      console.error(error instanceof Error ? error.message : error)
    }
  }
  process.exit(code)
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  await stop(1)
}
