import assert from 'node:assert/strict'
import { it } from 'node:test'
import { aboutMeProblem } from '../../app/about-me.ts'

const cases: [name: string, text: string | null, problem: RegExp | null][] = [
  ['nothing at all', '', null],
  ['several lines with tabs', 'a\n\tb', null],
  ['markup, because it is only text', '<b>&amp;</b>', null],
  ['letters of any script', 'Ægir ж 字 👩‍🎓', null],
  ['the longest text', 'x'.repeat(2_000), null],
  ['one character more', 'x'.repeat(2_001), /2001 characters/],
  ['a NUL', 'a\0b', /control character/],
  ['an escape', '\x1b[31m', /control character/],
  ['no text', null, /missing/],
]
for (const [name, text, problem] of cases) {
  it(`"About me" ${problem ? 'refuses' : 'takes'} ${name}`, () => {
    const found = aboutMeProblem(text)
    if (problem) assert.match(found ?? '', problem)
    else assert.equal(found, null)
  })
}
