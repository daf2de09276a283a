import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { StoredRecord } from '../../session/store.ts'
import { sampleMark, sampleRecord } from '../sample-record.ts'
import { type Check, next, put } from './check.ts'

/** Texts that mean something to SQL, file systems, key patterns, JSON, JavaScript objects or C strings. */
// biome-ignore format: a table of short texts
const hostileTexts = [
  "'; DROP TABLE records; --", "' OR '1'='1", '"', '`', ';', '--', '\\', '\\u0000', '\\0', '%', '_', 'alic_', 'a%',
  '.', '..', '/', '../../etc/passwd', '..\\..\\win.ini', '/etc/passwd', 'a/b', 'a\\b', 'C:\\con', 'nul', '~', '%00', '%2e%2e%2f',
  '\0', 'a', 'a\0', 'a\0b', 'a\0c', 'a\tb', 'a\nb', 'a\r\nb', '\x1b[31m', '\x7f', ' a', 'a ', ' ',
  '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'null', 'undefined', 'NaN', '0', '-1', 'true',
  '*', '?', '[a-z]', '{a}', 'a:b', 'a:*', 'a|b', 'a,b', '$where', '{"$gt":""}', '<script>', '{{7*7}}',
  'Alice', 'alice', 'ALICE', 'İ', 'i', 'I', 'ı', 'ß', 'ss', 'é', 'e\u0301', 'ﬁ', 'fi',
  '😀', '😁', '👩‍👩‍👧', '\u202Egnp.exe', '\uFEFFa', 'a\u200b', '\uFFFD', '\uFFFF',
  'x'.repeat(256), `${'x'.repeat(255)}y`, '😀'.repeat(128), '\0'.repeat(256),
]

/** Bodies that encodings, columns and line formats like to change. */
const bodies: Record<string, string> = {
  'empty text': '',
  base64url: 'eyJ2IjoxfQ-_',
  '100,000 characters': 'a-Z_9'.repeat(20_000),
  '100,000 characters of four bytes': '😀'.repeat(50_000),
  JSON: '{"a":"\\u0000","b":[null,"\\""]}',
  'quotes and backslashes': `'"\`\\\\'' "" \\n`,
  'line ends and white space': ' \t\n\r\n\r\u2028\u2029\u00a0 ',
  'NUL and control characters': '\0a\0\x01\x1a\x1b\x7f\0',
  'composed and decomposed': 'é e\u0301 Å \u212b ﬁ',
  'byte order marks and noncharacters': '\uFEFFa\uFFFE\uFFFF\uFFFD',
  'many scripts': 'Ωмאעदेव日本語한국어🏳️‍🌈',
}

/** CS-S3: sids, user ids and bodies are hostile input. */
export function hostile(check: Check): void {
  describe('CS-S3 hostile texts', () => {
    for (const [kind, body] of Object.entries(bodies)) {
      check(`a body comes back character for character: ${kind}`, async store => {
        const record = await put(store, { body })
        assert.ok((await store.read(record.sid))?.body === body, 'after create')
        assert.equal(await store.save(next(record, { body: `${body}.${body}` }), { durable: false }), 'saved')
        assert.ok((await store.read(record.sid))?.body === `${body}.${body}`, 'after save')
        assert.ok((await store.list('alice'))[0]?.body === `${body}.${body}`, 'in a list')
        assert.ok((await store.end(record.sid, sampleMark()))?.body === `${body}.${body}`, 'as it was before the end')
      })
    }

    check('every user id keeps its own records, list, generation and end', async store => {
      const records = new Map<string, StoredRecord>()
      for (const userId of hostileTexts) records.set(userId, await put(store, { userId }))
      for (const [userId, record] of records) {
        assert.deepEqual(await store.read(record.sid), record)
        assert.deepEqual(await store.list(userId), [record])
      }
      const bystander = await store.generation('bystander')
      for (const [userId, record] of records) {
        const generation = await store.generation(userId)
        assert.deepEqual(await store.endUser(userId, sampleMark()), [record], 'nobody ended it for this user before')
        assert.notEqual(await store.generation(userId), generation)
      }
      assert.equal(await store.generation('bystander'), bystander)
    })

    check('looking for a hostile sid finds nothing and changes nothing', async store => {
      const record = await put(store)
      const neighbours = [
        record.sid.slice(0, -1),
        `${record.sid}A`,
        `${record.sid}\0`,
        `./${record.sid}`,
        `${record.sid}.tmp`,
        `${record.sid} `,
      ]
      for (const sid of [...hostileTexts, ...neighbours, '', 'x'.repeat(10_000)]) {
        const shown = JSON.stringify(sid).slice(0, 60)
        assert.equal(await store.read(sid), null, shown)
        assert.equal(await store.save(next(record, { sid }), { durable: false }), 'gone', shown)
        await store.touch(sid, record.lastSeenAt + 1, record.expiresAt + 1)
        assert.equal(await store.end(sid, sampleMark()), null, shown)
        assert.deepEqual(await store.endUser('bob', sampleMark(), sid), [], shown)
      }
      assert.deepEqual(await store.list('alice'), [record])
    })

    check('a record under a hostile sid is refused or kept apart from every other', async store => {
      const kept: StoredRecord[] = []
      for (const sid of [...hostileTexts, 'x'.repeat(10_000)]) {
        const record = sampleRecord({ sid })
        const result = await store.create(record, { now: record.createdAt }).catch(() => ({ outcome: 'refused' }))
        assert.notEqual(result.outcome, 'exists', JSON.stringify(sid).slice(0, 60))
        if (result.outcome === 'created') kept.push(record)
      }
      for (const record of kept) assert.deepEqual(await store.read(record.sid), record)
      assert.equal((await store.list('alice')).length, kept.length)
      for (const record of kept) assert.deepEqual(await store.end(record.sid, sampleMark()), record)
    })

    check('sids that differ only in case are different sessions', async store => {
      const start = sampleRecord().sid.slice(0, 3) // which all sids of a user have in common
      const rest = 'DeFgHiJkLmNoPqRsTuw'
      const sid = start + rest
      const variants = [sid, start + rest.toLowerCase(), start + rest.toUpperCase()]
      for (const variant of variants) await put(store, { sid: variant, body: variant })
      for (const variant of variants) assert.equal((await store.read(variant))?.body, variant)
      await store.end(sid, sampleMark())
      assert.equal((await store.list('alice')).length, 2)
    })
  })
}
