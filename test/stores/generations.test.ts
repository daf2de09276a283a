import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Generations, startingAt } from '../../src/stores/generations.ts'

describe('generations', () => {
  test('a number from before an end never becomes current again, also not in one who was kept and opened again', () => {
    const users = ['alice', 'bob', '__proto__', '']
    const steps = fc.array(fc.constantFrom(...users, 'everybody', 'reopen'), { maxLength: 30 })
    fc.assert(
      fc.property(steps, steps => {
        let generations = new Generations(startingAt(7))
        const overtaken = new Map(users.map(user => [user, new Set<number>()]))
        for (const step of steps) {
          const before = users.map(user => [user, generations.of(user)] as const)
          if (step === 'reopen') generations = new Generations(JSON.parse(JSON.stringify(generations.keep())))
          else if (step === 'everybody') generations.raiseEverybody()
          else generations.raise(step)
          for (const [user, generation] of before) {
            if (step === 'everybody' || step === user) overtaken.get(user)?.add(generation)
            else assert.equal(generations.of(user), generation, `${step} is not about ${user}`)
            assert.ok(!overtaken.get(user)?.has(generations.of(user)))
          }
        }
      }),
    )
  })

  test('whoever is forgotten has a number that was not theirs before, and memory stays bounded', () => {
    const generations = new Generations()
    const before: [string, number][] = []
    for (let i = 0; i < 50_000; i += 1) {
      const user = `user ${i}`
      before.push([user, generations.of(user)])
      generations.raise(user)
    }
    for (const [user, generation] of before) assert.ok(generations.of(user) > generation, user)
    assert.ok(generations.keep().raised.length <= 10_000)
  })
})
