import type { Detection } from './detection.ts'

/** Different things that one detector may find in an hour on one node before the rest goes as one, for each severity. */
const mostAnHour = 200
const hourMs = 3_600_000

interface Hour {
  /** The hour since the epoch. */
  readonly hour: number
  /** What was found in it, by fingerprint. */
  readonly known: Set<string>
  /** How often something was found that there was no room for. */
  more: number
}

/**
 * Keeps strangers from making as many open alerts as they like, by what they choose freely (user agents, forged requests,
 * guests): of what a detector finds in an hour, the first 200 different things are alerts of their own, and the rest is one
 * alert, `<detector>:many`. Counted on this node, and for each severity, so that no flood of warnings hides an alert.
 */
export class Crowd {
  readonly #clock: () => number
  readonly #hours = new Map<string, Hour>()

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** The detection, or the one that stands for it and for all others that there is no room for. */
  admit(detection: Detection): Detection {
    const { detector, severity, fingerprint } = detection
    const now = this.#hourOf(`${detector} ${severity}`)
    if (now.known.has(fingerprint)) return detection
    if (now.known.size < mostAnHour) {
      now.known.add(fingerprint)
      return detection
    }
    now.more += 1
    return standIn(detection, now.more)
  }

  #hourOf(kind: string): Hour {
    const hour = Math.floor(this.#clock() / hourMs)
    const last = this.#hours.get(kind)
    if (last?.hour === hour) return last
    const next = { hour, known: new Set<string>(), more: 0 }
    this.#hours.set(kind, next)
    return next
  }
}

/** Whether this stands for many. */
export function standsForMany({ detector, fingerprint }: Pick<Detection, 'detector' | 'fingerprint'>): boolean {
  return fingerprint === nameOf(detector)
}

function nameOf(detector: Detection['detector']): string {
  return `${detector}:many`
}

/** It is about nobody, because it is about many; whoever was seen last is in the evidence. */
function standIn({ detector, severity, at, sid, userId, address }: Detection, more: number): Detection {
  const evidence = { more, user: userId, session: sid, address }
  return { detector, severity, at, sid: null, userId: null, address: null, fingerprint: nameOf(detector), evidence }
}
