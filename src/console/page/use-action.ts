import { useCallback, useRef, useState } from 'preact/hooks'
import type { Refused } from './client.ts'
import { useConsole } from './console-context.ts'
import { problemOf } from './use-answer.ts'

/** Something that a person does, once at a time. */
export interface Action {
  /** Whether it is under way. */
  readonly busy: boolean
  /** Why it did not work the last time, or `null`. */
  readonly problem: Refused | null
  /** Does it; resolves to whether it worked. A second call while it is under way does nothing. */
  run(work: () => Promise<void>): Promise<boolean>
}

/** A thing to do, with what came of it. */
export function useAction(): Action {
  const { over } = useConsole()
  const [state, setState] = useState<{ busy: boolean; problem: Refused | null }>({ busy: false, problem: null })
  const busy = useRef(false)
  const run = useCallback(
    async (work: () => Promise<void>) => {
      if (busy.current) return false
      busy.current = true
      setState({ busy: true, problem: null })
      try {
        await work()
        setState({ busy: false, problem: null })
        return true
      } catch (error) {
        const problem = problemOf(error)
        if (problem.isOver) over(problem)
        setState({ busy: false, problem })
        return false
      } finally {
        busy.current = false
      }
    },
    [over],
  )
  return { ...state, run }
}
