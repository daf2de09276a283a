import uPlot from 'uplot'
import { shortCount } from '../numbers.ts'
import type { Line, RangeName } from '../ranges.ts'

const height = 170
const hourAndMinute: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }
const dayAndMonth: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short' }

/** Paints lines onto a canvas in `place`, as wide as that is, and tells which step the pointer is at. */
export function drawPlot(
  place: HTMLElement,
  lines: readonly Line[],
  data: uPlot.AlignedData,
  range: RangeName,
  pointed: (step: number | null) => void,
): uPlot {
  const colour = coloursAt(place)
  const font = `12px ${getComputedStyle(place).fontFamily}`
  const ticks = new Intl.DateTimeFormat('en-GB', range === '1h' || range === '24h' ? hourAndMinute : dayAndMonth)
  const axis = { stroke: colour('soft'), font, ticks: { show: false }, grid: { stroke: colour('line'), width: 1 } }
  const plot = new uPlot(
    {
      width: place.clientWidth,
      height,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: { y: { range: (_plot, _least, most) => [0, roundUp(most ?? 0)] } },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 28,
          space: 64,
          values: (_plot, instants) => instants.map(s => ticks.format(s * 1_000)),
        },
        { ...axis, size: 46, space: 36, incrs: wholeSteps, values: (_plot, values) => values.map(shortCount) },
      ],
      series: [
        {},
        ...lines.map(line => ({
          label: line.label,
          stroke: colour(line.colour),
          fill: colour(line.colour, 12),
          width: 1.75,
          points: { show: false },
        })),
      ],
      hooks: { setCursor: [({ cursor }) => pointed(cursor.idx ?? null)] },
    },
    data,
    place,
  )
  const resized = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height }))
  resized.observe(place)
  plot.hooks.destroy = [...(plot.hooks.destroy ?? []), () => resized.disconnect()]
  return plot
}

/** Reads colours of the style sheet as a canvas takes them: computed, for the scheme that is in force here. */
function coloursAt(place: HTMLElement): (name: string, percent?: number) => string {
  return (name, percent = 100) => {
    const probe = place.appendChild(document.createElement('i'))
    probe.style.color = `color-mix(in srgb, var(--${name}) ${percent}%, transparent)`
    const { color } = getComputedStyle(probe)
    probe.remove()
    return color
  }
}

/** Things are counted in whole numbers. */
const wholeSteps = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map(step => step * 10 ** power)).flat()

/** A little air above, and never nothing: a chart of zeros has a ground to lie on. */
function roundUp(most: number): number {
  return Math.max(4, Math.ceil(most * 1.1))
}
