import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { it } from 'node:test'
import { fillStandardsPage, standardsPage, standardsPageText } from '../../tools/standards-proofs.ts'

const root = join(import.meta.dirname, '../..')
const { rows } = standardsPageText(root)
const hint = `Run \`${fillStandardsPage}\`.`

it(`${standardsPage} shows only proofs that name the requirement`, () => {
  for (const { ids, proofs, shown } of rows)
    for (const file of shown) assert.ok(proofs.includes(file), `${file} does not name ${ids}. ${hint}`)
})

it(`${standardsPage} shows a proof of all that Latchkey promises`, () => {
  assert.ok(rows.length > 100, 'the rows are not read as they should be')
  const promised = rows.filter(({ by }) => by.includes('Latchkey'))
  assert.deepEqual(
    promised.filter(({ shown }) => shown.length === 0).map(({ ids }) => ids),
    [],
    hint,
  )
})

it(`${standardsPage} names every suite of test/standards, and no other`, () => {
  const suites = globSync('test/standards/*.test.ts', { cwd: root }).map(file =>
    basename(file).slice(0, 3).toUpperCase(),
  )
  const named = readFileSync(join(root, standardsPage), 'utf8').match(/\bT\d\d\b/g)
  assert.deepEqual([...new Set(named)].sort(), [...new Set(suites)].sort(), 'Name it in the section "The suites".')
})
