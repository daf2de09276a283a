import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Delivery } from '../../src/watch/delivery.ts'
import type { Notice, Notifier } from '../../src/watch/notifier.ts'
import type { Alert } from '../../src/watch/store.ts'
import { manualTimers } from './manual-timers.ts'
import { noticeOf, sampleAlert } from './sample-detection.ts'

/** A notifier that notes what it is asked, and answers as `answer` says. */
function notifier(name: string, answer: (notice: Notice, signal: AbortSignal, tries: number) => Promise<void> | void) {
  const tries: string[] = []
  const notices: Notice[] = []
  const made: Notifier = {
    name,
    async notify(notice, signal) {
      tries.push(notice.alert.id)
      notices.push(notice)
      await answer(notice, signal, tries.length)
    },
  }
  return { ...made, tries, notices }
}

function start(notifiers: readonly Notifier[]) {
  const timers = manualTimers()
  const undelivered: string[] = []
  const delivery = new Delivery({
    notifiers,
    timers,
    clock: timers.clock.now,
    undelivered: (alert, name) => undelivered.push(`${alert.id} ${name}`),
  })
  const send = (id: string, difference: Partial<Alert> = {}, isWorse = false) =>
    delivery.send(sampleAlert({ id, ...difference }), isWorse)
  return { delivery, send, timers, undelivered }
}

const fine = () => {}
const refuse = () => Promise.reject(new Error('no'))
/** Never answers and pays no heed to the signal. */
const silent = () => new Promise<void>(() => {})
const hourMs = 3_600_000

describe('delivery', () => {
  it('every notifier gets the alert with its sentence', async () => {
    const [mail, hook] = [notifier('mail', fine), notifier('hook', fine)]
    const { send, timers } = start([mail, hook])
    send('a')
    await timers.settle()
    const notice = noticeOf(sampleAlert({ id: 'a' }))
    assert.match(notice.text, /^Session .* of user "ada" is used in two places/)
    assert.deepEqual(mail.notices, [notice])
    assert.deepEqual(hook.notices, [notice])
  })

  it('a notifier that never answers holds up no other', async () => {
    const [hook, mail] = [notifier('hook', silent), notifier('mail', fine)]
    const { send, timers } = start([hook, mail])
    send('a')
    send('b')
    await timers.settle()
    assert.deepEqual(mail.tries, ['a', 'b'])
    assert.deepEqual(hook.tries, ['a'])
  })

  it('a try is over after 10 s: its signal fires and the next one begins', async () => {
    const signals: AbortSignal[] = []
    const hook = notifier('hook', (_, signal, tries) => {
      signals.push(signal)
      return tries === 1 ? silent() : undefined
    })
    const { send, timers } = start([hook])
    send('a')
    await timers.pass(9_999)
    assert.equal(signals[0]?.aborted, false)
    await timers.pass(1)
    assert.equal(signals[0]?.aborted, true)
    await timers.pass(1_000)
    assert.deepEqual(hook.tries, ['a', 'a'])
    assert.equal(signals[1]?.aborted, false)
  })

  it('a notifier that throws instead of rejecting is tried again like any other', async () => {
    const hook: Notifier = {
      name: 'hook',
      notify() {
        throw new Error('no')
      },
    }
    const { send, timers, undelivered } = start([hook])
    send('a')
    await timers.pass(hourMs)
    assert.deepEqual(undelivered, ['a hook'])
  })

  it('pauses grow from a second to a minute, with jitter, and end with a success', async () => {
    const times: number[] = []
    const hook = notifier('hook', (_, __, tries) => {
      times.push(timers.clock.now())
      return tries === 12 ? undefined : refuse()
    })
    const { send, timers } = start([hook])
    send('a')
    await timers.pass(hourMs)
    assert.equal(hook.tries.length, 12)
    const pauses = times.slice(1).map((at, place) => at - (times[place] ?? 0))
    for (const [place, pause] of pauses.entries()) {
      const longest = Math.min(60_000, 1_000 * 2 ** place)
      assert.ok(pause >= longest / 2 && pause <= longest, `pause ${place} is ${pause} ms, longest ${longest}`)
    }
    times.length = 0
    send('b')
    await timers.pass(1_000)
    assert.equal(times.length, 2, 'after a success it is tried at once, and soon again')
  })

  it('after a quarter of an hour it gives up and says so, once', async () => {
    const hook = notifier('hook', refuse)
    const { send, timers, undelivered } = start([hook])
    send('a')
    await timers.pass(14 * 60_000)
    assert.deepEqual(undelivered, [])
    await timers.pass(3 * 60_000)
    assert.deepEqual(undelivered, ['a hook'])
    const tries = hook.tries.length
    await timers.pass(hourMs)
    assert.equal(hook.tries.length, tries)
    assert.deepEqual(undelivered, ['a hook'])
  })

  it('a notice that the server cannot take does not hold up the next', async () => {
    const hook = notifier('hook', ({ alert }) => (alert.id === 'poison' ? refuse() : undefined))
    const { send, timers } = start([hook])
    send('poison')
    send('b')
    await timers.pass(1_000)
    assert.deepEqual(hook.tries.slice(0, 2), ['poison', 'b'])
  })

  it('at most 200 notices wait for a notifier; the next is undelivered at once', async () => {
    const hook = notifier('hook', silent)
    const { send, timers, undelivered } = start([hook])
    for (let minute = 0; minute < 11; minute += 1) {
      for (let count = 0; count < 20; count += 1) send(`${minute}-${count}`)
      await timers.pass(60_000)
      if (undelivered.length > 0) break
    }
    assert.match(undelivered[0] ?? '', /^(9|10)-\d+ hook$/)
  })
})

