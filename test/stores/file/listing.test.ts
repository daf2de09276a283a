import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { sampleRecord } from 'latchkey/testing'
import { fileOf, newDirectory, put, withStore } from './session-directory.ts'

const { createdAt: start } = sampleRecord()

describe('file store: directory', () => {
  it('after a restart it is newest first again, and a cursor of before is refused', async () => {
    const directory = newDirectory()
    const [records, cursor] = await withStore(directory, async store => {
      const records = []
      for (let i = 0; i < 20; i += 1)
        records.push(await put(store, { userId: `user ${i}`, createdAt: start + ((i * 7) % 20) }))
      return [records, (await store.directory?.page(null, 5))?.next ?? null] as const
    })
    await withStore(directory, async store => {
      const page = await store.directory?.page(null, 500)
      assert.deepEqual(
        page?.records,
        records.toSorted((a, b) => b.createdAt - a.createdAt),
      )
      await assert.rejects(async () => store.directory?.page(cursor, 5), { name: 'UsageError' })
    })
  })

  it('a damaged file and one that somebody deleted are left out, and everybody else is there', async () => {
    const directory = newDirectory()
    await withStore(directory, async store => {
      const records = []
      for (let i = 0; i < 6; i += 1) records.push(await put(store, { userId: `user ${i}` }))
      const [damaged, deleted, ...sound] = records
      assert.ok(damaged && deleted)
      writeFileSync(fileOf(directory, damaged), '{"sid":')
      rmSync(fileOf(directory, deleted))
      assert.deepEqual((await store.directory?.page(null, 50))?.records, sound.reverse())
      assert.equal(await store.directory?.count(), 4)
    })
  })
})
