import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createEventReader, type StreamEvent } from '../../../src/console/page/event-stream.ts'

const stream = [
  ': here we go\nretry: 2000\n\n',
  'id: 1:c:1\nevent: entry\ndata: {"a":"\u{1F511}"}\n\n',
  ': still here\n\n',
  'event: alert\r\ndata:one\r\ndata: two\r\n\r\n',
  'data: nameless\r\rid: no\0good\nevent: over\ndata: {}\n\n',
].join('')

const events: StreamEvent[] = [
  { name: 'entry', data: '{"a":"\u{1F511}"}', id: '1:c:1' },
  { name: 'alert', data: 'one\ntwo', id: '1:c:1' },
  { name: 'message', data: 'nameless', id: '1:c:1' },
  { name: 'over', data: '{}', id: '1:c:1' },
]

describe('Server-sent events', () => {
  it('are read wherever the stream was cut', () => {
    const cuts = fc.array(fc.nat({ max: stream.length }), { maxLength: 20 })
    fc.assert(
      fc.property(cuts, at => {
        const read = createEventReader()
        const places = [0, ...at.sort((a, b) => a - b), stream.length]
        assert.deepEqual(
          places.flatMap((place, index) => read(stream.slice(place, places[index + 1]))),
          events,
        )
      }),
    )
  })

  it('count only when they are complete', () => {
    const read = createEventReader()
    assert.deepEqual(read('event: entry\ndata: half'), [])
    assert.deepEqual(read('\n'), [])
    assert.deepEqual(read('\n'), [{ name: 'entry', data: 'half', id: '' }])
  })
})
