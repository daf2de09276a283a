import { join } from 'node:path'
import { afterEach, describe } from 'node:test'
import type { Database } from '../../app/database.ts'
import { openPostgres } from '../../app/postgres-database.ts'
import { openSqlite } from '../../app/sqlite-database.ts'
import { describeWithPostgres, type PostgresServer } from '../servers/postgres.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** An empty place for a database. */
export interface Place {
  readonly kind: 'sqlite' | 'postgres'
  /** Opens it, as each start of Campus does; closed after the test. */
  open(): Promise<Database>
}

/** Runs a suite on every database that Campus's own data may be in. `newPlace` makes an empty one for a test. */
export function describeOnEveryDatabase(name: string, tests: (newPlace: () => Promise<Place>) => void): void {
  describe(`${name}, in SQLite`, () => tests(placesFor('sqlite', async () => sqlitePlace())))
  describeWithPostgres(`${name}, in PostgreSQL`, server => tests(placesFor('postgres', () => postgresPlace(server))))
}

function placesFor(
  kind: Place['kind'],
  opener: () => Promise<() => Database | Promise<Database>>,
): () => Promise<Place> {
  const opened: Database[] = []
  afterEach(() => Promise.all(opened.splice(0).map(database => database.close())))
  return async () => {
    const openPlace = await opener()
    const open = async () => {
      const database = await openPlace()
      opened.push(database)
      return database
    }
    return { kind, open }
  }
}

function sqlitePlace(): () => Database {
  const file = join(temporaryDirectory(), 'campus.db')
  return () => openSqlite(file)
}

let databases = 0

async function postgresPlace(server: PostgresServer): Promise<() => Promise<Database>> {
  databases += 1
  const database = `campus_${databases}`
  await server.sql(`CREATE DATABASE ${database}`)
  return () => openPostgres(server.url({ database }))
}
