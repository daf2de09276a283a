import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { SeriesAnswer } from '../../api.ts'
import { useConsole } from '../console-context.ts'
import { type Line, type RangeName, rangeQuery, ranges } from '../ranges.ts'
import { useAnswer } from '../use-answer.ts'
import { useMedia } from '../use-media.ts'
import { Chart } from './chart.tsx'
import { Busy, ProblemNotice } from './notice.tsx'

const charts: readonly { readonly title: string; readonly lines: readonly Line[] }[] = [
  {
    title: 'Active sessions over time',
    lines: [{ name: 'sessions.active', label: 'Active', counted: false, colour: 'accent' }],
  },
  {
    title: 'Sign-ins',
    lines: [
      { name: 'sign-ins', label: 'Worked', counted: true, colour: 'accent' },
      { name: 'sign-ins.failed', label: 'Failed', counted: true, colour: 'gold' },
    ],
  },
  {
    title: 'Refused',
    lines: [
      { name: 'requests.refused', label: 'Requests', counted: true, colour: 'gold' },
      { name: 'tokens.refused', label: 'Tokens', counted: true, colour: 'bad' },
    ],
  },
  {
    title: 'Ends and alerts',
    lines: [
      { name: 'sessions.ended', label: 'Sessions ended', counted: true, colour: 'soft' },
      { name: 'alerts', label: 'Alerts', counted: true, colour: 'bad' },
    ],
  },
]

/** The charts, over a range that one chooses. */
export function Trends({ range, choose }: { range: RangeName; choose: (range: RangeName) => void }): JSX.Element {
  const { client, now, preferences } = useConsole()
  const asked = useAnswer(`series ${range}`, signal =>
    client.get<SeriesAnswer>('series', rangeQuery(range, now), signal),
  )
  // Every minute anew: `now` moves more often than that. What is shown stays until the new numbers are there.
  const minute = Math.floor(now / 60_000)
  const asOf = useRef(minute)
  useEffect(() => {
    if (asOf.current === minute) return
    asOf.current = minute
    asked.again()
  }, [minute, asked.again])
  const dark = useMedia('(prefers-color-scheme: dark)')
  return (
    <section class="trends" aria-labelledby="trends">
      <div class="section-head">
        <h2 id="trends">Over time</h2>
        <fieldset class="segments">
          <legend class="unseen">How far back</legend>
          {Object.entries(ranges).map(([name, { label, words }]) => (
            <button
              key={name}
              type="button"
              aria-pressed={range === name}
              aria-label={`${label}: ${words}`}
              onClick={() => choose(name as RangeName)}
            >
              {label}
            </button>
          ))}
        </fieldset>
      </div>
      <ProblemNotice problem={asked.problem} again={asked.again} />
      {asked.answer === null ? (
        asked.problem === null && <Busy>Adding up {ranges[range].words}…</Busy>
      ) : (
        <div class="charts">
          {charts.map(({ title, lines }) => (
            <Chart
              key={title}
              title={title}
              lines={lines}
              answer={asked.answer as SeriesAnswer}
              range={range}
              look={`${preferences.theme} ${dark}`}
            />
          ))}
        </div>
      )}
    </section>
  )
}
