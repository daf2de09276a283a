import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { sqliteFactors } from 'latchkey/mfa/stores/sqlite'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { sqliteWatch } from 'latchkey/watch/stores/sqlite'

const directory = mkdtempSync(join(tmpdir(), 'latchkey-open-'))
after(() => rmSync(directory, { recursive: true }))

const users = { sqliteStore, sqliteFactors, sqliteWatch }
const names = Object.keys(users) as (keyof typeof users)[]

for (const owner of names) {
  test(`nobody else opens the file of ${owner}, and it stays as it was`, async () => {
    const file = join(directory, `${owner}.db`)
    await users[owner](file).close?.()
    const before = readFileSync(file)
    for (const other of names.filter(name => name !== owner)) {
      const message = new RegExp(`^${other}: .+${owner}\\.db is a database of (another program|something else)`)
      assert.throws(() => users[other](file), { name: 'UsageError', message })
    }
    assert.deepEqual(readFileSync(file), before)
    await users[owner](file).close?.()
  })
}

test('where there is no directory, each says so in its own name', () => {
  const file = join(directory, 'nowhere', 'x.db')
  for (const name of names) {
    const message = `${name}: the directory of ${file} does not exist. Create it, with mode 0700.`
    assert.throws(() => users[name](file), { name: 'UsageError', message })
  }
})
