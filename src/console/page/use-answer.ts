import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { Refused } from './client.ts'
import { useConsole } from './console-context.ts'

/** What a part of the page asked for: an answer once it is there, what went wrong, whether it is under way. */
export interface Asked<Answer> {
  /** The last one that came, `null` before the first. */
  readonly answer: Answer | null
  /** Why none came, or `null`. */
  readonly problem: Refused | null
  /** Whether one is on its way. */
  readonly busy: boolean
  /** Asks again; the answer that is there stays until the new one comes. */
  again(): void
  /** Changes the answer that is there, after something was done that the server will also say. */
  change(to: (answer: Answer) => Answer): void
}

/** Asks when the part appears and whenever `key` changes; what is out of date by then is forgotten. */
export function useAnswer<Answer>(key: string, ask: (signal: AbortSignal) => Promise<Answer>): Asked<Answer> {
  const { over } = useConsole()
  const [state, setState] = useState<{ key: string; answer: Answer | null; problem: Refused | null; busy: boolean }>({
    ...{ key, answer: null, problem: null, busy: true },
  })
  const [round, setRound] = useState(0)
  const asking = useRef(ask)
  asking.current = ask

  // `round` says that it is to be asked again.
  useEffect(() => {
    const stop = new AbortController()
    setState(before => ({ ...before, key, answer: before.key === key ? before.answer : null, busy: true }))
    asking.current(stop.signal).then(
      answer => stop.signal.aborted || setState({ key, answer, problem: null, busy: false }),
      (error: unknown) => {
        if (stop.signal.aborted) return
        const problem = problemOf(error)
        if (problem.isOver) over(problem)
        setState(before => ({ ...before, problem, busy: false }))
      },
    )
    return () => stop.abort()
  }, [key, round, over])

  const again = useCallback(() => setRound(before => before + 1), [])
  const change = useCallback(
    (to: (answer: Answer) => Answer) =>
      setState(before => (before.answer === null ? before : { ...before, answer: to(before.answer) })),
    [],
  )
  const current = state.key === key
  return {
    answer: current ? state.answer : null,
    problem: current ? state.problem : null,
    busy: state.busy,
    again,
    change,
  }
}

/** Whatever was thrown, with words for a person. */
export function problemOf(error: unknown): Refused {
  if (error instanceof Refused) return error
  // A mistake of ours belongs where developers look.
  console.error(error)
  return new Refused(0, {
    code: 'page',
    message: 'Something went wrong in this page. Please reload it.',
    signInAt: null,
  })
}
