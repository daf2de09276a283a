import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Turns } from '../../src/session/turns.ts'

/** A task that writes down when it begins and ends, and ends when it is told to. */
function step(log: string[], name: string) {
  let end = () => {}
  const ended = new Promise<void>(resolve => {
    end = resolve
  })
  const task = async () => {
    log.push(`${name} begins`)
    await ended
    log.push(`${name} ends`)
  }
  return { task, end: () => end() }
}

const quiet = () => new Promise(resolve => setImmediate(resolve))

describe('turns', () => {
  test('tasks that share a key run one after another in the order they were asked for, others side by side', async () => {
    const [turns, log] = [new Turns(), [] as string[]]
    const [a, b, c] = [step(log, 'a'), step(log, 'b'), step(log, 'c')]
    const all = [turns.run(['x', 'y'], a.task), turns.run(['y'], b.task), turns.run(['z'], c.task)]
    await quiet()
    assert.deepEqual(log, ['a begins', 'c begins'])
    b.end()
    a.end()
    c.end()
    await Promise.all(all)
    assert.deepEqual(
      log.slice(2).filter(line => !line.startsWith('c')),
      ['a ends', 'b begins', 'b ends'],
    )
  })

  test('a task alone waits for all before it and holds up all after it', async () => {
    const [turns, log] = [new Turns(), [] as string[]]
    const [before, alone, after] = [step(log, 'before'), step(log, 'alone'), step(log, 'after')]
    const all = [turns.run(['x'], before.task), turns.alone(alone.task), turns.run(['y'], after.task)]
    await quiet()
    assert.deepEqual(log, ['before begins'])
    before.end()
    await quiet()
    assert.deepEqual(log.at(-1), 'alone begins')
    alone.end()
    after.end()
    await Promise.all(all)
    assert.deepEqual(log.slice(2), ['alone begins', 'alone ends', 'after begins', 'after ends'])
  })

  test('a task that fails fails its caller and nobody else', async () => {
    const turns = new Turns()
    const failing = turns.run(['x'], () => Promise.reject(new Error('mine')))
    const next = turns.run(['x'], async () => 'fine')
    const alone = turns.alone(() => Promise.reject(new Error('mine too')))
    const last = turns.run(['x'], async () => 'fine')
    await assert.rejects(failing, /mine/)
    await assert.rejects(alone, /mine too/)
    assert.deepEqual([await next, await last], ['fine', 'fine'])
  })
})
