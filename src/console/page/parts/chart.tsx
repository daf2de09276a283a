import type { JSX } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import type uPlot from 'uplot'
import type { SeriesAnswer } from '../../api.ts'
import { count, shortCount } from '../numbers.ts'
import { instantsOf, type Line, type RangeName, rowsOf, summaryOf, totalOf, valuesOf } from '../ranges.ts'
import { exactTime, shortTime } from '../times.ts'
import { drawPlot } from './plot.ts'

/** Numbers over time: a picture, its numbers beneath, and the same in words and as a table. */
export function Chart({
  title,
  lines,
  answer,
  range,
  look,
}: {
  title: string
  lines: readonly Line[]
  answer: SeriesAnswer
  range: RangeName
  /** Changes when the colours do, so that the picture is painted anew. */
  look: string
}): JSX.Element {
  const place = useRef<HTMLDivElement>(null)
  const [pointed, setPointed] = useState<number | null>(null)
  const titleId = useId()
  const summary = lines.map(line => summaryOf(answer, line, range)).join(' ')

  // `look` stands for the colours, which are read from the page.
  useEffect(() => {
    if (place.current === null) return
    const columns = lines.map(line => valuesOf(answer, line))
    const steps = Math.max(0, ...columns.map(({ length }) => length))
    const data = [instantsOf(answer, steps), ...columns] as uPlot.AlignedData
    const plot = drawPlot(place.current, lines, data, range, setPointed)
    return () => plot.destroy()
  }, [answer, lines, range, look])

  return (
    <section class="card chart" aria-labelledby={titleId}>
      <h3 id={titleId}>{title}</h3>
      <div class="plot" ref={place} role="img" aria-label={summary} />
      <dl class="legend">
        {lines.map(line => (
          <LegendItem key={line.name} line={line} answer={answer} pointed={pointed} />
        ))}
        <div class="legend-time" aria-hidden="true">
          {pointed === null ? '' : shortTime((answer.from + pointed * answer.step) * 60_000)}
        </div>
      </dl>
      <NumbersTable title={title} lines={lines} answer={answer} />
    </section>
  )
}

function LegendItem({
  line,
  answer,
  pointed,
}: {
  line: Line
  answer: SeriesAnswer
  pointed: number | null
}): JSX.Element {
  const value = pointed === null ? totalOf(answer, line).value : (valuesOf(answer, line)[pointed] ?? null)
  return (
    <div>
      <dt>
        <span class={`swatch ${line.colour}`} aria-hidden="true" />
        {line.label}
      </dt>
      <dd>{value === null ? '–' : shortCount(value)}</dd>
    </div>
  )
}

function NumbersTable({
  title,
  lines,
  answer,
}: {
  title: string
  lines: readonly Line[]
  answer: SeriesAnswer
}): JSX.Element {
  const [open, setOpen] = useState(false)
  return (
    <details class="numbers" onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>As a table</summary>
      {open && (
        <table class="plain">
          <caption class="unseen">{title}</caption>
          <thead>
            <tr>
              <th scope="col">From</th>
              {lines.map(({ name, label }) => (
                <th key={name} scope="col">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rowsOf(answer, lines).map(({ at, values }) => (
              <tr key={at}>
                <th scope="row" title={exactTime(at)}>
                  {shortTime(at)}
                </th>
                {lines.map(({ name }, index) => (
                  <td key={name}>
                    {values[index] === null || values[index] === undefined ? '–' : count(values[index])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </details>
  )
}
