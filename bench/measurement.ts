import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contender, Job } from './contenders.ts'
import { load } from './load.ts'
import { proveAfter, proveBefore, signInClients } from './proof.ts'
import { calls, loadOf } from './requests.ts'
import { startServer } from './server-process.ts'

export type Options = { rounds: number; seconds: number; warmup: number; sessions: number; connections: number }

/** One contender, one job, one fresh process. */
export type Measurement = {
  contender: string
  job: Job
  round: number
  /** Server CPU time (user and system, all threads) per request of the measured interval, in microseconds. */
  cpuUs: number
  requestsPerSecond: number
  p99Ms: number
  /** Requests the server received in the measured interval. */
  requests: number
  /** The share of the answered increments, warm-up included, that are not in the store. */
  lostShare: number
}

/** Signs in, proves the answers, warms up, measures, and proves again. Anything wrong rejects. */
export async function measure(contender: Contender, job: Job, round: number, options: Options): Promise<Measurement> {
  const server = await startServer(contender, job)
  try {
    const clients = await signInClients(server.port, contender, options.sessions)
    await proveBefore(server.port, contender, clients)

    const file = join(server.directory, 'requests')
    writeFileSync(file, JSON.stringify(clients.map(client => loadOf(calls[job], client))), { mode: 0o600 })
    const warmup = await load(server.port, file, options.connections, options.warmup)

    const before = await server.usage()
    const measured = await load(server.port, file, options.connections, options.seconds)
    const after = await server.usage()

    const failed = warmup.failed + measured.failed
    if (failed > 0) throw new Error(`${failed} requests failed under load`)
    if (before.storeCalls !== after.storeCalls) {
      throw new Error(`${(after.storeCalls ?? 0) - (before.storeCalls ?? 0)} calls of the store on a public route`)
    }
    const answered = warmup.requests + measured.requests
    const lost = await proveAfter(server.port, contender, clients, { job, answered })

    const requests = after.requests - before.requests
    return {
      contender: contender.name,
      job,
      round,
      cpuUs: (after.cpuUs - before.cpuUs) / requests,
      requestsPerSecond: measured.requests / (measured.durationMs / 1000),
      p99Ms: measured.p99Ms,
      requests,
      lostShare: lost / answered,
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : error
    const where = `${contender.name}, ${job}, round ${round}`
    throw new Error(`${where}: ${reason}\n${server.complaints()}`, { cause: error })
  } finally {
    await server.stop()
  }
}
