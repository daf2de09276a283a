import { createHash } from 'node:crypto'
import { UsageError } from '../../errors.ts'

/** Where the tables are. */
export interface Place {
  /** What the names of all tables and functions begin with: lower-case letters, digits and `_`, at most 30. Default `'latchkey_'`. */
  readonly prefix?: string
  /** The schema they are in, which must exist. Default: the first one of the connection's `search_path`. */
  readonly schema?: string
}

/** How things in the database are called, quoted for SQL. */
export interface Naming {
  /** The name of a table or a function. */
  of(name: string): string
  /** The name of an index, which lives in the schema of its table. */
  index(name: string): string
  /** What they begin with. */
  readonly prefix: string
  /** Prefix and schema without quotes, for messages. */
  readonly shown: string
  /** Key of the advisory lock of migrations, and what other locks begin with; a whole number of 64 bits as text. */
  readonly lock: string
}

/** Whose names they are. */
export interface Owner {
  /** Whom messages name: the function that the user called. */
  readonly caller: string
  /** What tells its tables from others, and its locks. */
  readonly application: string
  /** What stands between the prefix and every name. Default: nothing. */
  readonly infix?: string
}

/** Throws a `UsageError` for names that PostgreSQL would fold, cut short or not understand. */
export function namingFor({ prefix = 'latchkey_', schema }: Place, { caller, application, infix = '' }: Owner): Naming {
  if (!/^[a-z_][a-z0-9_]{0,29}$/.test(prefix)) {
    const rule = 'lower-case letters, digits and _, at most 30, not beginning with a digit'
    throw new UsageError(`${caller}: prefix is ${JSON.stringify(prefix)}: use ${rule}.`)
  }
  if (schema !== undefined && !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(schema)) {
    const rule = 'letters, digits and _, at most 63, not beginning with a digit'
    throw new UsageError(`${caller}: schema is ${JSON.stringify(schema)}: use ${rule}.`)
  }
  const index = (name: string) => `"${prefix}${infix}${name}"`
  return {
    of: name => (schema === undefined ? index(name) : `"${schema}".${index(name)}`),
    index,
    prefix,
    shown: schema === undefined ? prefix : `${schema}.${prefix}`,
    lock: createHash('sha256').update(`${application} ${prefix}`).digest().readBigInt64BE().toString(),
  }
}
