import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Refused } from '../../../src/console/page/client.ts'
import { type FeedState, feedIdOf, followFeed } from '../../../src/console/page/feed.ts'
import { keyOf, noEntries, passes, withEntries } from '../../../src/console/page/recent-entries.ts'
import type { AuditEntry } from '../../../src/watch/index.ts'
import { madeEntry } from '../../actors/made-up-console.ts'

const entry = (seq: number): AuditEntry => madeEntry(100_000 - seq, 1_000_000_000)
const textOf = (one: AuditEntry) => `id: ${feedIdOf(one)}\nevent: entry\ndata: ${JSON.stringify(one)}\n\n`
const refusal = (status: number) =>
  new Refused(status, { code: 'x', message: `refused with ${status}`, signInAt: null })

/** Follows a feed whose connections are these, one after the other, and tells all that came of it. */
async function follow(connections: readonly (string | Refused)[]) {
  const stop = new AbortController()
  const after: string[] = []
  const waits: number[] = []
  const states: FeedState[] = []
  const seen: number[] = []
  const left = [...connections]
  await followFeed(
    'first',
    {
      entries: came => seen.push(...came.map(({ seq }) => seq)),
      alert: () => {},
      state: state => states.push(state),
    },
    {
      client: {
        stream: async (_path, lastEventId) => {
          after.push(lastEventId)
          const next = left.shift()
          if (next instanceof Refused) throw next
          return new Response(next)
        },
      },
      random: () => 1,
      wait: async ms => {
        waits.push(ms)
        if (left.length === 0) stop.abort()
      },
    },
    stop.signal,
  )
  return { after, waits, states: states.map(({ at }) => at), seen, last: states.at(-1) }
}

describe('The live feed', () => {
  it('comes back after a cut, and goes on after the last entry it had', async () => {
    const { after, states, seen } = await follow([textOf(entry(1)) + textOf(entry(2)), textOf(entry(3))])
    assert.deepEqual(after, ['first', feedIdOf(entry(2))])
    assert.deepEqual(seen, [1, 2, 3])
    assert.deepEqual(states, ['connecting', 'live', 'waiting', 'connecting', 'live', 'waiting'])
  })

  it('waits longer each time, half a minute at most, and anew from the beginning once something came', async () => {
    const failures = Array.from({ length: 8 }, () => refusal(503))
    const { waits, last } = await follow([...failures, textOf(entry(1)), refusal(0)])
    assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 1_000, 2_000])
    assert.equal(last?.at === 'waiting' && last.why, 'refused with 0')
  })

  it('T6: stays away once the session is over, as it was told or as it was refused', async () => {
    for (const over of ['event: over\ndata: {"reason":"signed-out"}\n\n', refusal(401)]) {
      const { after, states } = await follow([over, textOf(entry(1))])
      assert.equal(after.length, 1)
      assert.equal(states.at(-1), 'over')
    }
  })
})

describe('The newest entries', () => {
  it('are kept newest first, each once, and so many and no more', () => {
    let recent = withEntries(noEntries, [entry(2), entry(1)], 3)
    recent = withEntries(recent, [entry(2), entry(4), entry(3), entry(4)], 3)
    assert.deepEqual(
      recent.entries.map(({ seq }) => seq),
      [4, 3, 2],
    )
    assert.equal(recent.received, 4)
    assert.equal(withEntries(recent, [entry(3)], 3), recent)
    assert.equal(keyOf(entry(3)), `${entry(3).chain}:3`)
  })

  it('pass a filter by urgency and type', () => {
    const forged = madeEntry(0, 0, { type: 'token.forged', severity: 'warning' })
    assert.ok(passes(forged, { severity: 'info', type: '' }))
    assert.ok(passes(forged, { severity: 'warning', type: 'token.forged' }))
    assert.ok(!passes(forged, { severity: 'alert', type: '' }))
    assert.ok(!passes(forged, { severity: 'info', type: 'token.replayed' }))
  })
})
