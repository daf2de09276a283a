import type { JSX } from 'preact'
import { useConsole } from '../console-context.ts'
import { exactTime, machineTime, relativeTime, shortTime } from '../times.ts'

/** An instant: how long ago, and exactly on hover; the other way round for who prefers that. */
export function Time({ at, both = false }: { at: number; both?: boolean }): JSX.Element {
  const { now, preferences } = useConsole()
  const [relative, exact] = [relativeTime(at, now), exactTime(at)]
  const isExact = preferences.times === 'exact'
  return (
    <time dateTime={machineTime(at)} title={isExact ? relative : exact}>
      {isExact ? exact : relative}
      {both && <small>{isExact ? relative : shortTime(at)}</small>}
    </time>
  )
}
