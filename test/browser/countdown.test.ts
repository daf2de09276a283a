import assert from 'node:assert/strict'
import { it } from 'node:test'
import { inWords, markOf } from '../../src/browser/countdown.ts'

it('time left is said in the words of a language', () => {
  for (const [seconds, language, words] of [
    [1, 'en', '1 second'],
    [60, 'en', '60 seconds'],
    [119, 'en', '119 seconds'],
    [120, 'en', '2 minutes'],
    [121, 'en', '3 minutes'],
    [45, 'de', '45 Sekunden'],
    [1, 'pl', '1 sekunda'],
  ] as const)
    assert.equal(inWords(seconds, language), words)
})

it('a screen reader hears each full minute, half a minute and ten seconds, nothing between', () => {
  const marks = Array.from({ length: 200 }, (_, past) => markOf(200 - past))
  assert.deepEqual(
    marks.filter((mark, index) => mark !== marks[index - 1]),
    [240, 180, 120, 60, 30, 10],
  )
  for (const mark of [180, 120, 60, 30, 10]) assert.equal(markOf(mark), mark, 'said when it is true')
})
