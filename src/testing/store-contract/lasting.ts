import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SessionStore } from '../../session/store.ts'
import { sampleMark, sampleRecord } from '../sample-record.ts'
import { type Check, next, put, tombstone } from './check.ts'

const { createdAt: start } = sampleRecord()

/** How records leave a store that does not expire them by itself. */
export function sweeping(check: Check): void {
  describe('sweep', () => {
    check('removes what expired, ended or live, oldest first, and nothing else', async store => {
      const third = await put(store, { expiresAt: start + 30 })
      const first = await put(store, { expiresAt: start + 10 })
      const ended = await put(store, { expiresAt: start + 90 })
      const later = await put(store, { expiresAt: start + 31 })
      const mark = sampleMark({ keepUntil: start + 20 })
      await store.end(ended.sid, mark)
      const removed = await store.sweep(start + 30, 100)
      assert.deepEqual(removed, [first, tombstone(ended, mark), third], 'expiresAt equal to now is over')
      for (const { sid } of removed) assert.equal(await store.read(sid), null)
      assert.deepEqual(await store.list('alice'), [later])
      assert.deepEqual(await store.sweep(start + 30, 100), [])
    })

    check('removes at most `limit`, the rest at the next call', async store => {
      const records = []
      for (let i = 0; i < 10; i += 1) records.push(await put(store, { expiresAt: start + ((i * 7) % 10) }))
      const inOrder = records.toSorted((a, b) => a.expiresAt - b.expiresAt)
      assert.deepEqual(await store.sweep(start + 10, 4), inOrder.slice(0, 4))
      assert.deepEqual(await store.sweep(start + 10, 4), inOrder.slice(4, 8))
      assert.deepEqual(await store.sweep(start + 10, 4), inOrder.slice(8))
      assert.deepEqual(await store.sweep(start + 10, 4), [])
    })

    check('goes by the newest expiry: a touch, a save and an end move it, forward and back', async store => {
      const touched = await put(store, { expiresAt: start + 10 })
      const saved = await put(store, { expiresAt: start + 10 })
      const shortened = await put(store, { expiresAt: start + 90 })
      const ended = await put(store, { expiresAt: start + 10 })
      await store.touch(touched.sid, start + 5, start + 50)
      await store.save(next(saved, { expiresAt: start + 40 }), { durable: false })
      await store.save(next(shortened, { expiresAt: start + 20 }), { durable: false })
      await store.end(ended.sid, sampleMark({ keepUntil: start + 30 }))
      const order = [shortened, ended, saved, touched]
      for (const [i, { sid }] of order.entries()) {
        assert.deepEqual(await store.sweep(start + 20 + i * 10 - 1, 100), [])
        assert.deepEqual(
          (await store.sweep(start + 20 + i * 10, 100)).map(record => record.sid),
          [sid],
        )
      }
    })

    check('frees the sid and keeps the generation', async store => {
      const generation = await store.generation('alice')
      const record = await put(store)
      await store.endUser('alice', sampleMark({ keepUntil: start + 10 }))
      await store.sweep(start + 10, 100)
      assert.deepEqual(await store.create(record, { now: start, generation }), { outcome: 'overtaken' })
      assert.equal((await store.create(record, { now: start })).outcome, 'created')
      assert.deepEqual(await store.read(record.sid), record)
    })

    check('a swept record is gone for save, touch and end', async store => {
      const record = await put(store, { expiresAt: start + 10 })
      await store.sweep(start + 10, 100)
      await store.touch(record.sid, start + 60, start + 60)
      assert.equal(await store.save(next(record), { durable: false }), 'gone')
      assert.equal(await store.end(record.sid, sampleMark()), null)
      assert.equal(await store.read(record.sid), null)
    })
  })
}

/** For a store whose server expires records by itself. */
export function expiringByItself(check: Check): void {
  check('sweep leaves the removal to the server', async store => {
    await put(store)
    assert.deepEqual(await store.sweep(start, 100), [])
  })
}

/** What a persistent store still knows when it is opened again. */
export function reopening(
  open: () => SessionStore | Promise<SessionStore>,
  reopen: (closed: SessionStore) => SessionStore | Promise<SessionStore>,
): void {
  /** Runs `before` on a fresh store, closes it, and runs `after` on the store opened again. */
  const check = <T>(
    sentence: string,
    before: (store: SessionStore) => Promise<T>,
    after: (store: SessionStore, known: T) => Promise<void>,
  ) =>
    test(sentence, async () => {
      const first = await open()
      const known = await before(first)
      await first.close()
      const second = await reopen(first)
      try {
        await after(second, known)
      } finally {
        await second.close()
      }
    })

  describe('opened again', () => {
    check(
      'it keeps live and ended records, lists and touches',
      async store => {
        const live = await put(store, { userId: 'al\0ice 😀', body: 'line\nline\0' })
        await store.touch(live.sid, start + 5, live.expiresAt + 5)
        const saved = next(await put(store), { body: 'saved' })
        await store.save(saved, { durable: false })
        const ended = await put(store)
        await store.end(ended.sid, sampleMark())
        return { live: { ...live, lastSeenAt: start + 5, expiresAt: live.expiresAt + 5 }, saved, ended }
      },
      async (store, { live, saved, ended }) => {
        assert.deepEqual(await store.read(live.sid), live)
        assert.deepEqual(await store.list('al\0ice 😀'), [live])
        assert.deepEqual(await store.read(ended.sid), tombstone(ended, sampleMark()))
        assert.deepEqual(await store.list('alice'), [saved])
        assert.equal(await store.save(next(saved), { durable: true }), 'saved')
        assert.equal(await store.save(next(ended), { durable: true }), 'gone')
        assert.deepEqual(await store.create(ended, { now: start }), { outcome: 'exists' })
      },
    )

    check(
      'a sign-in that began before endUser, endEverybody and the restart is overtaken',
      async store => {
        const generations = { alice: await store.generation('alice'), bob: await store.generation('bob') }
        await store.endUser('alice', sampleMark())
        const between = { ...generations, alice: await store.generation('alice') }
        await store.endEverybody(sampleMark())
        return [
          generations,
          between,
          { alice: await store.generation('alice'), bob: await store.generation('bob') },
        ] as const
      },
      async (store, [before, between, current]) => {
        const attempt = async (userId: string, generation: number) =>
          (await store.create(sampleRecord({ userId }), { now: start, generation })).outcome
        for (const { alice, bob } of [before, between]) {
          assert.deepEqual([await attempt('alice', alice), await attempt('bob', bob)], ['overtaken', 'overtaken'])
        }
        assert.deepEqual(
          [await attempt('alice', current.alice), await attempt('bob', current.bob)],
          ['created', 'created'],
        )
      },
    )

    check(
      'close finished what was asked before it, even when nobody waited',
      async store => {
        const record = await put(store)
        const unawaited = [
          store.save(next(record, { body: 'last' }), { durable: false }),
          store.touch(record.sid, start + 9, record.expiresAt + 9),
          store.create(sampleRecord({ userId: 'bob' }), { now: start }),
        ]
        await store.close()
        await Promise.all(unawaited)
        return record
      },
      async (store, record) => {
        assert.equal((await store.read(record.sid))?.body, 'last')
        assert.equal((await store.list('bob')).length, 1)
      },
    )
  })
}
