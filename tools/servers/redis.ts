/** Redis servers and clusters for tests, benchmarks and `npm run cluster`: on free loopback ports, gone with this process. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { redisServerPath } from '../provision.ts'
import { freePorts } from './free-ports.ts'

const run = promisify(execFile)

/** A running server, in a directory of its own. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Of the process that runs now. */
  readonly pid: number
  /** Asks it with redis-cli; rejects when it answers with an error. */
  cli(...args: string[]): Promise<string>
  /** `SIGKILL` kills it at once, `SIGSTOP` freezes it and `SIGCONT` thaws it. */
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>
  /** Starts it again after a kill, on the same port and with what it kept. */
  restart(): Promise<void>
  /** Kills it and removes its directory. */
  stop(): Promise<void>
}

/** Three masters with a replica each: 0 to 2 are masters at first, 3 to 5 their replicas. */
export interface RedisCluster {
  readonly nodes: readonly RedisServer[]
  /** As `createCluster` takes them. */
  readonly rootNodes: { url: string }[]
  /** Stops all of them. */
  stop(): Promise<void>
}

/** Starts a server that keeps nothing on disk unless `settings` say so, such as `['--appendonly', 'yes']`. */
export async function startRedis(settings: readonly string[] = []): Promise<RedisServer> {
  const [port = 0] = await freePorts(1)
  const server = serverOn(port, ['--save', '', '--repl-diskless-sync-delay', '0', ...settings])
  await server.restart()
  return server
}

/** Starts three masters with a replica each. A dead master is replaced in about two seconds. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const ports = await freePorts(12)
  const nodes = ports.slice(0, 6).map((port, index) => serverOn(port, clusterSettings(String(ports[index + 6]))))
  await Promise.all(nodes.map(node => node.restart()))
  await Promise.all(nodes.map((node, index) => node.cli('cluster', 'set-config-epoch', String(index + 1))))
  const slots = ['0 5460', '5461 10922', '10923 16383'].map(range => range.split(' '))
  await Promise.all(slots.map((range, index) => nodes[index]?.cli('cluster', 'addslotsrange', ...range)))
  // Everybody to everybody: word of mouth takes seconds.
  const meetAll = async (node: RedisServer) => {
    for (const [index, { port }] of nodes.entries()) {
      if (port !== node.port) await node.cli('cluster', 'meet', '127.0.0.1', String(port), String(ports[index + 6]))
    }
  }
  await Promise.all(nodes.map(meetAll))
  const masters = await Promise.all(nodes.slice(0, 3).map(node => node.cli('cluster', 'myid')))
  const replicate = (node: RedisServer, index: number) =>
    succeeds(node.cli('cluster', 'replicate', masters[index]?.trim() ?? ''))
  await Promise.all(
    nodes.slice(3).map((node, index) => until('a replica knows its master', () => replicate(node, index))),
  )
  await until('the cluster is formed', async () => (await Promise.all(nodes.map(isSettled))).every(Boolean))
  return {
    nodes,
    rootNodes: nodes.map(({ url }) => ({ url })),
    async stop() {
      await Promise.all(nodes.map(node => node.stop()))
    },
  }
}

/** Waits until something holds; fails after half a minute. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAt = performance.now() + 30_000
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain until ${what}`)
    await wait(20)
  }
}

/** Whether it resolves. */
export function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  )
}

function clusterSettings(busPort: string): string[] {
  const settings = {
    save: '',
    'cluster-enabled': 'yes',
    'cluster-port': busPort,
    'cluster-node-timeout': '1500',
    'cluster-allow-replica-migration': 'no',
    'repl-diskless-sync-delay': '0',
  }
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
}

/** Whether a node knows all slots and nodes, and follows its master if it is a replica. */
async function isSettled(node: RedisServer): Promise<boolean> {
  const [info, replication] = await Promise.all([node.cli('cluster', 'info'), node.cli('info', 'replication')])
  const knowsAll = info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:6')
  return knowsAll && /role:master|master_link_status:up/.test(replication)
}

/** Processes to kill and directories to remove when this process ends before it stops them. */
const children = new Set<ChildProcess>()
const directories = new Set<string>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

function serverOn(port: number, settings: readonly string[]): RedisServer {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-redis-'))
  directories.add(directory)
  const log = join(directory, 'log')
  let child: ChildProcess | null = null

  const signal = async (name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT') => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = name === 'SIGKILL' ? once(child, 'exit') : null
    child.kill(name)
    await gone
  }
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return child?.pid ?? 0
    },
    signal,
    async cli(...args) {
      const { stdout } = await run('redis-cli', ['-e', '-p', String(port), ...args])
      return stdout
    },
    async restart() {
      const path = redisServerPath()
      if (path === null) throw new Error('Redis is missing. Install it: node tools/provision.ts')
      const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--logfile', log, ...settings]
      const started = spawn(path, args, { stdio: 'ignore' })
      child = started
      children.add(started)
      started.once('exit', () => children.delete(started))
      await until('Redis answers', () => {
        if (started.exitCode !== null) throw new Error(`Redis ended at its start: ${readFileSync(log, 'utf8')}`)
        return answers(port)
      })
    },
    async stop() {
      await signal('SIGKILL')
      rmSync(directory, { recursive: true, force: true })
      directories.delete(directory)
    },
  }
}

/** Whether somebody on the port speaks Redis and has its data, with whatever answer to a PING. */
function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.once('data', data => {
      socket.destroy()
      resolve(/^(\+PONG|-NOAUTH|-MASTERDOWN)/.test(data.toString()))
    })
    socket.once('error', () => resolve(false))
  })
}
