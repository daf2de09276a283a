import type { PostgresPool } from '../stores/postgres.ts'

/** What commands need of the package `pg`, which is there for those who use PostgreSQL only. */
export interface PostgresDriver {
  readonly Pool: new (options: {
    connectionString: string
    max: number
    connectionTimeoutMillis: number
  }) => PostgresPool & { end(): Promise<void> }
}

/** Whether a text is the address of a PostgreSQL. It may hold a password: it is never shown. */
export function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//.test(text)
}

/** The package, or `null` when it is not installed. */
export async function loadPostgresDriver(): Promise<PostgresDriver | null> {
  const name: string = 'pg'
  try {
    const loaded: { readonly default: PostgresDriver } = await import(name)
    return loaded.default
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return null
    throw error
  }
}
