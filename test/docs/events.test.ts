import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { auditCatalogue } from 'latchkey/watch'
import { eventPage, eventPageText, writeEventPage } from '../../tools/event-catalogue.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, eventPage), 'utf8')

it('ASVS 16.1.1: the page of events is what the source says', () => {
  assert.ok(page === eventPageText(root), `${eventPage} is out of date: run \`${writeEventPage}\`.`)
})

it('ASVS 16.1.1: every event there is has its row, and there is no other; and one that says what it is in other schemas', () => {
  const [described = '', mapped = ''] = page.split('## In other schemas')
  for (const part of [described, mapped]) {
    const rows = [...part.matchAll(/^\| `([a-z-]+\.[a-z-]+)` \|/gm)].map(([, type]) => type)
    assert.deepEqual(rows.sort(), Object.keys(auditCatalogue).sort())
  }
})
