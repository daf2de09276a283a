import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { storeContract } from 'latchkey/testing'

const directory = mkdtempSync(join(tmpdir(), 'latchkey-sqlite-contract-'))
after(() => rmSync(directory, { recursive: true }))

let opened = 0
const file = () => join(directory, `${opened}.db`)

storeContract(
  'sqlite',
  () => {
    opened += 1
    return sqliteStore(file())
  },
  { directory: true, reopen: () => sqliteStore(file()) },
)
