import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after } from 'node:test'
import { watchStoreContract } from 'latchkey/testing'
import { sqliteWatch } from 'latchkey/watch/stores/sqlite'

const directory = mkdtempSync(join(tmpdir(), 'latchkey-watch-contract-'))
after(() => rmSync(directory, { recursive: true }))

let opened = 0
const file = () => join(directory, `${opened}.db`)

watchStoreContract(
  'sqlite',
  () => {
    opened += 1
    return sqliteWatch(file())
  },
  {
    reopen: () => sqliteWatch(file()),
    async damage(_, { chain, seq }) {
      const database = new DatabaseSync(file())
      const damage =
        "INSERT OR IGNORE INTO kinds (type, severity) VALUES ('x', 9); UPDATE entries SET kind = (SELECT id FROM kinds WHERE severity = 9)"
      database.exec(`${damage} WHERE seq = ${seq} AND chain = (SELECT id FROM chains WHERE chain = '${chain}')`)
      database.close()
    },
  },
)
