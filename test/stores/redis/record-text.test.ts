import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import { readRecord, writeRecord } from '../../../src/stores/redis/record-text.ts'

const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map(code => String.fromCharCode(code)) })
const instant = fc.integer({ min: -1, max: 8.64e15 })
const records = fc.record({
  version: fc.integer({ min: 1, max: 2 ** 40 }),
  userId: fc.option(anyText),
  createdAt: instant,
  lastSeenAt: instant,
  expiresAt: instant,
  ended: fc.option(fc.constantFrom(sampleMark(), sampleMark({ reason: 'superseded', successor: sampleRecord().sid }))),
  body: anyText,
})
const corrupt = { code: 'corrupt-record' }

describe('a record as a text', () => {
  it('comes back as it was, whatever is in it', () => {
    fc.assert(
      fc.property(records, overrides => {
        const record = sampleRecord(overrides)
        // What Redis keeps is bytes.
        const stored = Buffer.from(writeRecord(record)).toString()
        assert.deepEqual(readRecord(record.sid, stored), record)
      }),
    )
  })

  it('cut short anywhere it is told to be damaged', () => {
    const text = writeRecord(sampleRecord({ body: 'a body with\nlines' }))
    for (let length = 0; length < text.length; length += 1) {
      assert.throws(() => readRecord('sid', text.slice(0, length)), corrupt, `${length} characters`)
    }
  })

  const good = writeRecord(sampleRecord())
  const damaged: Record<string, unknown> = {
    'something of somebody else': '{"cookie":{"path":"/"}}',
    'an empty text': '',
    'a number': 7,
    'a later format': good.replace(/^1/, '2'),
    'a version that is no number': good.replace(/^1 1/, '1 one'),
    'a negative version': good.replace(/^1 1/, '1 -1'),
    'a missing field': good.replace(/^1 1/, '1'),
    'a longer body': `${good}x`,
    'a user that cannot be decoded': good.replace('=alice', '=%zz'),
    'a user without its sign': good.replace('=alice', 'alice'),
    'a mark that is no JSON': good.replace('=alice -', '=alice {"reason"}'),
    'a body whose bytes are no UTF-8': Buffer.from(
      writeRecord(sampleRecord({ body: 'é' })).replace('é', '\u00ff\u00ff'),
      'latin1',
    ).toString(),
  }
  for (const [what, text] of Object.entries(damaged)) {
    it(`${what} is no record`, () => assert.throws(() => readRecord('sid', text), corrupt))
  }

  it('an instant that could not be read again is refused', () => {
    for (const createdAt of [Number.NaN, Number.POSITIVE_INFINITY, 1e21]) {
      assert.throws(() => writeRecord(sampleRecord({ createdAt })), RangeError)
    }
  })
})
