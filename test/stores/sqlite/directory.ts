import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

/** A directory for the database files of one test file, removed afterwards. */
const directory = mkdtempSync(join(tmpdir(), 'latchkey-sqlite-'))
after(() => rmSync(directory, { recursive: true }))

let files = 0

/** The path of a database that does not exist yet. */
export function freshPath(): string {
  files += 1
  return join(directory, `${files}.db`)
}
