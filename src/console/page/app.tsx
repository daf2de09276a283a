import type { JSX } from 'preact'
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Alert, Overview } from '../api.ts'
import type { Client, Refused } from './client.ts'
import { type Console, ConsoleContext } from './console-context.ts'
import { closed, type Ending, laterEnding } from './ending.ts'
import { Frame } from './frame.tsx'
import { keepPlace, restorePlace } from './kept-place.ts'
import { createListeners } from './listeners.ts'
import { EndingNotice } from './parts/ending-notice.tsx'
import { Busy, ProblemNotice } from './parts/notice.tsx'
import { problemOf } from './use-answer.ts'
import { useChoices } from './use-choices.ts'
import { useClock } from './use-clock.ts'
import { useLiveFeed } from './use-live-feed.ts'

const askEveryMs = 10_000
const saidMs = 6_000
const togetherMs = 500

/** The whole page: keeps asking how things are, and hides everything when the session is over. */
export function App({ client }: { client: Client }): JSX.Element {
  const [overview, setOverview] = useState<Overview | null>(null)
  const [problem, setProblem] = useState<Refused | null>(null)
  const [ending, setEnding] = useState<Ending | null>(null)
  const over = useCallback((why: Ending) => {
    keepPlace()
    setEnding(before => laterEnding(before, why))
  }, [])
  const refresh = useCallback(async () => {
    try {
      setOverview(await client.get<Overview>('overview'))
      setProblem(null)
    } catch (error) {
      const refused = problemOf(error)
      if (refused.isOver) over(refused)
      // Somebody took the right to look away: to others there is no console.
      else if (refused.status === 403 || refused.status === 404) over(closed)
      else setProblem(refused)
    }
  }, [client, over])

  useEffect(() => {
    restorePlace()
    refresh()
  }, [refresh])
  useEffect(() => {
    if (ending !== null) return
    const look = () => document.visibilityState === 'visible' && refresh()
    const timer = setInterval(look, askEveryMs)
    document.addEventListener('visibilitychange', look)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }, [ending, refresh])

  if (ending !== null) return <EndingNotice ending={ending} />
  if (overview === null) {
    return (
      <main class="wrap waiting">
        <h1 class="unseen">Console</h1>
        {problem === null ? <Busy>Opening the console…</Busy> : <ProblemNotice problem={problem} again={refresh} />}
      </main>
    )
  }
  return <OpenConsole client={client} overview={overview} problem={problem} refresh={refresh} over={over} />
}

/** The page for somebody who may look. */
function OpenConsole({
  client,
  overview,
  problem,
  refresh,
  over,
}: Pick<Console, 'client' | 'overview' | 'refresh' | 'over'> & { problem: Refused | null }): JSX.Element {
  const { preferences, choose } = useChoices()
  const now = useClock(overview.now)
  const alerts = useRef(createListeners<Alert>()).current
  const shortcuts = useRef(createListeners<string>()).current
  const refreshing = useRef(0)
  const told = useCallback(
    (alert: Alert) => {
      alerts.tell(alert)
      // An attack raises many: their number is asked for once for all that come together.
      refreshing.current ||= window.setTimeout(() => {
        refreshing.current = 0
        refresh()
      }, togetherMs)
    },
    [alerts, refresh],
  )
  const { recent, feed } = useLiveFeed(client, told, refresh, over)
  const [said, setSaid] = useState('')
  const hush = useRef(0)
  const announce = useCallback((text: string) => {
    clearTimeout(hush.current)
    setSaid(text)
    hush.current = window.setTimeout(() => setSaid(''), saidMs)
  }, [])
  const surroundings = useMemo<Console>(
    () => ({
      ...{ client, overview, refresh, over, now, recent, feed, preferences, choose, announce },
      ...{ onAlert: alerts.add, onShortcut: shortcuts.add },
    }),
    [client, overview, refresh, over, now, recent, feed, preferences, choose, announce, alerts, shortcuts],
  )
  return (
    <ConsoleContext.Provider value={surroundings}>
      <Frame shortcut={shortcuts.tell} problem={problem} />
      <p class={said === '' ? 'unseen' : 'said'} role="status">
        {said}
      </p>
    </ConsoleContext.Provider>
  )
}
