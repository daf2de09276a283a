import type { Measurement } from './application.ts'
import type { Tally } from './visitors.ts'

/** What was seen of one store: the visitors' tally, and each process's measurements, one after the other. */
export interface Seen {
  readonly name: string
  readonly tally: Tally
  readonly processes: readonly (readonly Measurement[])[]
  /** Processes that ended by themselves, in words. */
  readonly deaths: readonly string[]
}

/** How a quantity of a process changed: medians of the second and of the last fifth of its measurements. */
export interface Growth {
  readonly from: number
  readonly to: number
}

const mebibyte = 1_048_576

/** More growth than both of these is a leak. The first fifth is for warming up and does not count. */
const bounds = {
  heap: { factor: 1.1, slack: 3 * mebibyte },
  rss: { factor: 1.25, slack: 24 * mebibyte },
  handles: { factor: 1.5, slack: 20 },
} as const
const unavailableShare = 0.001

export type Quantity = keyof typeof bounds
export const quantities = Object.keys(bounds) as Quantity[]

export function growthOf(measurements: readonly Measurement[], quantity: Quantity): Growth {
  const values = measurements.map(measurement => measurement[quantity])
  const fifth = (index: number) =>
    values.slice(Math.floor((values.length * index) / 5), Math.floor((values.length * (index + 1)) / 5))
  return { from: median(fifth(1)), to: median(fifth(4)) }
}

/** Everything that is wrong, each in one line; empty when nothing is. */
export function problemsOf({ name, tally, processes, deaths }: Seen): string[] {
  const problems = deaths.map(death => `${name}: ${death}`)
  if (tally.answers === 0) problems.push(`${name}: nothing was answered`)
  if (tally.wrong > 0) problems.push(`${name}: ${tally.wrong} wrong answers, such as ${tally.examples[0]}`)
  if (tally.unavailable > tally.answers * unavailableShare)
    problems.push(`${name}: ${tally.unavailable} of ${tally.answers} answers were 503`)
  for (const [index, measurements] of processes.entries()) {
    const { count = 0, latest = [] } = measurements.at(-1)?.complaints ?? {}
    if (count > 0)
      problems.push(`${name}, process ${index + 1}: ${count} warnings and unhandled rejections, such as ${latest[0]}`)
    for (const quantity of quantities) {
      const { from, to } = growthOf(measurements, quantity)
      const { factor, slack } = bounds[quantity]
      if (!(to <= Math.max(from * factor, from + slack)))
        problems.push(`${name}, process ${index + 1}: ${quantity} grew from ${from} to ${to}`)
    }
  }
  return problems
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
