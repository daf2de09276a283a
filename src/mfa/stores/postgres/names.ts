import { createHash } from 'node:crypto'
import { UsageError } from '../../../errors.ts'

/** Where the tables of factors are. */
export interface FactorPlace {
  /** What the names of all tables begin with: lower-case letters, digits and `_`, at most 30. Default `'latchkey_'`. */
  readonly prefix?: string
  /** The schema they are in, which must exist. Default: the first one of the connection's `search_path`. */
  readonly schema?: string
}

/** What everything in the database is called, quoted for SQL. */
export interface FactorNames {
  readonly factors: string
  readonly failures: string
  readonly schema: string
  /** The name of an index, which lives in the schema of its table. */
  index(name: string): string
  /** Prefix and schema without quotes, for messages. */
  readonly shown: string
  /** Key of the advisory lock of migrations; a whole number of 64 bits as text. */
  readonly lock: string
}

/** Throws a `UsageError` for names that PostgreSQL would fold, cut short or not understand. */
export function namesFor({ prefix = 'latchkey_', schema }: FactorPlace): FactorNames {
  if (!/^[a-z_][a-z0-9_]{0,29}$/.test(prefix)) {
    const rule = 'lower-case letters, digits and _, at most 30, not beginning with a digit'
    throw new UsageError(`postgresFactors: prefix is ${JSON.stringify(prefix)}: use ${rule}.`)
  }
  if (schema !== undefined && !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(schema)) {
    const rule = 'letters, digits and _, at most 63, not beginning with a digit'
    throw new UsageError(`postgresFactors: schema is ${JSON.stringify(schema)}: use ${rule}.`)
  }
  const index = (name: string) => `"${prefix}${name}"`
  const of = (name: string) => (schema === undefined ? index(name) : `"${schema}".${index(name)}`)
  return {
    factors: of('factors'),
    failures: of('factor_failures'),
    schema: of('factor_schema'),
    index,
    shown: schema === undefined ? prefix : `${schema}.${prefix}`,
    lock: createHash('sha256').update(`latchkey factors ${prefix}`).digest().readBigInt64BE().toString(),
  }
}
