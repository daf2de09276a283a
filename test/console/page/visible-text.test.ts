import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { piecesOf, visibleText } from '../../../src/console/page/visible-text.ts'

describe('Text that anybody may have written', () => {
  for (const [what, text, shown] of [
    ['an ordinary name', 'Ada Lovelace', 'Ada Lovelace'],
    ['a name in another script', 'محمد Łukasz 山田', 'محمد Łukasz 山田'],
    ['markup', '<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
    ['an override of the direction', 'a\u202Egpj.exe', 'a[RLO]gpj.exe'],
    ['isolates', '\u2066x\u2069', '[U+2066]x[U+2069]'],
    ['line breaks', 'one\r\ntwo\u2028three', 'one[CR][LF]two[U+2028]three'],
    ['a colour of a terminal', '\u001b[31m', '[ESC][31m'],
    ['a NUL', 'a\0b', 'a[NUL]b'],
    ['a zero-width space', 'ad\u200Bmin', 'ad[U+200B]min'],
    ['a space that is none', 'ad\u00A0min', 'ad[U+00A0]min'],
    ['half a pair', '\uD800', '[U+D800]'],
    ['tags', 'x\u{E0061}', 'x[U+E0061]'],
    ['a space at the end', 'admin ', 'admin[space]'],
    ['nothing but spaces', '   ', '[3 spaces]'],
    ['spaces within', 'a  b', 'a  b'],
    ['accents', 'n\u0303o\u0302\u0301', 'n\u0303o\u0302\u0301'],
    ['a pile of marks', `Z${'\u0335'.repeat(50)}a`, `Z${'\u0335'.repeat(3)}[47 more marks]a`],
  ] as const) {
    it(`T18: ${what} is shown as it is, and what nobody would see by its name`, () => {
      assert.equal(visibleText(text), shown)
    })
  }

  it('T18: whatever it is, nothing is lost and nothing unseen is left', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const left = piecesOf(text).map(piece => ('text' in piece ? piece.text : ''))
        assert.doesNotMatch(left.join(''), /[\p{C}\p{Zl}\p{Zp}]/u)
        const hidden = piecesOf(text).some(piece => 'hidden' in piece)
        if (!hidden) assert.equal(left.join(''), text)
      }),
    )
  })
})