describe('a flood of alerts', () => {
  it('10,000 in a minute are 20 notices, the first that is more urgent, and one that sums up, with the most urgent', async () => {
    const mail = notifier('mail', fine)
    const { send, timers } = start([mail])
    for (let count = 0; count < 10_000; count += 1)
      send(`${count}`, count === 5_000 || count === 6_000 ? { severity: 'alert' } : {})
    await timers.pass(59_999)
    assert.deepEqual([mail.notices.length, mail.notices.at(-1)?.alert.id], [21, '5000'])
    await timers.pass(1)
    assert.equal(mail.notices.length, 22)
    const last = mail.notices.at(-1)
    assert.deepEqual([last?.alert.id, last?.others], ['6000', 9_978])
    assert.match(last?.text ?? '', /And 9978 more alerts within a minute\.$/)
  })

  it('does not hide what happens to somebody else, or is of another kind, in the same minute', async () => {
    const mail = notifier('mail', fine)
    const { send, timers } = start([mail])
    for (let count = 0; count < 100; count += 1) send(`noise ${count}`, { detector: 'agent-changed', userId: 'eve' })
    send('another victim', { detector: 'agent-changed', userId: 'ada' })
    send('of another kind', { detector: 'csrf-probing', userId: 'eve' })
    send('once more', { detector: 'csrf-probing', userId: 'eve' })
    await timers.settle()
    const told = mail.notices.map(({ alert }) => alert.id)
    assert.deepEqual(told.slice(20), ['another victim', 'of another kind'])
  })

  it('does not hide that one of them got worse: it is told at once, and is told again', async () => {
    const mail = notifier('mail', fine)
    const { send, timers } = start([mail])
    for (let count = 0; count < 100; count += 1) send(`${count}`)
    send('3', { severity: 'alert' }, true)
    await timers.settle()
    const last = mail.notices.at(-1)
    assert.deepEqual([mail.notices.length, last?.alert.id, last?.isWorse], [21, '3', true])
    assert.match(last?.text ?? '', /^It got worse: Session/)
    send('4', { severity: 'alert' }, true)
    await timers.pass(60_000)
    const held = mail.notices.at(-1)
    assert.deepEqual(
      [held?.alert.id, held?.isWorse, held?.others],
      ['4', true, 80],
      'and of those held back it comes first',
    )
  })

  it('of 10,000 kinds in a minute is 40 notices and one that sums up', async () => {
    const mail = notifier('mail', fine)
    const { send, timers } = start([mail])
    for (let count = 0; count < 10_000; count += 1) send(`${count}`, { userId: `user-${count}` })
    await timers.pass(60_000)
    assert.deepEqual([mail.notices.length, mail.notices.at(-1)?.others], [41, 9_959])
  })

  it('that goes on is 20 notices a minute, the summary among them; afterwards everything is told again', async () => {
    const mail = notifier('mail', fine)
    const { send, timers } = start([mail])
    for (let minute = 0; minute < 3; minute += 1) {
      for (let count = 0; count < 100; count += 1) send(`${minute}-${count}`)
      await timers.pass(60_000)
    }
    assert.equal(mail.notices.length, 20 + 20 + 20 + 1)
    const told = mail.notices.reduce((sum, { others }) => sum + 1 + others, 0)
    assert.equal(told, 300, 'every alert is in one of them')
    await timers.pass(60_000)
    send('later')
    await timers.settle()
    assert.deepEqual([mail.notices.at(-1)?.alert.id, mail.notices.at(-1)?.others], ['later', 0])
  })
})

describe('stopping', () => {
  it('delivers what waits and what was held back', async () => {
    const mail = notifier('mail', fine)
    const { delivery, send } = start([mail])
    for (let count = 0; count < 25; count += 1) send(`${count}`)
    await delivery.stop()
    assert.equal(mail.notices.length, 21)
    assert.equal(mail.notices.at(-1)?.others, 4)
  })

  it('does not wait for a pause, and tries no notice twice', async () => {
    const mail = notifier('mail', refuse)
    const { delivery, send, timers, undelivered } = start([mail])
    send('a')
    send('b')
    await timers.settle()
    assert.deepEqual(mail.tries, ['a'])
    await delivery.stop()
    assert.deepEqual(mail.tries, ['a', 'b', 'a'])
    assert.deepEqual(undelivered, ['b mail', 'a mail'])
    assert.deepEqual(timers.waiting(), [])
  })

  it('waits 3 s for a notifier that never answers, and tells what it never got', async () => {
    const hook = notifier('hook', silent)
    const { delivery, send, timers, undelivered } = start([hook])
    send('a')
    send('b')
    await timers.settle()
    let stopped = false
    const done = delivery.stop().then(() => {
      stopped = true
    })
    await timers.pass(2_999)
    assert.equal(stopped, false)
    await timers.pass(1)
    await done
    assert.deepEqual(undelivered.sort(), ['a hook', 'b hook'])
    assert.deepEqual(timers.waiting(), [])
    send('c')
    assert.equal(undelivered.at(-1), 'c hook')
  })
})
