import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SessionCensus } from 'latchkey'
import { StateReader } from '../../../src/watch/metrics/state.ts'
import { sampleWatch } from './sample-watch.ts'

const census: SessionCensus = {
  total: 7,
  exact: true,
  byLevel: { 0: 1, 1: 2, 2: 4, 3: 0 },
  byCarrier: { cookie: 7, bearer: 0 },
}

/** Sessions and a watch whose stores count how often they are asked. */
function start(waitMs?: number) {
  const asked = { census: 0, alerts: 0 }
  const answers = { census: async () => census, alerts: async () => ({ open: 1, acknowledged: 2 }) }
  const sessions = {
    listable: true,
    census: () => {
      asked.census += 1
      return answers.census()
    },
  }
  const watch = {
    ...sampleWatch(),
    countAlerts: () => {
      asked.alerts += 1
      return answers.alerts()
    },
  }
  let now = 1_000
  const reader = new StateReader(sessions, watch, () => now, waitMs)
  const advance = (ms: number) => {
    now += ms
  }
  return { reader, sessions, watch, answers, asked, advance }
}

describe('how things are', () => {
  it('asks the stores every 15 s at most, however many ask, and at once', async () => {
    const { reader, asked, advance } = start()
    const all = await Promise.all(Array.from({ length: 50 }, () => reader.read()))
    for (const { census: seen, alerts } of all) assert.deepEqual([seen, alerts], [census, { open: 1, acknowledged: 2 }])
    advance(14_999)
    await reader.read()
    assert.deepEqual(asked, { census: 1, alerts: 1 })
    advance(1)
    await reader.read()
    assert.deepEqual(asked, { census: 2, alerts: 2 })
  })

  it('is unknown, and not what it was before, when a store fails or hangs; the other one is still heard', async () => {
    for (const fault of [() => Promise.reject(new Error('down')), () => new Promise<never>(() => {})]) {
      const { reader, answers, advance, asked } = start(20)
      assert.equal((await reader.read()).census, census)
      answers.census = fault
      advance(15_000)
      const state = await reader.read()
      assert.deepEqual([state.census, state.alerts?.open], [null, 1])
      await reader.read()
      assert.equal(asked.census, 2, 'a store in trouble is not asked all the more')
      answers.census = async () => census
      answers.alerts = fault
      advance(15_000)
      const next = await reader.read()
      assert.deepEqual([next.census?.total, next.alerts], [7, null])
    }
  })

  it('an error that is thrown at once is no other than one that comes later', async () => {
    const { reader, answers } = start()
    answers.census = () => {
      throw new Error('no connection')
    }
    assert.equal((await reader.read()).census, null)
  })

  it('does not ask a store that lists nobody, nor a watch that is not there', async () => {
    const { sessions, asked } = start()
    const state = await new StateReader({ ...sessions, listable: false }, null).read()
    assert.deepEqual(state, { census: null, alerts: null, watch: null })
    assert.deepEqual(asked, { census: 0, alerts: 0 })
  })
})
