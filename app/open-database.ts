import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Database, DatabaseFailure } from './database.ts'
import { OptionError, placeOf, reasonOf, type UsersChoice } from './options.ts'
import { openSqlite } from './sqlite-database.ts'

/** Opens the database that was chosen; throws an {@link OptionError} when its place cannot be used. */
export async function openDatabase(choice: UsersChoice): Promise<Database> {
  try {
    if (choice.kind === 'postgres') {
      // The driver is loaded here, so that whoever keeps accounts in a file needs none.
      const { openPostgres } = await import('./postgres-database.ts')
      return await openPostgres(choice.url)
    }
    mkdirSync(dirname(choice.file), { recursive: true, mode: 0o700 })
    return openSqlite(choice.file)
  } catch (error) {
    const reason = reasonOf(error instanceof DatabaseFailure ? error.cause : error)
    throw new OptionError(`--users ${placeOf(choice)} cannot be opened (${reason}): choose one that Campus can use.`)
  }
}
