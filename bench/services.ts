import { spawnSync } from 'node:child_process'
import { startPostgres } from '../tools/servers/postgres.ts'
import { startRedis } from '../tools/servers/redis.ts'
import type { Contender } from './contenders.ts'
import { pinned } from './pinning.ts'

/** Starts the servers that contenders need, on the core of the load, and tells where they are in the environment. */
export async function startServices(contenders: readonly Contender[]): Promise<() => Promise<void>> {
  const needed = new Set(contenders.map(({ needs }) => needs))
  const running: { stop(): Promise<void> }[] = []
  if (needed.has('redis')) {
    const redis = await startRedis()
    moveToLoadCore(redis.pid)
    process.env.BENCH_REDIS = redis.url
    running.push(redis)
  }
  if (needed.has('postgres')) {
    const postgres = await startPostgres()
    moveToLoadCore(postgres.pid)
    process.env.BENCH_POSTGRES = postgres.url()
    running.push(postgres)
  }
  return async () => {
    await Promise.all(running.map(server => server.stop()))
  }
}

/** What it starts later inherits the core. */
function moveToLoadCore(pid: number): void {
  const [command, [, core] = []] = pinned('load', '', [])
  if (command === 'taskset') spawnSync('taskset', ['-cp', core ?? '', String(pid)])
}
