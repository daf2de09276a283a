import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { eventCatalogue } from 'latchkey'
import { eventPage, eventPageText, writeEventPage } from '../../tools/event-catalogue.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, eventPage), 'utf8')

it('ASVS 16.1.1: the page of events is what the source says', () => {
  assert.ok(page === eventPageText(root), `${eventPage} is out of date: run \`${writeEventPage}\`.`)
})

it('ASVS 16.1.1: every event there is has its row, and there is no other', () => {
  const rows = [...page.matchAll(/^\| `([a-z-]+\.[a-z-]+)` \|/gm)].map(([, type]) => type)
  assert.deepEqual(rows.sort(), Object.keys(eventCatalogue).sort())
})
