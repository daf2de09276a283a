import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { Refused } from './client.ts'
import { useConsole } from './console-context.ts'
import { problemOf } from './use-answer.ts'

/** One page of a list. */
export interface Page<Item> {
  /** May be none although more are to come. */
  readonly items: readonly Item[]
  /** The cursor of the next page, `null` after the last. */
  readonly next: string | null
  /** How many were looked at for it, where that is more than were found. */
  readonly examined: number
}

/** A list that grows page by page. */
export interface Pages<Item> {
  /** All so far. */
  readonly items: readonly Item[]
  /** How many were looked at so far. */
  readonly examined: number
  /** Whether there may be more. */
  readonly hasMore: boolean
  /** Whether a page is on its way. */
  readonly busy: boolean
  /** Why the last page did not come, or `null`. */
  readonly problem: Refused | null
  /** Looks for more, over as many pages as it takes to find some. */
  more(): void
  /** Stops looking. */
  stop(): void
  /** Begins anew. */
  again(): void
  /** Changes what is there. */
  change(to: (items: readonly Item[]) => readonly Item[]): void
}

interface State<Item> {
  readonly key: string
  readonly items: readonly Item[]
  readonly next: string | null
  readonly examined: number
  readonly busy: boolean
  readonly problem: Refused | null
}

/**
 * Gets pages: the first when the part appears or `key` changes, others when asked. A filter that matches few of a million
 * gives pages with nothing on them; those are turned until `enough` was found, and the person sees how far it is.
 * `first` saves asking when the first page is there already.
 */
export function usePages<Item>(
  key: string,
  turn: (cursor: string | null, signal: AbortSignal) => Promise<Page<Item>>,
  { enough = 1, first = null }: { enough?: number; first?: Page<Item> | null } = {},
): Pages<Item> {
  const { over } = useConsole()
  const begin = (): State<Item> =>
    first === null
      ? { key, items: [], next: null, examined: 0, busy: true, problem: null }
      : { ...first, key, busy: false, problem: null }
  const [state, setState] = useState<State<Item>>(begin)
  const [round, setRound] = useState(0)
  const stopping = useRef(new AbortController())
  const current = useRef({ turn, begin, first })
  current.current = { turn, begin, first }

  const look = useCallback(
    async (cursor: string | null, stop: AbortController) => {
      setState(before => ({ ...before, busy: true, problem: null }))
      let next = cursor
      let found = 0
      try {
        do {
          const page = await current.current.turn(next, stop.signal)
          if (stop.signal.aborted) return
          next = page.next
          found += page.items.length
          setState(before => ({
            ...before,
            items: [...before.items, ...page.items],
            next,
            examined: before.examined + page.examined,
          }))
        } while (next !== null && found < enough)
        setState(before => ({ ...before, busy: false }))
      } catch (error) {
        if (stop.signal.aborted) return
        const problem = problemOf(error)
        if (problem.isOver) over(problem)
        setState(before => ({ ...before, busy: false, problem }))
      }
    },
    [enough, over],
  )

  // A new `key` or `round` begins anew.
  useEffect(() => {
    const stop = new AbortController()
    stopping.current = stop
    setState(current.current.begin())
    if (current.current.first === null) look(null, stop)
    return () => stop.abort()
  }, [key, round, look])

  const more = useCallback(() => {
    const stop = new AbortController()
    stopping.current.abort()
    stopping.current = stop
    look(state.next, stop)
  }, [look, state.next])
  const stop = useCallback(() => {
    stopping.current.abort()
    setState(before => ({ ...before, busy: false }))
  }, [])
  const again = useCallback(() => setRound(before => before + 1), [])
  const change = useCallback(
    (to: (items: readonly Item[]) => readonly Item[]) => setState(before => ({ ...before, items: to(before.items) })),
    [],
  )
  const shown = state.key === key ? state : begin()
  const hasMore = shown.next !== null || (shown.problem !== null && shown.items.length === 0)
  const { items, examined, busy, problem } = shown
  return { items, examined, hasMore, busy, problem, more, stop, again, change }
}
