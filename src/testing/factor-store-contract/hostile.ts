import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { FactorRecord } from '../../mfa/store.ts'
import { type FactorCheck, next, put, sampleFactor, sampleFailures } from './check.ts'

/** Texts that mean something to SQL, file systems, key patterns, JSON, JavaScript objects or C strings; no two are equal. */
// biome-ignore format: a table of short texts
const hostileTexts = [
  "'; DROP TABLE factors; --", "' OR '1'='1", "'", '"', '`', ';', '--', '\\', '\\\\', '\\u0000', '\\0', '\\ud800', '%', '_', 'alic_', 'a%', '$1', '?', ':id',
  '.', '..', '/', '../../etc/passwd', 'a/b', 'a\\b', 'nul', '~', '%00', '*', '[a-z]', '{a}', '{a,b}', 'a:b', 'a|b', 'a,b', '$where', '{"$gt":""}', '["a"]',
  '\0', 'a', 'a\0', 'a\0b', 'a\0c', 'a\tb', 'a\nb', 'a\r\nb', '\x1b[31m', '\x7f', ' a', 'a ', ' ',
  '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'null', 'undefined', 'NaN', '0', '-1', 'true', 'NULL',
  'Alice', 'alice', 'ALICE', 'İ', 'i', 'I', 'ı', 'ß', 'ss', 'é', 'e\u0301', 'ﬁ', 'fi',
  '😀', '😁', '👩‍👩‍👧', '\u202Egnp.exe', '\uFEFFa', 'a\u200b', '\uFFFD', '\uFFFF', '\ud800', '\ud801', '\udc00', 'a\ud83d', '\ud83da',
  'x'.repeat(256), `${'x'.repeat(255)}y`, '😀'.repeat(128), '\0'.repeat(256), '\ud800'.repeat(256),
]

/** CS-S3: ids of users, labels and keys of counts are hostile input. They come back as they were, or are refused; they are never mixed up. */
export function hostile(check: FactorCheck): void {
  describe('CS-S3 hostile texts', () => {
    check('every user id keeps its own factors', async store => {
      const kept = new Map<string, FactorRecord>()
      for (const userId of hostileTexts) {
        const record = sampleFactor({ userId })
        const outcome = await store.create(record).catch(() => 'refused')
        assert.notEqual(outcome, 'exists', JSON.stringify(userId).slice(0, 60))
        if (outcome === 'created') kept.set(userId, record)
      }
      assert.ok(kept.size > hostileTexts.length / 2, 'most users can have factors')
      for (const [userId, record] of kept) {
        assert.deepEqual(await store.find(record.id), record)
        assert.deepEqual(await store.list(userId), [record], JSON.stringify(userId).slice(0, 60))
      }
      for (const [userId, record] of kept) {
        assert.equal(await store.removeUser(userId), 1, 'nobody removed it for this user before')
        assert.equal(await store.find(record.id), null)
      }
    })

    check('a label and a body come back character for character, or are refused', async store => {
      for (const text of hostileTexts) {
        const [label, body] = [text.slice(0, 64), `{"text":${JSON.stringify(text)},"raw":"${text}"}`]
        const record = sampleFactor({ userId: 'labels', label, body })
        if ((await store.create(record).catch(() => 'refused')) === 'refused') continue
        assert.deepEqual(await store.find(record.id), record)
        const changed = next(record, { label: `${text.slice(0, 63)}.`, body: text })
        if ((await store.save(changed).catch(() => 'refused')) === 'saved')
          assert.deepEqual(await store.find(record.id), changed)
      }
    })

    check('looking for a hostile id finds nothing and changes nothing', async store => {
      const record = await put(store)
      const neighbours = [record.id.slice(0, -1), `${record.id}A`, `${record.id}\0`, `${record.id} `, '']
      for (const id of [...hostileTexts, ...neighbours, 'x'.repeat(10_000)]) {
        const shown = JSON.stringify(id).slice(0, 60)
        assert.equal(await store.find(id), null, shown)
        assert.equal(await store.save(next(record, { id })), 'gone', shown)
        assert.equal(await store.remove(id), false, shown)
      }
      assert.deepEqual(await store.list('alice'), [record])
    })

    check('ids that differ only in case are different factors', async store => {
      const ids = ['DeFgHi', 'defghi', 'DEFGHI']
      for (const id of ids) await put(store, { id, body: id })
      for (const id of ids) assert.equal((await store.find(id))?.body, id)
      await store.remove('defghi')
      assert.equal((await store.list('alice')).length, 2)
    })

    check('every key keeps its own count', async store => {
      const kept: string[] = []
      for (const [index, text] of hostileTexts.entries()) {
        const key = `known ${text}`
        const outcome = await store.saveFailures(sampleFailures({ key, failures: index + 1 })).catch(() => 'refused')
        assert.notEqual(outcome, 'conflict', JSON.stringify(key).slice(0, 60))
        if (outcome === 'saved') kept.push(key)
      }
      assert.ok(kept.length > hostileTexts.length / 2, 'most users can be counted')
      for (const key of kept) {
        const index = hostileTexts.indexOf(key.slice('known '.length))
        assert.deepEqual(await store.failures(key), sampleFailures({ key, failures: index + 1 }))
      }
      await store.clearFailures(kept.slice(0, -1))
      assert.equal(await store.failures(kept[0] ?? ''), null)
      assert.notEqual(await store.failures(kept.at(-1) ?? ''), null)
    })
  })
}
