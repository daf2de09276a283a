import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { Session } from 'latchkey'
import { testClock } from 'latchkey/testing'
import { Feed } from '../../src/console/feed.ts'
import type { Listening } from '../../src/console/listener.ts'
import { consoleWatch, entryOf } from '../actors/console-watch.ts'

/** A feed on a clock of the test's own, and listeners that remember what they were told. */
function openFeed(t: TestContext, administrator: () => boolean | Promise<boolean> = () => true) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const clock = testClock()
  const watch = consoleWatch(clock.now)
  const looked: string[] = []
  const feed = new Feed({
    watch,
    clock: clock.now,
    administrator,
    sessions: {
      revocable: true,
      find: async sid => {
        looked.push(sid)
        return { userId: 'admin', aal: 2, locked: false, authenticatedAt: 0 } as never
      },
      subscribe: () => () => {},
    },
    askEveryMs: 1_000,
    checkEveryMs: 3_000,
    most: 10,
    mostOfSession: 10,
  })
  const listen = (sid: string) => {
    const heard: string[] = []
    const session = { authenticatedAt: 0 } as unknown as Session<object>
    const who: Listening = { session, sid, userId: 'admin', freshUntil: clock.now() + 900_000 }
    const hangUp = feed.open(who, null)({ send: text => heard.push(text) > 0, end: () => heard.push('END') })
    return { heard, hangUp }
  }
  /** Lets time pass, and what follows from it happen. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 500) {
      clock.advance('500ms')
      t.mock.timers.tick(Math.min(500, left))
      await settled()
    }
  }
  return { watch, looked, feed, listen, pass, clock }
}

/** Everything that promises alone lead to. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await null
}

const entriesIn = (heard: readonly string[]) => heard.join('').match(/event: entry/g)?.length ?? 0

describe('the feed', () => {
  test('nobody listens: nobody is asked anything', async t => {
    const { watch, looked, listen, pass } = openFeed(t)
    await pass(60_000)
    assert.equal(watch.asked, 0)
    const { hangUp } = listen('a')
    await pass(10_000)
    assert.ok(watch.asked >= 9)
    hangUp()
    await settled()
    const before = [watch.asked, looked.length]
    await pass(60_000)
    assert.deepEqual([watch.asked, looked.length], before)
  })

  test('many listeners cost the store one question a second, and all are told the same', async t => {
    const { watch, listen, pass, clock } = openFeed(t)
    const listeners = Array.from({ length: 8 }, (_, index) => listen(`s${index}`))
    await settled()
    const before = watch.asked
    watch.trail.push(entryOf(1, clock.now()))
    await pass(10_000)
    assert.ok(watch.asked - before <= 10)
    for (const { heard } of listeners) assert.equal(entriesIn(heard), 1)
  })

  test('an entry that is written late is told, and none is told twice', async t => {
    const { watch, listen, pass, clock } = openFeed(t)
    const { heard } = listen('a')
    await pass(20_000)
    watch.trail.push(entryOf(5, clock.now()))
    await pass(2_000)
    watch.trail.push(entryOf(4, clock.now() - 20_000))
    await pass(60_000)
    assert.equal(entriesIn(heard), 2)
  })

  test('more than fits is told as a gap', async t => {
    const { watch, listen, pass, clock } = openFeed(t)
    const { heard } = listen('a')
    await pass(1_000)
    for (let seq = 1; seq <= 400; seq += 1) watch.trail.push(entryOf(seq, clock.now()))
    await pass(2_000)
    assert.equal(entriesIn(heard), 300)
    assert.equal(heard.join('').match(/event: gap/g)?.length, 1)
  })

  test('entries that claim to be of the future hide nothing of now, and have their turn then', async t => {
    const { watch, listen, pass, clock } = openFeed(t)
    const { heard } = listen('a')
    await pass(2_000)
    for (let seq = 1; seq <= 400; seq += 1) watch.trail.push(entryOf(seq, clock.now() + 60_000))
    await pass(2_000)
    watch.trail.push(entryOf(1_000, clock.now()))
    await pass(2_000)
    assert.equal(entriesIn(heard), 1)
    await pass(60_000)
    assert.equal(entriesIn(heard), 301)
  })

  test('a store that is away for a while is asked again, and what happened meanwhile is told', async t => {
    const { watch, listen, pass, clock } = openFeed(t)
    const { heard } = listen('a')
    await pass(2_000)
    watch.fault = new Error('down')
    await pass(5_000)
    watch.trail.push(entryOf(1, clock.now()))
    watch.fault = null
    await pass(2_000)
    assert.equal(entriesIn(heard), 1)
    assert.ok(!heard.includes('END'))
  })

  test('a trail that cannot be asked at the beginning ends the stream, so that the page asks again', async t => {
    const { watch, listen } = openFeed(t)
    watch.fault = new Error('down')
    const { heard } = listen('a')
    await settled()
    assert.equal(heard.at(-1), 'END')
  })

  test('a silent stream says every fifteen seconds that it is there', async t => {
    const { listen, pass } = openFeed(t)
    const { heard } = listen('a')
    await pass(46_000)
    assert.equal(heard.filter(text => text.startsWith(': still')).length, 3)
  })

  test('every listener is looked at every three seconds', async t => {
    const { looked, listen, pass } = openFeed(t)
    listen('a')
    listen('b')
    await settled()
    looked.length = 0
    await pass(9_000)
    assert.deepEqual(looked, ['a', 'b', 'a', 'b', 'a', 'b'])
  })

  test('an application that never says who is an administrator ends the stream: nobody could tell when it has to', async t => {
    let answers = true
    const { listen, pass } = openFeed(t, () => answers || new Promise<boolean>(() => {}))
    const { heard } = listen('a')
    await pass(6_000)
    assert.ok(!heard.includes('END'))
    answers = false
    await pass(9_000)
    assert.equal(heard.at(-1), 'END')
    assert.ok(!heard.join('').includes('event: over'), 'the page is to ask again')
  })
})
