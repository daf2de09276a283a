import type { Deadline } from '../../session/deadline.ts'
import type { Count, Sighting, Windows } from '../store.ts'
import type { Held, Inquiry } from './detector.ts'

/**
 * Asks the windows everything at once, each thing once: in a flood thousands of signals add to one counter, and detectors that
 * compare uses of a session ask for the same window. Resolves to an answer for each inquiry, as if it had been asked alone and
 * in its turn. Rejects when the windows fail or take too long.
 */
export async function ask(
  windows: Windows,
  inquiries: readonly Inquiry[],
  deadline: Deadline,
): Promise<readonly Held[]> {
  const sightings = new Map<string, { readonly index: number; readonly sighting: Sighting }>()
  const counts = new Map<string, { readonly index: number; readonly count: Count; sum: number }>()
  const plans = inquiries.map(({ see = [], tally = [] }) => ({
    seen: see.map(sighting => {
      const same = `${sighting.at} ${sighting.key} ${sighting.member}`
      const known = sightings.get(same) ?? { index: sightings.size, sighting }
      sightings.set(same, known)
      return known.index
    }),
    counts: tally.map(count => {
      const known = counts.get(count.key) ?? { index: counts.size, count, sum: 0 }
      counts.set(count.key, known)
      const part = { index: known.index, before: known.sum }
      known.sum += count.by
      return part
    }),
  }))

  const [seen, tallied] = await deadline.race(
    Promise.all([
      sightings.size === 0 ? [] : windows.see([...sightings.values()].map(({ sighting }) => sighting)),
      counts.size === 0 ? [] : windows.tally([...counts.values()].map(({ count, sum }) => ({ ...count, by: sum }))),
    ]),
  )
  if (seen.length !== sightings.size || tallied.length !== counts.size) {
    throw new Error('The windows of the detectors did not answer every question.')
  }
  return plans.map(plan => ({
    seen: plan.seen.map(index => seen[index] ?? []),
    counts: plan.counts.map(({ index, before }) => (tallied[index] ?? 0) + before),
  }))
}
