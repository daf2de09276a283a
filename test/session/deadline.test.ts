import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Deadline } from '../../src/session/deadline.ts'

const never = new Promise<never>(() => {})

describe('deadline', () => {
  it('passes on what the work resolves or rejects with', async () => {
    const deadline = new Deadline(60_000)
    assert.equal(await deadline.race(Promise.resolve(7)), 7)
    await assert.rejects(deadline.race(Promise.reject(new RangeError('own'))), new RangeError('own'))
  })

  it('16.5.2: work that never answers is rejected, and so is all that waits behind it', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    let now = 0
    t.mock.method(performance, 'now', () => now)
    const deadline = new Deadline(2_000)
    const first = deadline.race(never)
    now = 500
    const second = deadline.race(never)
    const prompt = deadline.race(Promise.resolve('prompt'))
    assert.equal(await prompt, 'prompt')
    const outcomes: string[] = []
    first.catch(error => outcomes.push(`first: ${error.message}`))
    second.catch(error => outcomes.push(`second: ${error.message}`))

    now = 2_000
    t.mock.timers.tick(2_000)
    await Promise.resolve()
    assert.deepEqual(outcomes, ['first: no answer within 2000 ms'])
    now = 2_500
    t.mock.timers.tick(500)
    await Promise.resolve()
    assert.deepEqual(outcomes, ['first: no answer within 2000 ms', 'second: no answer within 2000 ms'])
  })

  it('what comes after the deadline is ignored, also when it is an error', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    let now = 0
    t.mock.method(performance, 'now', () => now)
    const work = Promise.withResolvers<string>()
    const raced = new Deadline(10).race(work.promise)
    now = 10
    t.mock.timers.tick(10)
    await assert.rejects(raced, /no answer within 10 ms/)
    work.reject(new Error('too late: this must not become an unhandled rejection'))
    await new Promise(setImmediate)
  })

  it('one timer serves any number of operations', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const timers = t.mock.method(globalThis, 'setTimeout')
    const deadline = new Deadline(1_000)
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => deadline.race(Promise.resolve(index))))
    assert.equal(timers.mock.callCount(), 1)
  })
})
