import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { sampleAlert, sampleChain, type WatchCheck } from './check.ts'

/** Texts that mean something to SQL, patterns, JSON, JavaScript objects or C strings; no two are equal. */
// biome-ignore format: a table of short texts
const hostileTexts = [
  "'; DROP TABLE entries; --", "' OR '1'='1", "'", '"', '`', '\\', '\\\\', '\\u0000', '\\0', '\\ud800', '%', '_', 'alic_', '$1', '?', ':id',
  '..', '../../etc/passwd', '*', '{a}', 'a:b', '{"$gt":""}', '["a"]', 'null', 'undefined', '__proto__', 'constructor', 'toString',
  '', '\0', 'a', 'a\0', 'a\0b', 'a\nb', 'a\r\nb', '\x1b[31m', '\x7f', ' a', 'a ', ' ', 'Alice', 'ALICE', 'İ', 'i', 'I', 'ß', 'ss', 'é', 'e\u0301',
  '😀', '\u202Egnp.exe', '\uFEFFa', '\uFFFD', '\uFFFF', '\ud800', '\ud801', '\udc00', 'a\ud83d', '<script>', '=1+1',
  'x'.repeat(256), '😀'.repeat(128), '\0'.repeat(256), '\ud800'.repeat(256),
]

/** CS-S3: ids of users and user agents are hostile input. They come back as they were, because MACs are over them, and are never mixed up. */
export function hostile(check: WatchCheck): void {
  describe('CS-S3 hostile texts', () => {
    check('every text of an entry comes back character for character', async store => {
      const entries = sampleChain(hostileTexts.length).map((entry, i) => {
        const text = hostileTexts[i] ?? ''
        return { ...entry, sid: text, userId: text, address: text, userAgent: text, detail: { [text]: text } }
      })
      await store.append(entries)
      assert.deepEqual((await store.entries({ limit: 1_000 })).entries, entries.toReversed())
      for (const entry of entries) {
        const { sid, userId, address } = entry
        for (const query of [{ sid }, { userId }, { address }])
          assert.deepEqual(
            (await store.entries({ limit: 10, ...query })).entries,
            [entry],
            JSON.stringify(query).slice(0, 60),
          )
      }
    })

    check('looking for hostile texts finds nothing and changes nothing', async store => {
      const chain = sampleChain(2)
      await store.append(chain)
      for (const text of hostileTexts) {
        assert.deepEqual((await store.entries({ limit: 1, sid: text })).entries, [])
        assert.deepEqual(await store.chain(text, 0, 10), [])
        assert.equal(await store.prune({ [text]: { seq: 9, mac: '' } }, 10), 0)
        assert.equal(await store.alert(text), null)
        assert.equal(await store.moveAlert(text, 'closed', text, 1), null)
        assert.deepEqual(await store.points([text], 0, 10), [])
      }
      assert.deepEqual((await store.entries({ limit: 10 })).entries, chain.toReversed())
    })

    check('every fingerprint has its own alert, and every text of it comes back', async store => {
      const ids = new Set<string>()
      for (const text of hostileTexts) {
        const about = { fingerprint: text, sid: text, userId: text, address: text, evidence: { [text]: [text] } }
        const { alert, isNew } = await store.raise(sampleAlert(about), 1_000)
        assert.equal(isNew, true, JSON.stringify(text).slice(0, 60))
        assert.deepEqual(await store.alert(alert.id), alert)
        assert.deepEqual([alert.fingerprint, alert.userId, alert.evidence], [text, text, { [text]: [text] }])
        assert.deepEqual((await store.alerts({ limit: 5, userId: text })).alerts, [alert])
        const moved = await store.moveAlert(alert.id, 'acknowledged', text, 5)
        assert.deepEqual(moved?.moved, { by: text, at: 5 })
        ids.add(alert.id)
      }
      assert.equal(ids.size, hostileTexts.length)
    })
  })
}
