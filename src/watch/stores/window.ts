import type { Count, Seen, Sighting } from '../store.ts'

/** What a window holds after a sighting. Instants may go backwards, because clocks of nodes differ. */
export function afterSighting(window: readonly Seen[], { member, at, windowMs, most }: Sighting): readonly Seen[] {
  const lately = window.filter(seen => seen.lastAt >= at - windowMs)
  const known = lately.find(seen => seen.member === member)
  const now = {
    member,
    firstAt: Math.min(known?.firstAt ?? at, at),
    lastAt: Math.max(known?.lastAt ?? at, at),
  }
  const others = lately.filter(seen => seen !== known)
  // Behind those of the same instant: who is seen now is kept before them.
  const place = others.findLastIndex(seen => seen.lastAt <= now.lastAt) + 1
  return others.toSpliced(place, 0, now).slice(-most)
}

/** From when on nothing is in a window any more, as far as this sighting tells. */
export function overAt({ at, windowMs }: Sighting): number {
  return at + windowMs
}

/** A counter as it is kept. */
export interface Counter {
  readonly count: number
  /** When it was last added to, epoch ms. */
  readonly addedAt: number
}

/** What a counter is at this instant: nothing when it was forgotten. */
export function countAt(counter: Counter | undefined, { at, forgetAfterMs }: Count): number {
  return counter && at - counter.addedAt < forgetAfterMs ? counter.count : 0
}

/** The counter after something was added to it. */
export function afterAdding(counter: Counter | undefined, count: Count): Counter {
  return {
    count: countAt(counter, count) + count.by,
    addedAt: Math.max(counter?.addedAt ?? count.at, count.at),
  }
}
