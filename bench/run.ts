import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chart } from './chart.ts'
import { type Contender, chosenContenders, chosenJobs, contenders, type Job } from './contenders.ts'
import { type Measurement, measure, type Options } from './measurement.ts'
import { pinning } from './pinning.ts'
import { table, withResults } from './report.ts'
import { describeRun, type Results, summarize } from './results.ts'
import { startServices } from './services.ts'

const usage = `npm run bench -- [options]

  --rounds N        measurements of each contender and job (5)
  --seconds N       length of a measurement (4)
  --warmup N        seconds of load before it (4)
  --sessions N      distinct sessions, used in turn (200)
  --connections N   (50)
  --only NAMES      contenders whose name starts with one of these, comma-separated; their bare servers come along
  --job NAMES       read, write, unused
  --report FILE     measure nothing: write README and chart anew from a file in bench/results/

A full run of at least five rounds is published: bench/results/<date>.json, bench/results.svg and the tables of
bench/README.md. Any other run prints its tables and leaves its numbers in bench/results/raw/.
Contenders: ${contenders.map(({ name }) => name).join(', ')}`

const here = import.meta.dirname
const inBench = (path: string) => join(here, path)

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      warmup: { type: 'string', default: '4' },
      sessions: { type: 'string', default: '200' },
      connections: { type: 'string', default: '50' },
      only: { type: 'string' },
      job: { type: 'string' },
      report: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return console.log(usage)
  if (values.report) return publish(JSON.parse(readFileSync(values.report, 'utf8')) as Results)

  const options: Options = {
    rounds: count('rounds', values.rounds),
    seconds: count('seconds', values.seconds),
    warmup: count('warmup', values.warmup),
    sessions: count('sessions', values.sessions),
    connections: count('connections', values.connections),
  }
  const chosen = chosenContenders(values.only)
  const chosenJobList = chosenJobs(values.job)
  installPeers()
  if (!pinning) console.warn('taskset or a second core is missing: server and load share the cores.')

  // Ctrl-C: an ordinary exit, so that the temporary directories go and the servers notice that we are gone.
  process.once('SIGINT', () => process.exit(130))
  const started = new Date()
  const run = describeRun(options, started)
  const measurements: Measurement[] = []
  const stopServices = await startServices(chosen)
  try {
    for (const [round, contender, job] of schedule(options.rounds, chosen, chosenJobList)) {
      const measured = await measure(contender, job, round, options)
      measurements.push(measured)
      const numbers = `${measured.cpuUs.toFixed(1)} µs  ${Math.round(measured.requestsPerSecond)}/s  p99 ${measured.p99Ms.toFixed(1)} ms`
      console.log(`round ${round}  ${job.padEnd(7)} ${contender.name.padEnd(20)} ${numbers}`)
    }
  } finally {
    await stopServices()
    const results = { ...run, measurements }
    const everything = contenders.reduce((sum, contender) => sum + contender.jobs.length, 0)
    const complete = measurements.length === options.rounds * everything
    if (complete && options.rounds >= 5) saveAndPublish(results)
    else if (measurements.length > 0) saveRaw(results)
    for (const job of chosenJobList) {
      const rows = summarize(measurements).filter(row => row.job === job)
      if (rows.length > 0) console.log(`\n${job}\n${table(rows)}`)
    }
  }
}

/** Round by round, every other round backwards, so that a drifting machine favours nobody. */
function* schedule(rounds: number, chosen: Contender[], chosenJobList: Job[]): Generator<[number, Contender, Job]> {
  for (let round = 1; round <= rounds; round += 1) {
    const order = round % 2 === 1 ? chosen : chosen.toReversed()
    for (const job of chosenJobList)
      for (const contender of order) if (contender.jobs.includes(job)) yield [round, contender, job]
  }
}

function count(name: string, value: string): number {
  const number = Number(value)
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} ${value}: a whole number from 1 is needed.`)
  return number
}

/** The peers and the load generator live outside the project's own dependencies: fetched the first time somebody measures. */
function installPeers(): void {
  const folder = inBench('peers')
  if (existsSync(join(folder, 'node_modules', '.package-lock.json'))) return
  console.log(`npm ci --prefix ${folder}`)
  const { status } = spawnSync('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund'], { stdio: 'inherit' })
  if (status !== 0) throw new Error(`The peers are not installed: run npm ci --prefix ${folder}`)
}

function saveRaw(results: Results): void {
  mkdirSync(inBench('results/raw'), { recursive: true })
  const file = inBench(`results/raw/${results.date.replaceAll(':', '-')}.json`)
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`)
  console.log(`\nNot published (not a full run of five rounds). The numbers: ${file}`)
}

function saveAndPublish(results: Results): void {
  mkdirSync(inBench('results'), { recursive: true })
  writeFileSync(inBench(`results/${results.date.slice(0, 10)}.json`), `${JSON.stringify(results, null, 2)}\n`)
  publish(results)
}

function publish(results: Results): void {
  writeFileSync(inBench('results.svg'), chart(summarize(results.measurements)))
  const readme = inBench('README.md')
  writeFileSync(readme, withResults(readFileSync(readme, 'utf8'), results))
  console.log('\nWritten: bench/results.svg and the tables of bench/README.md')
}
