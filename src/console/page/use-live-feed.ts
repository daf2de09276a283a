import { useEffect, useState } from 'preact/hooks'
import type { Alert, AuditEntry, EntriesAnswer } from '../api.ts'
import type { Console } from './console-context.ts'
import { type FeedState, feedIdOf, followFeed } from './feed.ts'
import { noEntries, type RecentEntries, withEntries } from './recent-entries.ts'
import { problemOf } from './use-answer.ts'

/** How many entries are kept. */
const most = 500
/** Entries are shown in bunches: nobody reads more than four screens a second. */
const bunchMs = 250
const againMs = 5_000

/** The newest entries, first those that were there, then all that come. */
export function useLiveFeed(
  client: Console['client'],
  told: (alert: Alert) => void,
  refresh: () => void,
  over: Console['over'],
): Pick<Console, 'recent' | 'feed'> {
  const [recent, setRecent] = useState<RecentEntries>(noEntries)
  const [feed, setFeed] = useState<FeedState>({ at: 'connecting' })

  useEffect(() => {
    const stop = new AbortController()
    let waiting: AuditEntry[] = []
    let timer = 0
    const show = () => {
      timer = 0
      const came = waiting
      waiting = []
      setRecent(before => withEntries(before, came, most))
    }
    const entries = (came: readonly AuditEntry[]) => {
      waiting = [...waiting, ...came].slice(-most)
      timer ||= window.setTimeout(show, bunchMs)
    }
    const state = (now: FeedState) => {
      if (stop.signal.aborted) return
      setFeed(now)
      // Asking how things are tells where to sign in again.
      if (now.at === 'over') refresh()
    }
    const wait = (ms: number, signal: AbortSignal) =>
      new Promise<void>(resolve => {
        const woken = window.setTimeout(resolve, ms)
        signal.addEventListener('abort', () => {
          clearTimeout(woken)
          resolve()
        })
      })
    const begin = async () => {
      while (!stop.signal.aborted) {
        try {
          const there = await client.get<EntriesAnswer>('entries', { limit: 100 }, stop.signal)
          setRecent(before => withEntries(before, there.entries, most))
          const newest = there.entries[0]
          const world = { client, wait, random: Math.random }
          const after = newest === undefined ? '' : feedIdOf(newest)
          return await followFeed(after, { entries, alert: told, state }, world, stop.signal)
        } catch (error) {
          if (stop.signal.aborted) return
          const problem = problemOf(error)
          if (problem.isOver) return over(problem)
          setFeed({ at: 'waiting', forMs: againMs, why: problem.message })
          await wait(againMs, stop.signal)
        }
      }
    }
    begin()
    return () => {
      stop.abort()
      clearTimeout(timer)
    }
  }, [client, told, refresh, over])

  return { recent, feed }
}
