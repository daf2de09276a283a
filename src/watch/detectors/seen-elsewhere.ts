import type { WatchEvent } from '../events.ts'
import type { Inquiry, Signal } from './detector.ts'
import type { Facts } from './facts.ts'
import { rate } from './rate.ts'
import { sessionSpots } from './session-spots.ts'

/** A client can call itself something else each time: more than so many new places in an hour fill the trail and tell nothing. */
const mostAnHour = 5
const hourMs = 3_600_000

/**
 * Writes down the new places of a session. No detector: people move, browsers are updated, and who looks at a session's story
 * wants to see it.
 */
export function seenElsewhere(facts: Facts): (signal: Signal) => Inquiry | null {
  return signal => {
    if (signal.type !== 'session.used') return null
    const { at, sid, userId, origin } = signal
    const spots = sessionSpots(signal, facts)
    return {
      see: [spots.sighting],
      judge({ seen: [seen = []] }): Inquiry | null {
        const { isNew, now, others } = spots.read(seen)
        const [before] = others
        if (!isNew || !before) return null
        const changed: ('network' | 'agent')[] = []
        if (!others.some(({ spot }) => spot.near === now.near)) changed.push('network')
        if (!others.some(({ spot }) => spot.agentText === now.agentText)) changed.push('agent')
        // Both were there before, only not together: a laptop that was updated at work and is opened at home.
        if (changed.length === 0) return null
        const event: WatchEvent = { at, sid, userId, origin, type: 'session.seen-elsewhere', changed }
        const told = rate(`seen-elsewhere:${sid}`, 1, at, hourMs)
        return { tally: told.tally, judge: ({ counts }) => (told.of(counts) > mostAnHour ? null : event) }
      },
    }
  }
}
