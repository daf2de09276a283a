import type { JSX } from 'preact'
import { piecesOf } from '../visible-text.ts'

/**
 * Text that anybody may have written. Isolated, so that its direction is its own affair, and with every character that
 * nobody would see shown by its name.
 */
export function Raw({ text, max = 300 }: { text: string; max?: number }): JSX.Element {
  if (text === '') return <span class="soft">(empty)</span>
  const characters = [...text]
  const cut = characters.length > max
  const pieces = piecesOf(cut ? characters.slice(0, max).join('') : text)
  return (
    <bdi class="raw">
      {pieces.map((piece, index) =>
        'text' in piece ? (
          piece.text
        ) : (
          <span key={index} class="hidden-character">
            {piece.hidden}
          </span>
        ),
      )}
      {cut && '…'}
    </bdi>
  )
}
