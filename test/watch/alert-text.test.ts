import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { alertText, sentences } from '../../src/watch/alert-text.ts'
import type { DetectorName } from '../../src/watch/detection.ts'
import { plain } from '../../src/watch/plain-text.ts'
import { noticeOf, sampleAlert } from './sample-detection.ts'

const detectors = Object.keys(sentences) as DetectorName[]
/** Printable on one line: no control, format, surrogate, private or unassigned character, no separator but the space. */
const harmless = /^[^\p{C}\p{Zl}\p{Zp}\u00a0\u2000-\u200a\u3000]*$/u

const hostile: readonly (readonly [what: string, name: string])[] = [
  ['a line break', 'ada\r\nAlert: everything is fine'],
  ['an escape sequence of the terminal', '\u001b[2J\u001b[31mada'],
  ['a C1 control character', '\u009b31mada'],
  ['a right-to-left override', 'ada\u202egnp.exe'],
  ['isolates', '\u2066ada\u2069'],
  ['separators of lines and paragraphs', 'a\u2028b\u2029c'],
  ['characters without width', 'a\u200bd\u200da\ufeff'],
  ['tags', 'ada\u{e0041}\u{e0042}'],
  ['a lone surrogate', 'ada\ud800'],
  ['a surrogate cut in half', `${'x'.repeat(63)}\u{1f600}`],
  ['NUL', 'ada\0'],
  ['256 characters', '\u202e'.repeat(256)],
  ['towers of accents', `a${'\u0301'.repeat(255)}`],
  ['quotation marks and backslashes', '"\\" of user "root'],
]

describe('the text of an alert', () => {
  for (const detector of detectors) {
    it(`${detector}: one sentence, with and without session, user and address`, () => {
      const nobody = sampleAlert({ detector, sid: null, userId: null, address: null })
      for (const text of [alertText(noticeOf(sampleAlert({ detector }))), alertText(noticeOf(nobody))]) {
        assert.match(text, /^[A-Z]([^.]|\.(?=\d))*\.$/)
        assert.match(text, harmless)
        assert.doesNotMatch(text, / {2}|null|undefined| ,| \./)
      }
    })
  }

  it('names session, user and address', () => {
    const session = 'Session "AAAAAAAAAAAAAAAAAAAAAA" of user "ada"'
    const text = `${session} is used in two places at the same time, now from 192.0.2.7.`
    assert.equal(alertText(noticeOf(sampleAlert())), text)
  })

  it('T16: nobody ends the quotation of their name', () => {
    const text = alertText(
      noticeOf(sampleAlert({ detector: 'risky-sign-in', userId: 'ada" or "root\\', address: null })),
    )
    assert.equal(text, 'User "ada\\" or \\"root\\\\" signed in as never before.')
  })

  it('says that it got worse', () => {
    const text = alertText({
      ...noticeOf(sampleAlert({ detector: 'password-spraying', severity: 'alert' })),
      isWorse: true,
    })
    assert.match(text, /^It got worse: A few passwords are tried at many accounts/)
  })

  it('of an alert that stands for many says so, and names nobody', () => {
    const alert = sampleAlert({ fingerprint: 'two-places:many', sid: null, userId: null, address: null })
    assert.equal(alertText(noticeOf(alert)), 'The detector two-places finds more than can be told one by one.')
  })

  it('says how many others it stands for', () => {
    assert.match(alertText({ ...noticeOf(sampleAlert()), others: 1 }), / And 1 more alert within a minute\.$/)
    assert.match(alertText({ ...noticeOf(sampleAlert()), others: 2 }), / And 2 more alerts within a minute\.$/)
  })

  for (const [what, name] of hostile) {
    it(`T16: ${what} in a name or an address stays harmless`, () => {
      for (const detector of detectors) {
        const text = alertText(noticeOf(sampleAlert({ detector, userId: name, address: name, sid: name })))
        assert.match(text, harmless)
        assert.equal(text.isWellFormed(), true)
        assert.ok(text.length <= 500, `${text.length} characters`)
      }
    })
  }

  it('T16: whatever anybody is called', () => {
    const name = fc.string({ unit: 'binary', maxLength: 256 })
    fc.assert(
      fc.property(fc.constantFrom(...detectors), name, name, (detector, userId, address) => {
        const text = alertText(noticeOf(sampleAlert({ detector, userId, address })))
        assert.match(text, harmless)
        assert.ok(text.length <= 500)
      }),
    )
  })
})

describe('plain text', () => {
  const table: readonly (readonly [text: string, plain: string])[] = [
    ['Zoë 名前 😀', 'Zoë 名前 😀'],
    ['a\nb', 'a\\u{a}b'],
    ['\u202e', '\\u{202e}'],
    ['\\u{202e}', '\\\\u{202e}'],
    ['a\u00a0b', 'a\\u{a0}b'],
    ['\ud800', '\\u{d800}'],
    ['', ''],
  ]
  for (const [text, expected] of table) {
    it(`writes ${JSON.stringify(text)} as ${expected}`, () => assert.equal(plain(text, 40), expected))
  }

  it('is cut with an ellipsis, never in the middle of a character', () => {
    assert.equal(plain('abcdef', 4), 'abc…')
    assert.equal(plain('abcd', 4), 'abcd')
    assert.equal(plain('ab😀d', 4).isWellFormed(), true)
    assert.equal(plain('abc😀', 4).isWellFormed(), true)
  })

  it('two texts that differ are never written alike, as long as they fit', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 })
    fc.assert(
      fc.property(text, text, (one, other) => {
        fc.pre(one !== other && !/\p{M}{3}/u.test(one + other))
        assert.notEqual(plain(one, 1_000), plain(other, 1_000))
      }),
    )
  })
})
