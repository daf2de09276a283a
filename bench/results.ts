import { readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { type Contender, contenders, type Job, jobs } from './contenders.ts'
import type { Measurement, Options } from './measurement.ts'
import { pinning } from './pinning.ts'

/** The content of one file in `bench/results/`: everything that was measured, and where. */
export type Results = {
  date: string
  machine: { cpu: string; cores: number; memoryGb: number; kernel: string; node: string; pinned: boolean }
  versions: Record<string, string>
  options: Options
  measurements: Measurement[]
}

/** The medians of one contender and job over all rounds. */
export type Summary = {
  contender: Contender
  job: Job
  cpuUs: number
  cpuUsRange: [number, number]
  /** Median of what it was above the same framework's bare server in the same round; 0 for the bare servers. */
  addedUs: number
  requestsPerSecond: number
  p99Ms: number
  /** The largest share of answered increments that a round did not find in the store. */
  lostShare: number
  rounds: number
}

const measuredPackages = [
  'express',
  'express-session',
  'connect-redis',
  'connect-pg-simple',
  'redis',
  'pg',
  'fastify',
  '@fastify/session',
  '@fastify/cookie',
  'iron-session',
  'better-auth',
  'jose',
  'fast-jwt',
  'autocannon',
]

export function describeRun(options: Options, date: Date): Omit<Results, 'measurements'> {
  const [cpu] = cpus()
  return {
    date: date.toISOString(),
    machine: {
      cpu: cpu?.model ?? 'unknown',
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
      kernel: release(),
      node: process.version,
      pinned: pinning,
    },
    versions: Object.fromEntries(measuredPackages.flatMap(name => installedVersion(name))),
    options,
  }
}

function installedVersion(name: string): [string, string][] {
  for (const folder of [join(import.meta.dirname, 'peers'), join(import.meta.dirname, '..')]) {
    try {
      const manifest = JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'))
      return [[name, String(manifest.version)]]
    } catch {
      // Not installed here: look in the next folder.
    }
  }
  return []
}

/** One row per contender and job that was measured, in the order of the tables. */
export function summarize(measurements: Measurement[]): Summary[] {
  return jobs.flatMap(job =>
    contenders.flatMap(contender => {
      const of = (name: string) => measurements.filter(m => m.contender === name && m.job === job)
      const own = of(contender.name)
      if (own.length === 0) return []
      const cpu = own.map(m => m.cpuUs)
      const bareIn = (round: number) => of(contender.bare).find(m => m.round === round)?.cpuUs ?? Number.NaN
      return [
        {
          contender,
          job,
          cpuUs: median(cpu),
          cpuUsRange: [Math.min(...cpu), Math.max(...cpu)] satisfies [number, number],
          addedUs: median(own.map(({ round, cpuUs }) => cpuUs - bareIn(round))),
          requestsPerSecond: median(own.map(m => m.requestsPerSecond)),
          p99Ms: median(own.map(m => m.p99Ms)),
          lostShare: Math.max(...own.map(m => m.lostShare)),
          rounds: own.length,
        },
      ]
    }),
  )
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2
}
