import { type Bar, drawing } from '../chart.ts'
import { bodyLength } from './filling.ts'
import type { Measured } from './measure.ts'
import { labels } from './places.ts'

/** The content of one file `bench/results/scale-….json`: everything that was measured, and where. */
export type ScaleResults = {
  date: string
  machine: { cpu: string; cores: number; memoryGb: number; kernel: string; node: string }
  /** What a reader of the numbers has to know of this run. */
  notes?: string[]
  measured: Measured[]
}

/** The most that the p99 of a read among many may be, against that among few. */
const limit = 1.3
const begin = '<!-- scale -->'
const end = '<!-- end of scale -->'

/** The README with its section on scale replaced. */
export function withScale(readme: string, results: ScaleResults): string {
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`bench/README.md needs the lines ${begin} and ${end}`)
  const picture = '![Size, reads, sweep and ends with many sessions, for each store](scale.svg)'
  const section = [picture, tables(results), about(results)].join('\n\n')
  return `${readme.slice(0, from + begin.length)}\n\n${section}\n\n${readme.slice(to)}`
}

/** What the README and the terminal show. */
export function tables({ measured }: ScaleResults): string {
  const [first] = measured
  const [few, many] = [count(first?.few ?? 0), count(first?.many ?? 0)]
  const reads = table(
    [
      'store',
      'bytes/session',
      'of our process',
      'created/s',
      `p50 at ${few}`,
      `p50 at ${many}`,
      `p99 at ${few}`,
      `p99 at ${many}`,
      `p99 ratio (≤ ${limit})`,
    ],
    measured.map(one => [
      `**${labels[one.place]}**`,
      count(one.bytesPerSession),
      count(Math.max(0, one.heapBytesPerSession)),
      count(one.createdPerSecond),
      micro(one.readsOfFew.p50Us),
      micro(one.readsOfMany.p50Us),
      micro(one.readsOfFew.p99Us),
      micro(one.readsOfMany.p99Us),
      `${ratio(one).toFixed(2)} ${ratio(one) <= limit ? '✓' : '✗'}`,
    ]),
  )
  const ends = table(
    [
      'store',
      'idle: stall / read',
      'sweep of a tenth',
      'longest step',
      'stall / read',
      `end ${count(first?.endUser.ended ?? 0)} of a user`,
      'stall / read',
      'end everybody',
      'stall / read',
    ],
    measured.map(({ place, calm, sweep, endUser, endEverybody }) => [
      `**${labels[place]}**`,
      felt(calm),
      `${seconds(sweep.ms)} (${count(sweep.removed)})`,
      sweep.longestStepMs === null ? '–' : milli(sweep.longestStepMs),
      felt(sweep),
      milli(endUser.ms),
      felt(endUser),
      `${seconds(endEverybody.ms)} (${count(endEverybody.ended)})`,
      felt(endEverybody),
    ]),
  )
  return `### Size and reads (µs)\n\n${reads}\n\n### Sweep and ends (stall and slowest read in ms)\n\n${ends}`
}

/** The same as a plot, for both themes. */
export function plot({ measured }: ScaleResults): string {
  const bars = (value: (one: Measured) => number, shown: (value: number) => string): Bar[] =>
    measured.map(one => ({ label: labels[one.place], value: value(one), shown: shown(value(one)), ours: true }))
  const [first] = measured
  const [few, many] = [count(first?.few ?? 0), count(first?.many ?? 0)]
  return drawing(`Size, reads, sweep and ends with ${many} sessions, for each store`, [
    { title: `Bytes per session, at ${many} sessions`, bars: bars(one => one.bytesPerSession, count) },
    {
      title: `p99 of a read at ${many} sessions against that at ${few}; the line is the limit of ${limit}`,
      bars: bars(ratio, times => times.toFixed(2)),
      limit,
    },
    { title: 'Slowest read while an expired tenth is swept, ms', bars: bars(one => one.sweep.slowestReadMs, milli) },
    { title: 'Ending 1,000 sessions of one user, ms', bars: bars(one => one.endUser.ms, milli) },
    {
      title: 'Ending everybody, s',
      bars: bars(
        one => one.endEverybody.ms / 1_000,
        s => s.toFixed(1),
      ),
    },
  ])
}

function about({ date, machine, notes = [], measured }: ScaleResults): string {
  const versions = [...new Set(measured.map(({ version }) => version))].join(', ')
  const where = `${machine.cores} cores (${machine.cpu}), ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}`
  const unhurried = measured.flatMap(({ place, sweep: { perSecondUnhurried } }) =>
    perSecondUnhurried === null ? [] : [`${labels[place]} ${count(perSecondUnhurried)} a second`],
  )
  const expiry =
    unhurried.length === 0
      ? ''
      : ` Before it was told to hurry, the server removed: ${unhurried.join(', ')} (see below).`
  return `Measured on ${date.slice(0, 10)}: ${where}; ${versions}. A record's body has ${bodyLength} characters.${expiry}${notes.map(note => `\n\n*${note}*`).join('')}`
}

function table(head: string[], rows: string[][]): string {
  return [head, ['---', ...head.slice(1).map(() => '---:')], ...rows]
    .map(cells => `| ${cells.join(' | ')} |`)
    .join('\n')
}

function ratio({ readsOfFew, readsOfMany }: Measured): number {
  return readsOfMany.p99Us / readsOfFew.p99Us
}

function felt({ stallMs, slowestReadMs }: { stallMs: number; slowestReadMs: number }): string {
  return `${stallMs.toFixed(0)} / ${slowestReadMs.toFixed(0)}`
}

function count(number: number): string {
  return Math.round(number).toLocaleString('en-US')
}

function micro(us: number): string {
  return us < 10 ? us.toFixed(2) : us.toFixed(0)
}

function milli(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
