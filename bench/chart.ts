import type { Job } from './contenders.ts'
import type { Summary } from './results.ts'

const titles: Partial<Record<Job, string>> = {
  read: 'Reading the session: CPU µs added per request',
  write: 'Writing the session: CPU µs added per request',
}

const width = 760
const left = 260
const barSpace = width - left - 70
const line = 24
const panelHead = 44

/** One bar: its length, and what stands left and right of it. */
export type Bar = { label: string; value: number; shown: string; ours: boolean }

/** Bars below each other, the longest across the whole panel; with a line where a limit is. */
export type Panel = { title: string; bars: Bar[]; limit?: number }

/** A bar chart of what every contender adds to its bare server, lowest first. */
export function chart(summaries: Summary[]): string {
  const panels = Object.entries(titles).map(([job, title]): Panel => {
    const rows = summaries
      .filter(row => row.job === job && row.contender.name !== row.contender.bare)
      .toSorted((a, b) => a.addedUs - b.addedUs)
    const bars = rows.map(({ contender: { label, ours }, addedUs }) => {
      return { label, value: addedUs, shown: addedUs.toFixed(1), ours }
    })
    return { title, bars }
  })
  const title = "Microseconds of server CPU that each contender adds to a request of the same framework's bare server"
  return drawing(title, panels)
}

/** Panels below each other, as a self-contained SVG for both themes. */
export function drawing(title: string, panels: Panel[]): string {
  let top = 8
  const drawn = panels.map(one => {
    const at = top
    top += panelHead + one.bars.length * line + 12
    return drawPanel(one, at)
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top}" viewBox="0 0 ${width} ${top}" role="img" aria-labelledby="title">
<title id="title">${title}</title>
<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .head { font-weight: 600; font-size: 15px }
  .paper { fill: #ffffff }
  .bar { fill: #9aa4b2 }
  .ours { fill: #0f766e }
  text.ours { fill: #0f766e; font-weight: 600 }
  .limit { stroke: #b42318; stroke-width: 2; stroke-dasharray: 4 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .paper { fill: #0d1117 }
    .bar { fill: #6b7684 }
    .ours, text.ours { fill: #2dd4bf }
    .limit { stroke: #ff8a7a }
  }
</style>
<rect class="paper" width="100%" height="100%"/>
${drawn.join('\n')}
</svg>
`
}

function drawPanel({ title, bars, limit }: Panel, top: number): string {
  const most = Math.max(1, limit ?? 0, ...bars.map(bar => bar.value))
  const drawn = bars.map(({ label, value, shown, ours }, index) => {
    const y = top + panelHead + index * line
    // A contender within the noise of its bare server may come out below zero; a bar cannot.
    const length = Math.max(1, (value / most) * barSpace)
    const kind = ours ? 'ours' : ''
    return (
      `<text class="${kind}" x="${left - 10}" y="${y + 12}" text-anchor="end">${label}</text>` +
      `<rect class="bar ${kind}" x="${left}" y="${y}" width="${length.toFixed(1)}" height="16" rx="2"/>` +
      `<text class="${kind}" x="${(left + length + 8).toFixed(1)}" y="${y + 12}">${shown}</text>`
    )
  })
  const head = `<text class="head" x="10" y="${top + 20}">${title}</text>`
  return [head, ...drawn, ...(limit === undefined ? [] : [drawLimit(limit / most, top, bars.length)])].join('\n')
}

function drawLimit(share: number, top: number, bars: number): string {
  const x = (left + share * barSpace).toFixed(1)
  const [from, to] = [top + panelHead - 4, top + panelHead + bars * line - 4]
  return `<line class="limit" x1="${x}" y1="${from}" x2="${x}" y2="${to}"/>`
}
