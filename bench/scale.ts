import { fork } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Measured } from './scale/measure.ts'
import { type PlaceName, placeNames } from './scale/places.ts'
import { plot, type ScaleResults, tables, withScale } from './scale/report.ts'

const usage = `npm run bench:scale -- [options]

  --sessions N      in each store (1000000)
  --few N           what reads are compared with (10000)
  --only NAMES      some of ${placeNames.join(', ')}; comma-separated
  --report FILE     measure nothing: write README and plot anew from a file in bench/results/

A run with a million sessions or more in every store is published: bench/results/scale-<date>.json, bench/scale.svg and the
tables of bench/README.md. Any other run prints its tables and leaves its numbers in bench/results/raw/.`

const inBench = (path: string) => join(import.meta.dirname, path)

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      sessions: { type: 'string', default: '1000000' },
      few: { type: 'string', default: '10000' },
      only: { type: 'string' },
      report: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return console.log(usage)
  if (values.report) return publish(JSON.parse(readFileSync(values.report, 'utf8')) as ScaleResults)

  const [few, many] = [count('few', values.few), count('sessions', values.sessions)]
  const chosen = values.only?.split(',').map(place) ?? placeNames
  const results: ScaleResults = { date: new Date().toISOString(), machine: machine(), measured: [] }
  try {
    for (const name of chosen) results.measured.push(await measure(name, few, many))
  } finally {
    if (results.measured.length > 0) console.log(`\n${tables(results)}`)
    const isComplete = results.measured.length === placeNames.length && many >= 1_000_000
    if (isComplete) saveAndPublish(results)
    else if (results.measured.length > 0) saveRaw(results)
  }
}

function machine(): ScaleResults['machine'] {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  }
}

/** In a process of its own, whose memory nothing else is in. */
function measure(name: PlaceName, few: number, many: number): Promise<Measured> {
  const heapMb = Math.floor((totalmem() / 2 ** 20) * 0.75)
  const child = fork(inBench('scale/measure.ts'), [name, String(few), String(many)], {
    execArgv: ['--conditions=latchkey-source', '--no-warnings', '--expose-gc', `--max-old-space-size=${heapMb}`],
  })
  return new Promise((resolve, reject) => {
    let measured: Measured | null = null
    child.once('message', message => {
      measured = message as Measured
    })
    // Not before it has cleaned up, which takes a while: the next one wants the machine for itself.
    child.once('exit', code => {
      if (measured) resolve(measured)
      else reject(new Error(`${name}: the measurement ended with code ${code}.`))
    })
  })
}

function place(name: string): PlaceName {
  const found = placeNames.find(known => known === name)
  if (!found) throw new Error(`--only ${name}: there are ${placeNames.join(', ')}.`)
  return found
}

function count(name: string, value: string): number {
  const number = Number(value)
  if (!Number.isInteger(number) || number < 2_000) {
    throw new Error(`--${name} ${value}: a whole number from 2000 is needed.`)
  }
  return number
}

function saveRaw(results: ScaleResults): void {
  mkdirSync(inBench('results/raw'), { recursive: true })
  const file = inBench(`results/raw/scale-${results.date.replaceAll(':', '-')}.json`)
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`)
  console.log(`\nNot published (not all stores with a million sessions). The numbers: ${file}`)
}

function saveAndPublish(results: ScaleResults): void {
  writeFileSync(inBench(`results/scale-${results.date.slice(0, 10)}.json`), `${JSON.stringify(results, null, 2)}\n`)
  publish(results)
}

function publish(results: ScaleResults): void {
  writeFileSync(inBench('scale.svg'), plot(results))
  const readme = inBench('README.md')
  writeFileSync(readme, withScale(readFileSync(readme, 'utf8'), results))
  console.log('\nWritten: bench/scale.svg and the tables of bench/README.md')
}
