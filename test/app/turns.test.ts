import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTurns, TooManyWaiting } from '../../app/turns.ts'

describe('Turns', () => {
  it('run jobs with a common key one after another, and others at the same time', async () => {
    const turns = createTurns(10)
    const log: string[] = []
    const job = (name: string) => async () => {
      log.push(`${name} begins`)
      await new Promise(setImmediate)
      log.push(`${name} ends`)
    }
    await Promise.all([turns.take('place', job('1')), turns.take('place', job('2')), turns.take('elsewhere', job('3'))])
    assert.ok(log.indexOf('1 ends') < log.indexOf('2 begins'))
    assert.ok(log.indexOf('3 begins') < log.indexOf('1 ends'))
  })

  it('go on after a job that failed', async () => {
    const turns = createTurns(10)
    const failing = turns.take('a', async () => {
      throw new Error('broken')
    })
    const next = turns.take('a', async () => 'fine')
    await assert.rejects(failing, /broken/)
    assert.equal(await next, 'fine')
  })

  it('turn away whoever comes to a full queue, and only there', async () => {
    const turns = createTurns(2)
    let release = () => {}
    const first = turns.take(
      'a',
      () =>
        new Promise<void>(resolve => {
          release = resolve
        }),
    )
    await new Promise(setImmediate)
    const second = turns.take('a', async () => {})
    await assert.rejects(
      turns.take('a', async () => {}),
      TooManyWaiting,
    )
    await turns.take('b', async () => {})
    release()
    await Promise.all([first, second])
    await turns.take('a', async () => {})
  })
})
