import { printable } from './printable.ts'

/** Lines with columns under each other. Cells may come from strangers; `widest` is the most that a column takes. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], widest = 40): string[] {
  const lines = [header, ...rows].map(cells => cells.map(cell => fitted(printable(cell), widest)))
  const widths = header.map((_, column) => Math.max(...lines.map(cells => widthOf(cells[column] ?? ''))))
  return lines.map(cells =>
    cells
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  )
}

const characters = new Intl.Segmenter('en', { granularity: 'grapheme' })
/** What takes two places in a terminal. */
const wide =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}|[\uff01-\uff60]/u

/** How many places a text takes: accents none of their own, Chinese characters two. */
export function widthOf(text: string): number {
  let width = 0
  for (const { segment } of characters.segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}

function fitted(text: string, widest: number): string {
  if (widthOf(text) <= widest) return text
  let [kept, width] = ['', 0]
  for (const { segment } of characters.segment(text)) {
    width += widthOf(segment)
    if (width >= widest) break
    kept += segment
  }
  return `${kept}…`
}
