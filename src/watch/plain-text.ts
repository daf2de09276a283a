/**
 * Everything that does not show as itself: control characters (a line break splits a log line, an escape sequence talks
 * to the terminal), format characters (a right-to-left override turns a name around, CVE-2021-42574), lone surrogates,
 * private and unassigned characters, line and paragraph separators, and white space that is not the space.
 */
const unseen = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu
const marks = /(\p{M}{3})\p{M}+/gu

/**
 * Text that came from outside, fit to be read in a log, a mail or a terminal: at most `most` characters, and everything
 * that does not show as itself written out, `\u{202e}`. A backslash is doubled, so that nobody can forge such a
 * writing.
 */
export function plain(text: string, most: number): string {
  // Cut twice: before, because what is cut away must not cost anything; and after, because writing out makes text
  // longer.
  const written = text
    .slice(0, most)
    .replaceAll('\\', '\\\\')
    .replace(unseen, character => `\\u{${character.codePointAt(0)?.toString(16)}}`)
    .replace(marks, '$1…')
  return text.length <= most && written.length <= most ? written : `${written.slice(0, most - 1).toWellFormed()}…`
}

/** The same in quotation marks; those inside it get a backslash. */
export function quoted(text: string, most: number): string {
  return `"${plain(text, most).replaceAll('"', '\\"')}"`
}

/** Of that, what JSON leaves as it is; a space of another kind does no harm in it. */
const unseenInJson = /[\p{C}\p{Zl}\p{Zp}]/gu

/** A value as JSON in one line, whoever splits lines, with nothing in it that a terminal or an editor takes for a command (ASVS 16.4.1). */
export function oneLine(value: unknown): string {
  return JSON.stringify(value).replace(unseenInJson, escaped)
}

/** As JSON writes it: one escape for each UTF-16 code unit. What is read back is the same text. */
function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, index) => {
    return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`
  }).join('')
}
