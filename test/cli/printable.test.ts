import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { fieldValue, instant, printable } from '../../src/cli/printable.ts'
import { table, widthOf } from '../../src/cli/table.ts'
import { oneLine } from '../../src/watch/plain-text.ts'
import { hostile } from './hostile.ts'

const unseen =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]|[\u{e0000}-\u{e007f}]/u

describe('text of a stranger', () => {
  for (const [what, text] of hostile) {
    it(`${what} is written out, and does nothing`, () => {
      assert.match(text, unseen)
      for (const shown of [printable(text), fieldValue(text), oneLine({ [text]: text }), ...table([text], [[text]])]) {
        assert.doesNotMatch(shown, unseen)
      }
      assert.deepEqual(JSON.parse(oneLine({ [text]: text })), { [text]: text }, 'and programs read what it is')
    })
  }

  it('whatever it is, it is one line without anything unseen, and of bounded length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), text => {
        for (const shown of [printable(text), fieldValue(text)]) {
          assert.doesNotMatch(shown, unseen)
          assert.ok(shown.length <= 2 * 256 + 2)
        }
        assert.doesNotMatch(oneLine(text), unseen)
        assert.equal(JSON.parse(oneLine(text)), text)
      }),
    )
  })

  it('what is harmless stays as it is', () => {
    for (const text of ['alice', 'Zoë Müller', '李小龙', 'Иван', "O'Brien <o@example.org>", '💥'])
      assert.equal(printable(text), text)
    assert.equal(printable('a\\u{1b}'), 'a\\\\u{1b}', 'and nobody forges what is written out')
  })

  it('a value of a field cannot become two fields', () => {
    assert.equal(fieldValue('alice'), 'alice')
    assert.equal(fieldValue('2001:db8::1'), '2001:db8::1')
    assert.equal(fieldValue('alice sid=x'), '"alice sid=x"')
    assert.equal(fieldValue('a" sid="x'), '"a\\" sid=\\"x"')
    assert.equal(fieldValue(''), '""')
    assert.equal(fieldValue(['pwd', 'otp']), '["pwd","otp"]')
    assert.equal(fieldValue(null), 'null')
  })

  it('instants are in UTC, and what is none is a hyphen', () => {
    assert.deepEqual(
      [instant(0), instant(null), instant(Number.NaN), instant(1e300)],
      ['1970-01-01T00:00:00Z', '-', '-', '-'],
    )
  })
})

describe('columns', () => {
  it('stand under each other, whatever is in them', () => {
    const cells = ['alice', 'Zoë', 'Zoe\u0308', '李小龙', '💥💥', 'x'.repeat(100), ...hostile.map(([, text]) => text)]
    const lines = table(
      ['USER', 'LEVEL'],
      cells.map(cell => [cell, '1']),
      20,
    )
    for (const line of lines.slice(1)) {
      assert.equal(widthOf(line.slice(0, line.lastIndexOf(' '))), widthOf(lines[0]?.split('L')[0] ?? '') - 1, line)
      assert.ok(widthOf(line) <= 23)
    }
  })

  it('have nothing behind the last one', () => {
    assert.deepEqual(
      table(
        ['A', 'B'],
        [
          ['1', '22'],
          ['333', '4'],
        ],
      ),
      ['A    B', '1    22', '333  4'],
    )
  })
})
