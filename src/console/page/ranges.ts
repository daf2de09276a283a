/** What the charts show: how far back, in which steps, and what that comes to in words. */

import type { SeriesAnswer, SeriesName } from '../api.ts'
import { count } from './numbers.ts'
import { shortTime } from './times.ts'

const minuteMs = 60_000

/** How far back, and minutes per point: each under 400 points. */
export const ranges = {
  '1h': { label: '1 h', words: 'the last hour', minutes: 60, step: 1 },
  '24h': { label: '24 h', words: 'the last 24 hours', minutes: 1_440, step: 5 },
  '7d': { label: '7 d', words: 'the last 7 days', minutes: 10_080, step: 30 },
  '30d': { label: '30 d', words: 'the last 30 days', minutes: 43_200, step: 120 },
} as const

/** One of the ranges. */
export type RangeName = keyof typeof ranges

/** What to ask the server for, so that the last step holds now. Steps begin at multiples, so that numbers do not flicker. */
export function rangeQuery(range: RangeName, now: number): { from: number; to: number; step: number } {
  const { minutes, step } = ranges[range]
  const to = (Math.floor(now / minuteMs / step) + 1) * step
  return { from: to - minutes, to, step }
}

/** A line of a chart. */
export interface Line {
  /** What the server calls it. */
  readonly name: SeriesName
  /** What people call it. */
  readonly label: string
  /** Counted things add up; measured ones (sessions that are there) have a level. */
  readonly counted: boolean
  /** Which of the chart colours. */
  readonly colour: 'accent' | 'gold' | 'bad' | 'soft'
}

/** Numbers of one line. Where nothing was counted there was nothing; where nothing was measured, nobody knows. */
export function valuesOf(answer: SeriesAnswer, { name, counted }: Line): (number | null)[] {
  return (answer.series[name] ?? []).map(value => (counted ? (value ?? 0) : value))
}

/** Instants of the steps, epoch seconds, as uPlot has them. */
export function instantsOf({ from, step }: SeriesAnswer, steps: number): number[] {
  return Array.from({ length: steps }, (_, index) => (from + index * step) * 60)
}

/** What a line comes to. */
export interface Total {
  /** Sum of what was counted, or the last level that was measured; `null` when nothing was. */
  readonly value: number | null
  /** The largest number and when it was, epoch ms; `null` when all are 0 or unknown. */
  readonly peak: { readonly value: number; readonly at: number } | null
}

/** Adds a line up. */
export function totalOf(answer: SeriesAnswer, line: Line): Total {
  let value: number | null = null
  let peak: Total['peak'] = null
  for (const [index, one] of valuesOf(answer, line).entries()) {
    if (one === null) continue
    value = line.counted ? (value ?? 0) + one : one
    if (one > (peak?.value ?? 0)) peak = { value: one, at: (answer.from + index * answer.step) * minuteMs }
  }
  return { value, peak }
}

/** A chart in words, for who cannot see it. */
export function summaryOf(answer: SeriesAnswer, line: Line, range: RangeName): string {
  const { value, peak } = totalOf(answer, line)
  if (value === null) return `${line.label}: nothing was measured in ${ranges[range].words}.`
  const most = peak === null ? '' : `, at most ${count(peak.value)} at ${shortTime(peak.at)}`
  return line.counted
    ? `${line.label}: ${count(value)} in ${ranges[range].words}${most}.`
    : `${line.label}: ${count(value)} now${most}, in ${ranges[range].words}.`
}

/** A row of the table that stands for a chart. */
export interface Row {
  /** Where it begins, epoch ms. */
  readonly at: number
  /** One for each line. */
  readonly values: readonly (number | null)[]
}

/** The numbers of a chart in about a dozen rows, the newest first. */
export function rowsOf(answer: SeriesAnswer, lines: readonly Line[], most = 12): Row[] {
  const columns = lines.map(line => valuesOf(answer, line))
  const steps = Math.max(0, ...columns.map(({ length }) => length))
  const each = Math.max(1, Math.ceil(steps / most))
  const rows: Row[] = []
  for (let first = 0; first < steps; first += each) {
    const values = columns.map((column, index) => together(column.slice(first, first + each), lines[index]?.counted))
    rows.push({ at: (answer.from + first * answer.step) * minuteMs, values })
  }
  return rows.reverse()
}

function together(values: readonly (number | null)[], counted = true): number | null {
  const known = values.filter(value => value !== null)
  if (known.length === 0) return null
  return counted ? known.reduce((sum, value) => sum + value, 0) : Math.max(...known)
}
