import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { sqliteFactors } from 'latchkey/mfa/stores/sqlite'
import { factorStoreContract } from 'latchkey/testing'

const directory = mkdtempSync(join(tmpdir(), 'latchkey-factors-contract-'))
after(() => rmSync(directory, { recursive: true }))

let opened = 0
const file = () => join(directory, `${opened}.db`)

factorStoreContract(
  'sqlite',
  () => {
    opened += 1
    return sqliteFactors(file())
  },
  { reopen: () => sqliteFactors(file()) },
)
