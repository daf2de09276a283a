/** Text that somebody hostile may have written, taken apart so that a person sees what is in it. */

/** A piece of a text: as it is, or a character that nobody would see, by its name. */
export type Piece = { readonly text: string } | { readonly hidden: string }

/**
 * What changes how a text looks without being seen itself: control and format characters (among them those that turn the
 * direction of writing, CVE-2021-42574), line separators, spaces that are no space, unassigned and private characters, and
 * halves of surrogate pairs. The joiner and the selectors that emoji are made with count, too: a user id has no business
 * with them. Spaces at the beginning and the end count, because `admin ` is not `admin`.
 */
const unseen = /^ +| +$|[\p{C}\p{Zl}\p{Zp}\u{115F}\u{1160}\u{3164}\u{FFA0}]|\p{Variation_Selector}|(?! )\p{Zs}/gu

/** Nobody stacks more marks than this on a letter, but to paint over what is above and below. */
const stacked = /(?<=\p{M}{3})\p{M}+/gu

/** Takes a text apart. */
export function piecesOf(text: string): Piece[] {
  const hidden = [...text.matchAll(unseen), ...text.matchAll(stacked)].sort((a, b) => a.index - b.index)
  const pieces: Piece[] = []
  let at = 0
  for (const { index, 0: found } of hidden) {
    // Selectors are marks as well.
    if (index < at) continue
    if (index > at) pieces.push({ text: text.slice(at, index) })
    pieces.push({ hidden: nameOf(found) })
    at = index + found.length
  }
  if (at < text.length) pieces.push({ text: text.slice(at) })
  return pieces
}

/** The text on one line for places that hold nothing but text, such as a title or a label. */
export function visibleText(text: string): string {
  return piecesOf(text)
    .map(piece => ('text' in piece ? piece.text : `[${piece.hidden}]`))
    .join('')
}

const names = new Map([
  ['\0', 'NUL'],
  ['\t', 'TAB'],
  ['\n', 'LF'],
  ['\r', 'CR'],
  ['\u{1b}', 'ESC'],
  ['\u{202e}', 'RLO'],
  [' ', 'space'],
])

function nameOf(found: string): string {
  const [character = '', ...more] = found
  if (more.length > 0) return character === ' ' ? `${more.length + 1} spaces` : `${more.length + 1} more marks`
  const point = character.codePointAt(0) ?? 0
  return names.get(character) ?? `U+${point.toString(16).toUpperCase().padStart(4, '0')}`
}
