/**
 * Detectors under test: weeks of a site's life, ordinary people and every attack, through the real engine under the real watch
 * with its default options. `npm run bench:detection -- --help`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { plan } from './attacks.ts'
import { falseAlarms } from './judgement.ts'
import { automation, lessons, life, newClass, newPerson } from './people.ts'
import { type DetectionResults, picture, resultsOf, tables, withDetection } from './report.ts'
import { hour, Simulation } from './simulation.ts'

const usage = `npm run bench:detection -- [options]

  --seed TEXT     draws people, days and attacks (tuning)
  --start DATE    first day (2026-03-02)
  --days N        (30)
  --people N      (600)
  --false         list every false alarm
  --missed        list every attack that its detector did not see
  --publish       write bench/results/detection-<seed>.json, bench/detection.svg and the section of bench/README.md

The detectors were tuned on the seeds that begin with "tuning"; what is published must be another one, on other days.`

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: 'tuning' },
    start: { type: 'string', default: '2026-03-02' },
    days: { type: 'string', default: '30' },
    people: { type: 'string', default: '600' },
    false: { type: 'boolean', default: false },
    missed: { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
})
/** Each attack has a victim of its own. */
const leastPeople = 300

if (values.help) console.log(usage)
else await main()

async function main(): Promise<void> {
  const { seed, start } = values
  if (values.publish && seed.startsWith('tuning')) throw new Error('What is published must not be what was tuned on.')
  if (!(Number(values.people) >= leastPeople)) {
    throw new Error(`--people must be at least ${leastPeople}, because each attack has a victim of its own.`)
  }
  const days = Number(values.days)
  const simulation = new Simulation(seed, Date.parse(`${start}T00:00:00Z`), days)
  const people = Array.from({ length: Number(values.people) }, (_, number) => newPerson(number, simulation))
  const { startsAt } = simulation
  for (const person of people) simulation.begin(startsAt, life(person, simulation))
  for (const person of people.slice(0, people.length / 20)) simulation.begin(startsAt, automation(person, simulation))
  simulation.begin(startsAt + 9 * hour, lessons(newClass(25, simulation), simulation))
  plan(simulation, people)

  const began = performance.now()
  await simulation.run(today => {
    process.stderr.write(`\rday ${today + 1} of ${days}, ${simulation.done.requests} requests `)
  })
  process.stderr.write(`in ${Math.round((performance.now() - began) / 1_000)} s\n`)

  const results = resultsOf(simulation, { seed, start, days, people: people.length })
  console.log(tables(results))
  if (values.false) {
    for (const { detector, at, sid, userId, address, evidence } of falseAlarms(simulation.hits, simulation.attacks)) {
      console.log('FALSE', detector, new Date(at).toISOString(), JSON.stringify({ sid, userId, address, ...evidence }))
    }
  }
  if (values.missed) for (const text of results.missed) console.log('MISSED', text)
  if (values.publish) publish(results)
}

function publish(results: DetectionResults): void {
  const here = join(import.meta.dirname, '..')
  writeFileSync(join(here, 'results', `detection-${results.run.seed}.json`), `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(join(here, 'detection.svg'), picture(results))
  const readme = join(here, 'README.md')
  writeFileSync(readme, withDetection(readFileSync(readme, 'utf8'), results))
}
