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

/** A bar chart of what every contender adds to its bare server, lowest first, as a self-contained SVG for both themes. */
export function chart(summaries: Summary[]): string {
  let top = 8
  const panels = Object.entries(titles).map(([job, title]) => {
    const rows = summaries
      .filter(row => row.job === job && row.contender.name !== row.contender.bare)
      .toSorted((a, b) => a.addedUs - b.addedUs)
    const drawn = panel(title, rows, top)
    top += panelHead + rows.length * line + 12
    return drawn
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top}" viewBox="0 0 ${width} ${top}" role="img" aria-labelledby="title">
<title id="title">Microseconds of server CPU that each contender adds to a request of the same framework's bare server</title>
<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .head { font-weight: 600; font-size: 15px }
  .paper { fill: #ffffff }
  .bar { fill: #9aa4b2 }
  .ours { fill: #0f766e }
  text.ours { fill: #0f766e; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .paper { fill: #0d1117 }
    .bar { fill: #6b7684 }
    .ours, text.ours { fill: #2dd4bf }
  }
</style>
<rect class="paper" width="100%" height="100%"/>
${panels.join('\n')}
</svg>
`
}

function panel(title: string, rows: Summary[], top: number): string {
  const most = Math.max(1, ...rows.map(row => row.addedUs))
  const bars = rows.map((row, index) => {
    const y = top + panelHead + index * line
    // A contender within the noise of its bare server may come out below zero; a bar cannot.
    const length = Math.max(1, (row.addedUs / most) * barSpace)
    const kind = row.contender.ours ? 'ours' : ''
    return (
      `<text class="${kind}" x="${left - 10}" y="${y + 12}" text-anchor="end">${row.contender.label}</text>` +
      `<rect class="bar ${kind}" x="${left}" y="${y}" width="${length.toFixed(1)}" height="16" rx="2"/>` +
      `<text class="${kind}" x="${(left + length + 8).toFixed(1)}" y="${y + 12}">${row.addedUs.toFixed(1)}</text>`
    )
  })
  return [`<text class="head" x="10" y="${top + 20}">${title}</text>`, ...bars].join('\n')
}
