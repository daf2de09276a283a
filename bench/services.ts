import { startPostgres } from '../tools/servers/postgres.ts'
import { startRedis } from '../tools/servers/redis.ts'
import type { Contender } from './contenders.ts'
import { moveTo } from './pinning.ts'

/** Starts the servers that contenders need, on the core of the load, and tells where they are in the environment. */
export async function startServices(contenders: readonly Contender[]): Promise<() => Promise<void>> {
  const needed = new Set(contenders.map(({ needs }) => needs))
  const running: { stop(): Promise<void> }[] = []
  if (needed.has('redis')) {
    const redis = await startRedis()
    moveTo('load', redis.pid)
    process.env.BENCH_REDIS = redis.url
    running.push(redis)
  }
  if (needed.has('postgres')) {
    const postgres = await startPostgres()
    moveTo('load', postgres.pid)
    process.env.BENCH_POSTGRES = postgres.url()
    running.push(postgres)
  }
  return async () => {
    await Promise.all(running.map(server => server.stop()))
  }
}
