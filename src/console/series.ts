import type { SeriesName } from '../watch/index.ts'
import type { SeriesAnswer } from './api.ts'
import type { ConsoleRequest } from './contract.ts'
import type { Desk } from './desk.ts'
import { needed, whole } from './input.ts'
import { Declined } from './problem.ts'

const names = [
  'sessions.active',
  'sign-ins',
  'sign-ins.failed',
  'sessions.ended',
  'requests.refused',
  'tokens.refused',
  'alerts',
] as const satisfies readonly SeriesName[]

const mostSteps = 400
/** The longest time in one chart, minutes: 31 days. */
const longest = 31 * 24 * 60
/** How much is read at once, minutes: a store that answers at once lets others in between. */
const portion = 24 * 60
/** As far as 32 bits go, which is the year 6053. */
const latestMinute = 2_147_483_647

/** `GET api/series`: the numbers of charts, drawn together to as many steps as a chart can show. */
export async function series(desk: Desk, { query }: ConsoleRequest): Promise<SeriesAnswer> {
  const from = needed(whole(query, 'from', 0, latestMinute), 'from')
  const to = needed(whole(query, 'to', 0, latestMinute), 'to')
  const step = whole(query, 'step', 1, 24 * 60) ?? 1
  if (!(to > from && to - from <= longest && Math.ceil((to - from) / step) <= mostSteps)) {
    throw new Declined(400, 'bad-request', `to must come after from, by at most 31 days and ${mostSteps} steps.`)
  }
  const steps = Math.ceil((to - from) / step)
  const thisMinute = Math.floor(desk.clock() / 60_000)
  const drawn = Object.fromEntries(
    // Nothing is known about the future, and nothing happened where nobody counted anything.
    names.map(name => [
      name,
      Array.from({ length: steps }, (_, index) =>
        name === 'sessions.active' || from + index * step > thisMinute ? null : 0,
      ),
    ]),
  ) as Record<SeriesName, (number | null)[]>

  for (let begin = from; begin < to; begin += portion) {
    for (const { name, minute, value } of await desk.watch.points(names, begin, Math.min(begin + portion, to))) {
      const numbers = drawn[name as SeriesName]
      const index = Math.floor((minute - from) / step)
      if (numbers === undefined || index < 0 || index >= steps) continue
      // What is counted adds up. Of what is measured the most is shown, so that no peak is lost between two steps.
      const before = numbers[index] ?? null
      numbers[index] = name === 'sessions.active' ? Math.max(before ?? 0, value) : (before ?? 0) + value
    }
  }
  return { from, step, series: drawn }
}
