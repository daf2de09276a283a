/**
 * `npm run soak`: people sign in, read, write, open tabs, sign out and come back, for ten minutes, against several processes
 * on real stores; every answer is checked, and the processes are watched. Ends with exit code 1 when an answer was wrong, a
 * promise was left alone or memory grew. Everything runs on free loopback ports and is gone afterwards.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startPostgres } from './servers/postgres.ts'
import { startRedis, startRedisCluster } from './servers/redis.ts'
import { instanceAt } from './soak/device.ts'
import { type ApplicationProcess, startApplication } from './soak/process.ts'
import { growthOf, problemsOf, quantities, type Seen } from './soak/verdict.ts'
import { emptyTally, visit } from './soak/visitors.ts'

const usage = `npm run soak -- [options]

  --minutes NUMBER     how long (10)
  --store STORE        memory, sqlite, file, postgres, redis or redis-cluster; +near for a near cache.
                       Several are used at the same time (redis+near and postgres+near)
  --visitors NUMBER    for each store, with two devices each (40)
  --pause MS           the longest pause between two things that a visitor does (900)
  --processes NUMBER   for each store (3; memory and file: 1)
  --break RULE         leak, answer, revocation or rejection: see it fail`

const kinds = ['memory', 'sqlite', 'file', 'postgres', 'redis', 'redis-cluster']
const idleTimeoutMs = 15_000
const policy = {
  CAMPUS_IDLE_TIMEOUT: `${idleTimeoutMs}ms`,
  CAMPUS_ABSOLUTE_TIMEOUT: '2m',
  CAMPUS_ROTATE_EVERY: '10s',
  CAMPUS_GRACE: '5s',
}
/** The near cache's own promise. */
const everywhereAfterMs = 100

const undo: (() => void | Promise<void>)[] = []

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      store: { type: 'string', multiple: true, default: ['redis+near', 'postgres+near'] },
      visitors: { type: 'string', default: '40' },
      pause: { type: 'string', default: '900' },
      processes: { type: 'string', default: '3' },
      break: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const minutes = Number(values.minutes)
  const visitors = Number(values.visitors)
  const processes = Number(values.processes)
  const pauseMs = Number(values.pause)
  const known = values.store.every(name => kinds.includes(name.replace('+near', '')))
  if (values.help || !known || !minutes || !visitors || !processes || !pauseMs) {
    console.log(usage)
    return values.help ? 0 : 2
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void clean().then(() => process.exit(130)))

  const forMs = minutes * 60_000
  // At least 25 measurements, so that a fifth is some.
  const sampleEveryMs = Math.min(10_000, forMs / 25)
  const environment = values.break === undefined ? {} : { SOAK_BREAK: values.break }
  const seen = await Promise.all(
    values.store.map(name => soak(name, { processes, visitors, pauseMs, forMs, sampleEveryMs, environment })),
  )
  for (const one of seen) printTable(one)
  const problems = seen.flatMap(problemsOf)
  for (const problem of problems) console.log(`✖ ${problem}`)
  if (problems.length === 0) console.log('✔ no wrong answer, nothing unhandled, no growth')
  return problems.length === 0 ? 0 : 1
}

interface Plan {
  readonly processes: number
  readonly visitors: number
  readonly pauseMs: number
  readonly forMs: number
  readonly sampleEveryMs: number
  readonly environment: Readonly<Record<string, string>>
}

async function soak(name: string, plan: Plan): Promise<Seen> {
  const isNear = name.endsWith('+near')
  const kind = name.replace('+near', '')
  const environment = {
    ...policy,
    ...plan.environment,
    CAMPUS_STORE: await startStore(kind),
    CAMPUS_NEAR_CACHE: String(isNear),
    SESSION_SECRET: randomBytes(32).toString('base64url'),
  }
  const count = kind === 'memory' || kind === 'file' ? 1 : plan.processes
  const applications: ApplicationProcess[] = []
  for (let index = 0; index < count; index += 1) {
    const application = await startApplication(environment)
    undo.push(application.stop)
    applications.push(application)
  }
  const end = AbortSignal.timeout(plan.forMs)
  const tally = emptyTally()
  const instances = applications.map(({ port }) => instanceAt(port))
  const surroundings = {
    instances,
    everywhereAfterMs: isNear ? everywhereAfterMs : 0,
    idleTimeoutMs,
    pauseMs: plan.pauseMs,
    tally,
    signal: end,
  }
  const visiting = Array.from({ length: plan.visitors }, (_, index) => visit(`visitor-${index}`, surroundings))
  const startedAt = Date.now()
  while (!end.aborted) {
    await pause(plan.sampleEveryMs, null, { signal: end }).catch(() => {})
    await Promise.all(applications.map(application => application.measure()))
    printProgress(name, Date.now() - startedAt, tally, applications)
  }
  await Promise.all(visiting)
  await Promise.all(applications.map(application => application.measure()))
  // Connections in use for the last time.
  for (const { agent } of instances) agent.destroy()
  const deaths = applications.flatMap(({ death }) => death() ?? [])
  return { name, tally, processes: applications.map(({ measurements }) => measurements), deaths }
}

/** Starts what the store needs; answers with Campus's name for it. */
async function startStore(kind: string): Promise<string> {
  switch (kind) {
    case 'postgres': {
      const server = await startPostgres()
      undo.push(() => server.stop())
      return server.url()
    }
    case 'redis': {
      const server = await startRedis()
      undo.push(() => server.stop())
      return server.url
    }
    case 'redis-cluster': {
      const cluster = await startRedisCluster()
      undo.push(() => cluster.stop())
      return `redis-cluster://${cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`
    }
    case 'memory':
      return 'memory:'
    default: {
      const directory = mkdtempSync(join(tmpdir(), 'latchkey-soak-'))
      undo.push(() => rmSync(directory, { recursive: true, force: true }))
      return `${kind}:${join(directory, 'sessions')}`
    }
  }
}

const inMebibytes = (bytes: number) => (bytes / 1_048_576).toFixed(1)

function printProgress(
  name: string,
  elapsedMs: number,
  { answers, wrong, unavailable }: Seen['tally'],
  applications: readonly ApplicationProcess[],
): void {
  const latest = applications.map(({ measurements }) => measurements.at(-1))
  const each = (show: (measurement: NonNullable<(typeof latest)[number]>) => string | number) =>
    latest.map(measurement => (measurement ? show(measurement) : '–')).join(' ')
  const time = `${Math.floor(elapsedMs / 60_000)}:${String(Math.floor(elapsedMs / 1_000) % 60).padStart(2, '0')}`
  console.log(
    `${time.padStart(5)}  ${name.padEnd(14)} ${answers} answers, ${wrong} wrong, ${unavailable} × 503 | heap ${each(({ heap }) => inMebibytes(heap))} | rss ${each(({ rss }) => inMebibytes(rss))} MiB | handles ${each(({ handles }) => handles)} | unhandled ${each(({ complaints }) => complaints.count)}`,
  )
}

function printTable({ name, tally, processes }: Seen): void {
  const { examples: _, ...counts } = tally
  console.log(`\n${name}`)
  console.table(counts)
  console.table(
    processes.map(measurements =>
      Object.fromEntries(
        quantities.map(quantity => {
          const { from, to } = growthOf(measurements, quantity)
          const show = quantity === 'handles' ? String : inMebibytes
          return [quantity === 'handles' ? quantity : `${quantity}, MiB`, `${show(from)} → ${show(to)}`]
        }),
      ),
    ),
  )
}

async function clean(): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step()
}

try {
  process.exitCode = await main()
} finally {
  await clean()
}
