import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Breakage, Measurement } from '../../tools/soak/application.ts'
import { problemsOf, type Seen } from '../../tools/soak/verdict.ts'
import { emptyTally } from '../../tools/soak/visitors.ts'

const mebibyte = 1_048_576

describe('The verdict of a soak', () => {
  const measurements = (heapOf: (index: number) => number, changes: Partial<Measurement> = {}): Measurement[] =>
    Array.from({ length: 60 }, (_, index) => ({
      heap: heapOf(index),
      rss: 100 * mebibyte,
      handles: 30,
      complaints: { count: 0, latest: [] },
      ...changes,
    }))
  const seen = (changes: Partial<Seen>): Seen => ({
    name: 'memory',
    tally: { ...emptyTally(), answers: 10_000 },
    processes: [measurements(() => 20 * mebibyte)],
    deaths: [],
    ...changes,
  })

  const fine: [name: string, changes: Partial<Seen>][] = [
    ['nothing grows', {}],
    ['memory grows while everything warms up', { processes: [measurements(i => Math.min(i, 12) * 5 * mebibyte)] }],
    ['memory goes up and down', { processes: [measurements(i => (20 + (i % 7) * 3) * mebibyte)] }],
    ['one answer of a thousand is 503', { tally: { ...emptyTally(), answers: 10_000, unavailable: 10 } }],
  ]
  for (const [name, changes] of fine) it(`is good when ${name}`, () => assert.deepEqual(problemsOf(seen(changes)), []))

  const bad: [name: string, changes: Partial<Seen>, problem: RegExp][] = [
    ['memory grows and grows', { processes: [measurements(i => (20 + i / 4) * mebibyte)] }, /process 1: heap grew/],
    [
      'the second process grows',
      { processes: [measurements(() => 1), measurements(i => i * mebibyte)] },
      /process 2: heap grew/,
    ],
    ['nothing was measured', { processes: [[]] }, /heap grew from NaN/],
    [
      'an answer was wrong',
      { tally: { ...emptyTally(), answers: 9, wrong: 1, examples: ['not me'] } },
      /1 wrong answers, such as not me/,
    ],
    ['nobody was answered', { tally: emptyTally() }, /nothing was answered/],
    ['too many were turned away', { tally: { ...emptyTally(), answers: 10_000, unavailable: 11 } }, /11 of 10000/],
    [
      'a promise was left alone',
      { processes: [measurements(() => 1, { complaints: { count: 1, latest: ['oh'] } })] },
      /1 warnings and unhandled rejections, such as oh/,
    ],
    ['a process ended', { deaths: ['a process ended with 1'] }, /ended with 1/],
  ]
  for (const [name, changes, problem] of bad)
    it(`is bad when ${name}`, () => assert.match(problemsOf(seen(changes)).join('\n'), problem))
})

describe('A short soak', { concurrency: 2 }, () => {
  const run = (...args: string[]): Promise<{ code: number; text: string }> =>
    new Promise(resolve => {
      const tool = join(import.meta.dirname, '../../tools/soak.ts')
      const options = ['--conditions=latchkey-source', tool, '--minutes', '0.07', '--store', 'memory', '--pause', '20']
      execFile(process.execPath, [...options, ...args], { timeout: 120_000 }, (error, out, err) =>
        resolve({ code: error === null ? 0 : Number(error.code), text: out + err }),
      )
    })

  it('finds nothing wrong with sessions', async () => {
    const { code, text } = await run()
    // Seconds are too short to judge memory by.
    assert.doesNotMatch(text, /✖ (?!.*\b(heap|rss|handles) grew)/)
    assert.ok(code === 0 || text.includes(' grew '), text)
  })

  const broken: [rule: Breakage, problem: RegExp][] = [
    ['leak', /✖ memory, process 1: heap grew/],
    ['answer', /✖ memory: \d+ wrong answers, such as \/\w+ of another/],
    ['revocation', /✖ memory: \d+ wrong answers, such as a session answers that was signed out/],
    ['rejection', /✖ memory, process 1: \d+ warnings and unhandled rejections, such as .*nobody looks at me/],
  ]
  for (const [rule, problem] of broken) {
    it(`fails when the application breaks the rule: ${rule}`, async () => {
      const { code, text } = await run('--break', rule)
      assert.equal(code, 1)
      assert.match(text, problem)
    })
  }
})
