import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deviceLabel } from '../../../src/console/page/device.ts'
import { everybodyEnded, laterEnding } from '../../../src/console/page/ending.ts'
import { plural, shortCount } from '../../../src/console/page/numbers.ts'
import { defaults, keepPreferences, loadPreferences, readPreferences } from '../../../src/console/page/preferences.ts'
import { type Line, rangeQuery, ranges, rowsOf, summaryOf, totalOf } from '../../../src/console/page/ranges.ts'
import { createKeyReader } from '../../../src/console/page/shortcuts.ts'
import { exactTime, machineTime, relativeTime } from '../../../src/console/page/times.ts'

const now = Date.UTC(2026, 10, 21, 22, 15, 4)
const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000]

describe('Times', () => {
  for (const [ago, text] of [
    [0, 'just now'],
    [-2 * second, 'just now'],
    [45 * second, '45 s ago'],
    [59 * minute, '59 min ago'],
    [84 * minute, '1 h 24 min ago'],
    [3 * hour, '3 h ago'],
    [day, '1 day ago'],
    [3 * day + 5 * hour, '3 days 5 h ago'],
    [40 * day, '40 days ago'],
    [-90 * minute, 'in 1 h 30 min'],
  ] as const) {
    it(`are told as ${text}`, () => assert.equal(relativeTime(now - ago, now), text))
  }

  it('are exact in the zone of the reader, and no nonsense breaks the page', () => {
    assert.equal(exactTime(now, 'Europe/Berlin'), '21 Nov 2026, 23:15:04 CET')
    assert.equal(machineTime(now), '2026-11-21T22:15:04.000Z')
    assert.equal(machineTime(9e15), undefined)
    assert.equal(exactTime(Number.NaN), 'at an unknown time')
  })
})

describe('Numbers', () => {
  it('are read at a glance', () => {
    assert.equal(plural(1, 'entry', 'entries'), '1 entry')
    assert.equal(plural(1_234_567, 'session'), '1,234,567 sessions')
    assert.equal(shortCount(9_999), '9,999')
    assert.equal(shortCount(1_234_567), '1.2m')
  })
})

describe('Charts', () => {
  const counted: Line = { name: 'sign-ins', label: 'Worked', counted: true, colour: 'accent' }
  const measured: Line = { name: 'sessions.active', label: 'Active', counted: false, colour: 'accent' }
  const none: (number | null)[] = [null, null, null, null]
  const answer = {
    ...{ from: 1_000, step: 5 },
    series: {
      ...{ 'sign-ins': [1, null, 7, 2], 'sessions.active': [5, 9, null, null], 'sign-ins.failed': none },
      ...{ 'sessions.ended': none, 'requests.refused': none, 'tokens.refused': none, alerts: none },
    },
  }

  it('ask for at most 400 steps that begin at multiples, and hold now', () => {
    for (const name of Object.keys(ranges) as (keyof typeof ranges)[]) {
      const { from, to, step } = rangeQuery(name, now)
      assert.ok((to - from) / step <= 400)
      assert.equal(from % step, 0)
      assert.ok(to * minute > now && (to - step) * minute <= now)
    }
  })

  it('add up what was counted, and show the last level that was measured', () => {
    assert.deepEqual(totalOf(answer, counted), { value: 10, peak: { value: 7, at: 1_010 * minute } })
    assert.deepEqual(totalOf(answer, measured), { value: 9, peak: { value: 9, at: 1_005 * minute } })
  })

  it('are told in words, and as a table with the newest first', () => {
    assert.match(summaryOf(answer, counted, '24h'), /^Worked: 10 in the last 24 hours, at most 7 at .+\.$/)
    const empty = { ...answer, series: { ...answer.series, 'sessions.active': none } }
    assert.equal(summaryOf(empty, measured, '1h'), 'Active: nothing was measured in the last hour.')
    assert.deepEqual(rowsOf(answer, [counted, measured], 2), [
      { at: 1_010 * minute, values: [9, null] },
      { at: 1_000 * minute, values: [1, 9] },
    ])
  })
})

describe('What a program says it is', () => {
  for (const [agent, label] of [
    [
      'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36 Edg/142.0',
      'Edge on Windows',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.6 Safari/605.1.15',
      'Safari on macOS',
    ],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0', 'Firefox on Linux'],
    ['Chrome on Windows', 'Chrome on Windows'],
    ['curl/8.5.0', 'curl/8.5.0'],
    ['x'.repeat(50), `${'x'.repeat(39)}…`],
    ['  ', null],
    [null, null],
  ] as const) {
    it(`is ${label}`, () => assert.equal(deviceLabel(agent), label))
  }
})

describe('Shortcuts', () => {
  const press = (key: string, at: number, typing = false) => ({
    ...{ key, at, typing, ctrlKey: false, altKey: false, metaKey: false },
  })

  it('are one key or two', () => {
    const read = createKeyReader()
    assert.equal(read(press('?', 0)), '?')
    assert.equal(read(press('g', 1)), null)
    assert.equal(read(press('s', 2)), 'g s')
    assert.equal(read(press('s', 3)), null)
    assert.equal(read(press('g', 4)), null)
    assert.equal(read(press('a', 5_000)), 'a', 'too late for the second')
  })

  it('WCAG 2.1.4: letters that are typed, or pressed with Ctrl, are none', () => {
    const read = createKeyReader()
    assert.equal(read(press('?', 0, true)), null)
    assert.equal(read({ ...press('a', 0), ctrlKey: true }), null)
  })
})

describe('What a person chose', () => {
  it('is kept, and whatever else is kept there counts as nothing', () => {
    let kept: string | null = null
    const keeper = () => ({
      getItem: () => kept,
      setItem: (_name: string, value: string) => {
        kept = value
      },
    })
    keepPreferences({ theme: 'dark', times: 'exact', keys: 'off' }, keeper)
    assert.deepEqual(loadPreferences(keeper), { theme: 'dark', times: 'exact', keys: 'off' })
    for (const text of ['', 'null', '7', '{', '{"theme":"__proto__"}', null])
      assert.deepEqual(readPreferences(text), defaults)
    const refusing = () => {
      throw new Error('SecurityError')
    }
    keepPreferences(defaults, refusing)
    assert.deepEqual(loadPreferences(refusing), defaults)
  })
})

describe('The end of a visit', () => {
  it('is explained by what the administrator did, and knows the way back from whoever told it', () => {
    const everybody = { code: everybodyEnded, message: '7 sessions ended.', signInAt: null }
    const told = { code: 'not-signed-in', message: 'Please sign in.', signInAt: '/login' }
    const both = { ...everybody, signInAt: '/login' }
    assert.deepEqual(laterEnding(laterEnding(null, everybody), told), both)
    assert.deepEqual(laterEnding(laterEnding(null, told), everybody), both)
  })
})
