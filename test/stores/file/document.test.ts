import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import {
  decodeIntent,
  decodeRecord,
  encodeIntent,
  encodeRecord,
  kindOf,
  NewerFormatError,
  nameOf,
} from '../../../src/stores/file/document.ts'

/** Any JavaScript string, lone surrogates included. */
const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map(unit => String.fromCharCode(unit)) })

describe('file names', () => {
  test('CS-S3: any sid becomes a name of hex digits that no path, case or device can get out of', () => {
    fc.assert(fc.property(anyText, sid => /^([0-9a-f]{44}|[0-9a-f]{64})$/.test(nameOf(sid))))
  })

  test('two sids never share a name, not even on a disk that ignores case', () => {
    fc.assert(fc.property(anyText, anyText, (a, b) => a === b || nameOf(a) !== nameOf(b)))
    const sid = 'AbCdEfGhIjKlMnOpQrStUw'
    const alike = [sid, sid.toLowerCase(), `${sid}\0`, '\ud800', '\ud801', '\ufffd', '', 'x'.repeat(100_000)]
    assert.equal(new Set(alike.map(one => nameOf(one).toLowerCase())).size, alike.length)
  })

  test('an operator can read the sid off the name, also when the content is lost', () => {
    const { sid } = sampleRecord()
    assert.equal(Buffer.from(nameOf(sid), 'hex').toString(), sid)
  })

  test('files that are not ours are told apart', () => {
    const name = nameOf(sampleRecord().sid)
    const kinds: [string, ReturnType<typeof kindOf>][] = [
      [`${name}.json`, { kind: 'record', name }],
      [`${name}.0123456789abcdef.corrupt`, { kind: 'corrupt', name }],
      ['12.tmp', { kind: 'temporary' }],
      ['0f1e2d3c-0000-4000-8000-000000000000.intent', { kind: 'intent' }],
      ['README', null],
      [`${name}.json.bak`, null],
      [`${name.toUpperCase()}A.json`, null],
      [`${name}.json\n`, null],
      ['lock', null],
      ['generations.json', null],
      ['.', null],
    ]
    for (const [file, kind] of kinds) assert.deepEqual(kindOf(file), kind, file)
  })
})

describe('documents', () => {
  const record = sampleRecord({ userId: 'alice', body: 'b-_"\\\u0000é😀' })
  const name = nameOf(record.sid)
  const text = encodeRecord(record)

  test('any record comes back as it was written', () => {
    const instant = fc.oneof(fc.integer(), fc.double({ min: 1, max: 1e300, noNaN: true }))
    const version = fc.integer({ min: 1 })
    fc.assert(
      fc.property(
        anyText,
        fc.option(anyText),
        anyText,
        version,
        instant,
        fc.boolean(),
        (sid, userId, body, version, at, over) => {
          const ended = over ? sampleMark({ at, keepUntil: at, successor: sid }) : null
          const any = { sid, userId, body, version, createdAt: at, lastSeenAt: at, expiresAt: at, ended }
          assert.deepEqual(decodeRecord(encodeRecord(any), nameOf(sid)), any)
        },
      ),
    )
  })

  test('a file cut short anywhere is damaged', () => {
    for (let length = 0; length < text.length; length += 1)
      assert.equal(decodeRecord(text.slice(0, length), name), null)
  })

  test('a flipped bit anywhere is damaged', () => {
    const bytes = Buffer.from(text)
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const damaged = Buffer.from(bytes)
      damaged[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.equal(decodeRecord(damaged.toString(), name), null, `bit ${bit}: ${damaged}`)
    }
  })

  test('any other text is damaged', () => {
    fc.assert(fc.property(fc.oneof(anyText, fc.json()), other => decodeRecord(other, name) === null))
  })

  test('a record of another session is damaged under this name', () => {
    assert.equal(decodeRecord(encodeRecord(sampleRecord()), name), null)
  })

  const wrongShapes: Record<string, unknown> = {
    'not an object': 'x',
    null: null,
    'an array': [record],
    'no sid': { ...record, sid: undefined },
    'version zero': { ...record, version: 0 },
    'a version with a fraction': { ...record, version: 1.5 },
    'a version as text': { ...record, version: '1' },
    'a user that is a number': { ...record, userId: 7 },
    'no user': { ...record, userId: undefined },
    'an expiry as text': { ...record, expiresAt: '2026' },
    'an expiry that was Infinity': { ...record, expiresAt: Number.POSITIVE_INFINITY },
    'ended: true': { ...record, ended: true },
    'ended left out': { ...record, ended: undefined },
    'an unknown reason': { ...record, ended: { ...sampleMark(), reason: 'because' } },
    'a reason of Object.prototype': { ...record, ended: { ...sampleMark(), reason: 'toString' } },
    'a mark without an instant': { ...record, ended: { ...sampleMark(), at: undefined } },
    'a successor that is no text': { ...record, ended: { ...sampleMark(), successor: 1 } },
    'no body': { ...record, body: undefined },
  }
  for (const [kind, content] of Object.entries(wrongShapes)) {
    test(`a wrong shape is damaged even with a right checksum: ${kind}`, () => {
      const json = JSON.stringify(content)
      assert.equal(decodeRecord(`{"format":1,"crc32":${crc32(json, 1)},"content":${json}}`, name), null)
    })
  }

  test('what could not be read back is not written', () => {
    assert.throws(() => encodeRecord({ ...record, expiresAt: Number.NaN }), TypeError)
    assert.throws(() => encodeRecord({ ...record, version: 0 }), TypeError)
  })

  test('a file of a later format is not taken for a damaged one', () => {
    const json = '{"anything":true}'
    assert.throws(
      () => decodeRecord(`{"format":2,"crc32":${crc32(json, 2)},"content":${json}}`, name),
      NewerFormatError,
    )
  })

  test('an intent comes back as it was written, and a damaged one does not', () => {
    const intent = { mark: sampleMark(), sids: [record.sid, 'x\0'], created: record }
    assert.deepEqual(decodeIntent(encodeIntent(intent)), intent)
    assert.equal(decodeIntent(encodeIntent(intent).slice(0, -1)), null)
    assert.equal(decodeIntent(text), null)
  })
})
