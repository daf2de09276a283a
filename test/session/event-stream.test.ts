import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EventStream } from '../../src/session/event-stream.ts'
import type { EventDetail, SessionEvent } from '../../src/session/events.ts'

const forged: EventDetail = { type: 'token.forged', token: 'what stands for it', key: 'unknown', named: 'its key' }

function stream() {
  let now = 1_000_000
  const events: SessionEvent[] = []
  const stream = new EventStream(() => now)
  stream.subscribe(event => events.push(event))
  const emit = (detail: EventDetail) => stream.emit('sid', 'alice', null, detail)
  return { stream, events, emit, pass: (ms: number) => (now += ms) }
}

describe('event stream', () => {
  it('16.2.1: every event says when, which session, who and from where', () => {
    const { stream: own, events } = stream()
    own.emit('sid', 'alice', { address: '192.0.2.1', userAgent: 'x' }, { type: 'session.ended', reason: 'idle' })
    assert.deepEqual(events, [
      {
        at: 1_000_000,
        sid: 'sid',
        userId: 'alice',
        origin: { address: '192.0.2.1', userAgent: 'x' },
        type: 'session.ended',
        reason: 'idle',
      },
    ])
  })

  it('CS-L2, 16.5.4: a listener that throws stops neither the caller nor the other listeners', () => {
    const { stream: own, events, emit } = stream()
    own.subscribe(() => {
      throw new Error('the log is full')
    })
    const later: SessionEvent[] = []
    own.subscribe(event => later.push(event))
    emit({ type: 'session.created' })
    assert.deepEqual([events.length, later.length], [1, 1])
  })

  it('CS-L2, 16.5.4: an asynchronous listener that rejects does not end the process', async () => {
    const { stream: own, events, emit } = stream()
    own.subscribe(async () => {
      throw new Error('the log server is down')
    })
    emit({ type: 'session.created' })
    // An unhandled rejection would fail this test.
    await new Promise(setImmediate)
    assert.equal(events.length, 1)
  })

  it('a listener that was removed hears nothing more', () => {
    const own = new EventStream(() => 0)
    const heard: SessionEvent[] = []
    const remove = own.subscribe(event => heard.push(event))
    own.emit(null, null, null, { type: 'session.created' })
    remove()
    own.emit(null, null, null, { type: 'session.created' })
    assert.equal(heard.length, 1)
  })

  const provocable: readonly EventDetail[] = [
    forged,
    { type: 'token.used-after-end', reason: null },
    { type: 'token.replayed' },
    { type: 'cookie.duplicated' },
    { type: 'request.refused', reason: 'csrf-cross-site' },
    { type: 'sign-in.refused', reason: 'too-many-sessions' },
    { type: 'sign-in.failed', account: 'what stands for it' },
    { type: 'factor.refused', factor: 'passkey', fault: 'wrong' },
    { type: 'factor.throttled', seconds: 30 },
    { type: 'record.corrupt' },
    { type: 'store.failed', operation: 'read' },
  ]
  for (const detail of provocable) {
    it(`CS-L2: of a flood of ${detail.type} a hundred a second are told, the rest are counted`, () => {
      const { events, emit, pass } = stream()
      for (let n = 0; n < 100_000; n += 1) emit(detail)
      assert.equal(events.length, 100)
      pass(1_000)
      emit(detail)
      assert.equal(events.length, 102)
      const [summary, next] = events.slice(100)
      assert.deepEqual(summary, {
        at: 1_001_000,
        sid: null,
        userId: null,
        origin: null,
        type: 'events.suppressed',
        suppressed: detail.type,
        count: 99_900,
      })
      assert.equal(next?.type, detail.type)
    })
  }

  it('CS-L2: a flood of one kind does not hide another kind', () => {
    const { events, emit } = stream()
    for (let n = 0; n < 1_000; n += 1) emit(forged)
    emit({ type: 'token.used-after-end', reason: 'idle' })
    emit({ type: 'token.replayed' })
    assert.deepEqual(
      events.slice(100).map(event => event.type),
      ['token.used-after-end', 'token.replayed'],
    )
  })

  it('what nobody can cause at will is never suppressed', () => {
    const { events, emit } = stream()
    const important: EventDetail[] = [
      { type: 'session.ended', reason: 'signed-out' },
      { type: 'session.signed-in', amr: ['pwd'], aal: 1, from: null },
      { type: 'session.rotated' },
    ]
    for (const detail of important) for (let n = 0; n < 1_000; n += 1) emit(detail)
    assert.equal(events.length, 3_000)
  })

  it('what was suppressed last is said at the end', () => {
    const { stream: own, events, emit } = stream()
    for (let n = 0; n < 150; n += 1) emit(forged)
    own.flush()
    own.flush()
    assert.deepEqual(
      events.slice(100).map(event => event.type === 'events.suppressed' && event.count),
      [50],
    )
  })
})
