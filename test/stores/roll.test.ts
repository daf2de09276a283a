import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Roll } from '../../src/stores/roll.ts'

describe('roll', () => {
  it('whoever joins and leaves between the pages, who stays is on one page, and newest come first', () => {
    const step = fc.oneof(
      fc.record({ join: fc.integer({ min: 1, max: 200 }) }),
      fc.record({ leave: fc.nat() }),
      fc.record({ leaveMany: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ page: fc.integer({ min: 1, max: 60 }) }),
    )
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 }), fc.array(step, { maxLength: 60 }), (first, steps) => {
        const roll = new Roll<{ id: number; number: number }>()
        const here = new Map<number, { id: number; number: number }>()
        let joined = 0
        const join = () => {
          joined += 1
          const entry = { id: joined, number: 0 }
          entry.number = roll.join(entry)
          here.set(entry.id, entry)
        }
        const leave = (entry: { id: number; number: number } | undefined) => {
          if (!entry) return
          roll.leave(entry.number)
          here.delete(entry.id)
        }
        for (let i = 0; i < first; i += 1) join()
        const staying = new Set(here.keys())
        const seen: number[] = []
        let cursor: string | null = null
        let isOver = false
        const page = (limit: number) => {
          if (isOver) return
          const { entries, next } = roll.page(cursor, limit)
          assert.ok(entries.length <= limit)
          assert.ok(entries.every(({ id }) => here.has(id)))
          seen.push(...entries.map(({ id }) => id))
          cursor = next
          isOver = next === null
        }
        for (const one of steps) {
          if ('join' in one) for (let i = 0; i < one.join; i += 1) join()
          else if ('leave' in one) leave([...here.values()][one.leave % Math.max(1, here.size)])
          else if ('leaveMany' in one)
            for (const entry of [...here.values()].slice(0, here.size * one.leaveMany)) leave(entry)
          else page(one.page)
          assert.equal(roll.size, here.size)
          for (const id of staying) if (!here.has(id)) staying.delete(id)
        }
        while (!isOver) page(50)
        assert.deepEqual(
          seen,
          seen.toSorted((a, b) => b - a),
          'newest first',
        )
        assert.equal(new Set(seen).size, seen.length, 'nobody twice')
        if (seen.length > 0 || first > 0)
          assert.deepEqual(
            [...staying].filter(id => !seen.includes(id)),
            [],
            'nobody missing',
          )
      }),
      { numRuns: 200 },
    )
  })

  it('leaving twice, or under a number that nobody has, changes nothing', () => {
    const roll = new Roll<string>()
    const numbers = ['a', 'b', 'c'].map(entry => roll.join(entry))
    for (const number of [numbers[1], numbers[1], 0, -1, 99]) roll.leave(number ?? 0)
    assert.deepEqual([roll.size, roll.page(null, 9).entries], [2, ['c', 'a']])
  })

  it('keeps nothing of those who left: a million who come and go take no more room than those who are there', () => {
    const roll = new Roll<object>()
    for (let i = 0; i < 1_000_000; i += 1) roll.leave(roll.join({}))
    const began = roll.join({})
    assert.deepEqual([roll.size, began], [1, 1_000_001])
    assert.equal(roll.page(null, 5).next, null)
  })

  it('a cursor of another roll, or none, is refused', () => {
    const [one, other] = [new Roll<number>(), new Roll<number>()]
    for (let i = 0; i < 5; i += 1) {
      one.join(i)
      other.join(i)
    }
    const { next } = one.page(null, 2)
    assert.deepEqual(one.page(next, 2).entries, [2, 1])
    assert.throws(() => other.page(next, 2), { name: 'UsageError' })
  })

  it('a sample of what alternates holds about half of each', () => {
    const roll = new Roll<number>()
    for (let i = 0; i < 5_000; i += 1) roll.join(i % 2)
    const sample = roll.sample(2_000)
    const ones = sample.filter(kind => kind === 1).length
    assert.equal(sample.length, 2_000)
    assert.ok(ones > 800 && ones < 1_200, `${ones} of 2,000`)
  })
})
