import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromColumn, toColumn } from '../../src/databases/column-text.ts'

/** Any UTF-16, lone surrogates too, with much of what is escaped. */
const texts = fc.oneof(
  fc.string({ unit: fc.constantFrom('\0', '\\', 'u', '0', '"', 'a', '\n', '\ud800', '\udc00', '😀') }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xff_ff }).map(code => String.fromCharCode(code)) }),
)

test('CS-S3: every text comes back from a column as it was, and no two are stored alike', () => {
  const database = new DatabaseSync(':memory:')
  database.exec('CREATE TABLE texts (text TEXT NOT NULL) STRICT')
  const insert = database.prepare('INSERT INTO texts VALUES (?)')
  const select = database.prepare('SELECT text FROM texts')
  fc.assert(
    fc.property(texts, texts, (text, other) => {
      database.exec('DELETE FROM texts')
      insert.run(toColumn(text))
      assert.equal(fromColumn(String(select.get()?.text)), text)
      if (other !== text) assert.notEqual(toColumn(other), toColumn(text))
    }),
    { numRuns: 500 },
  )
})

test('ordinary user ids are stored as they are', () => {
  for (const text of ['alice', 'alice@example.org', '"quoted"', "O'Brien", 'Ωмאع😀']) assert.equal(toColumn(text), text)
})
