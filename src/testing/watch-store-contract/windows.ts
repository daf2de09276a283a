import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { Seen, Sighting } from '../../watch/store.ts'
import { fifty, fixedRandom, type WindowsCheck } from './check.ts'

/** What holds for the memory of detectors. */
export function windows(check: WindowsCheck): void {
  describe('windows', () => {
    const sighting = (member: string, at: number, more: Partial<Sighting> = {}): Sighting => ({
      key: 'window',
      member,
      at,
      windowMs: 100,
      most: 3,
      ...more,
    })

    check('a window holds who was seen lately, when first and last, oldest last', async store => {
      const answers = await store.see([sighting('a', 1_000), sighting('b', 1_010), sighting('a', 1_050)])
      assert.deepEqual(answers, [
        [{ member: 'a', firstAt: 1_000, lastAt: 1_000 }],
        [
          { member: 'a', firstAt: 1_000, lastAt: 1_000 },
          { member: 'b', firstAt: 1_010, lastAt: 1_010 },
        ],
        [
          { member: 'b', firstAt: 1_010, lastAt: 1_010 },
          { member: 'a', firstAt: 1_000, lastAt: 1_050 },
        ],
      ])
      assert.deepEqual(await store.see([]), [])
    })

    check('who was seen longer ago than the window is wide is not in it any more, and begins anew', async store => {
      await store.see([sighting('a', 1_000), sighting('b', 1_001)])
      assert.deepEqual(members(await store.see([sighting('c', 1_100)])), [['a', 'b', 'c']], 'not longer than')
      assert.deepEqual(members(await store.see([sighting('c', 1_101)])), [['b', 'c']])
      assert.deepEqual((await store.see([sighting('a', 1_102)]))[0]?.at(-1), {
        member: 'a',
        firstAt: 1_102,
        lastAt: 1_102,
      })
    })

    check(
      'at most so many are kept: those who were seen last, and who is seen now before others of that instant',
      async store => {
        const answers = await store.see(['a', 'b', 'c', 'a', 'd', 'e'].map((member, i) => sighting(member, 1_000 + i)))
        assert.deepEqual(members(answers).slice(-3), [
          ['b', 'c', 'a'],
          ['c', 'a', 'd'],
          ['a', 'd', 'e'],
        ])
        const sameInstant = await store.see(
          ['z', 'y', 'x', 'w'].map(member => sighting(member, 5_000, { key: 'other' })),
        )
        for (const [i, member] of ['z', 'y', 'x', 'w'].entries())
          assert.equal(
            sameInstant[i]?.some(seen => seen.member === member),
            true,
            member,
          )
        assert.equal(sameInstant.at(-1)?.length, 3)
      },
    )

    check('a clock that goes back breaks nothing', async store => {
      await store.see([sighting('a', 1_000), sighting('b', 1_020)])
      assert.deepEqual(await store.see([sighting('b', 990)]), [
        [
          { member: 'a', firstAt: 1_000, lastAt: 1_000 },
          { member: 'b', firstAt: 990, lastAt: 1_020 },
        ],
      ])
      assert.deepEqual(
        members(await store.see([sighting('c', 980)])),
        [['c', 'a', 'b']],
        'oldest first, whenever it came',
      )
      assert.deepEqual(members(await store.see([sighting('d', 1_010)])), [['a', 'd', 'b']])
      assert.deepEqual(members(await store.see([sighting('far', 9_000), sighting('a', 1_030)])), [
        ['far'],
        ['a', 'far'],
      ])
    })

    check('windows do not touch each other, whatever their names', async store => {
      const keys = [
        'window',
        'Window',
        'window ',
        'windo',
        'window:a',
        '',
        '__proto__',
        "'; --",
        '{a}',
        '*',
        'é',
        'x'.repeat(200),
      ]
      for (const key of keys)
        assert.deepEqual(
          members(await store.see([sighting(`in ${key}`.slice(0, 100), 1_000, { key })]))[0]?.length,
          1,
          key,
        )
      const names = ['a', 'A', 'a ', '', '__proto__', '"', '\\', '/', "'", '😀', 'a\nb', 'x'.repeat(100)]
      const answers = await store.see(
        names.map((member, i) => sighting(member, 2_000 + i, { key: 'names', most: 256 })),
      )
      assert.deepEqual(members(answers).at(-1), names)
    })

    check('sightings of many callers at once are all there', async store => {
      await Promise.all(
        fifty.map(i =>
          store.see([sighting(`m${i}`, 1_000, { most: 256 }), sighting(`m${i}`, 1_000, { key: 'second', most: 256 })]),
        ),
      )
      for (const key of ['window', 'second']) {
        const [window] = await store.see([sighting('last', 1_001, { key, most: 256 })])
        assert.equal(window?.length, 51)
      }
    })

    check('callers that name the same windows in different orders do not stop each other', async store => {
      const keys = ['a', 'b', 'c', 'd', 'e']
      const answers = await Promise.all(
        fifty.map(i => {
          const order = i % 2 ? keys : keys.toReversed()
          return store.see(order.map(key => sighting(`m${i}`, 1_000, { key, most: 256 })))
        }),
      )
      assert.equal(Math.max(...answers.flat().map(window => window.length)), 50)
    })

    check('any sightings have the windows that a simple model has', async store => {
      const random = fixedRandom(11)
      const model = new Map<string, readonly Seen[]>()
      for (let round = 0; round < 30; round += 1) {
        const sightings = Array.from({ length: 1 + random(8) }, () =>
          sighting(`m${random(9)}`, 1_000 + round * 7 + random(40), { key: `k${random(3)}`, windowMs: 60, most: 4 }),
        )
        const expected = sightings.map(seen => {
          const window = modelWindow(model.get(seen.key) ?? [], seen)
          model.set(seen.key, window)
          return window
        })
        assert.deepEqual(await store.see(sightings), expected, JSON.stringify(sightings))
      }
    })
  })

  describe('counters', () => {
    const count = (by: number, at: number, key = 'counter') => ({ key, by, at, forgetAfterMs: 100 })

    check('a counter tells what it was before, and grows', async store => {
      assert.deepEqual(await store.tally([count(2, 1_000), count(3, 1_001), count(0, 1_002, 'other')]), [0, 2, 0])
      assert.deepEqual(await store.tally([count(0, 1_003), count(0.5, 1_003), count(0, 1_003)]), [5, 5, 5.5])
      assert.deepEqual(await store.tally([]), [])
    })

    check('it is forgotten when nobody added to it for so long; asking is not adding', async store => {
      await store.tally([count(4, 1_000)])
      assert.deepEqual(await store.tally([count(0, 1_099)]), [4])
      assert.deepEqual(await store.tally([count(0, 1_100)]), [0])
      await store.tally([count(1, 1_099)])
      assert.deepEqual(await store.tally([count(0, 1_198)]), [5])
      assert.deepEqual(await store.tally([count(2, 1_300)]), [0])
      assert.deepEqual(await store.tally([count(0, 1_301)]), [2])
    })

    check('a clock that goes back takes nothing away', async store => {
      await store.tally([count(4, 1_000), count(1, 900)])
      assert.deepEqual(await store.tally([count(0, 1_050)]), [5])
    })

    check('of 50 that add at once each one counts', async store => {
      const answers = await Promise.all(fifty.map(() => store.tally([count(1, 1_000), count(2, 1_000, 'second')])))
      assert.deepEqual(
        answers.map(([before]) => before ?? -1).sort((a, b) => a - b),
        fifty,
      )
      assert.deepEqual(await store.tally([count(0, 1_000), count(0, 1_000, 'second')]), [50, 100])
    })
  })
}

function members(windows: readonly (readonly Seen[])[]): string[][] {
  return windows.map(window => window.map(({ member }) => member))
}

/** The contract in a few lines. Of those seen last in the same instant, who came last is last. */
function modelWindow(window: readonly Seen[], { member, at, windowMs, most }: Sighting): readonly Seen[] {
  const lately = window.filter(({ lastAt }) => at - lastAt <= windowMs)
  const known = lately.find(seen => seen.member === member)
  const firstAt = known ? Math.min(known.firstAt, at) : at
  const lastAt = known ? Math.max(known.lastAt, at) : at
  const others = lately.filter(seen => seen.member !== member)
  // Sorting is stable.
  return [...others, { member, firstAt, lastAt }].sort((a, b) => a.lastAt - b.lastAt).slice(-most)
}
