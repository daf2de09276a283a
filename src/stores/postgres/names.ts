import { createHash } from 'node:crypto'
import { UsageError } from '../../errors.ts'

/** Where the tables are. */
export interface PostgresPlace {
  /** What the names of all tables and functions begin with: lower-case letters, digits and `_`, at most 30. Default `'latchkey_'`. */
  readonly prefix?: string
  /** The schema they are in, which must exist. Default: the first one of the connection's `search_path`. */
  readonly schema?: string
}

/** What everything in the database is called, quoted for SQL. */
export interface Names {
  readonly records: string
  readonly generations: string
  readonly followers: string
  readonly schema: string
  /** The name of a function or an index. */
  of(name: string): string
  /** The name of an index, which lives in the schema of its table. */
  index(name: string): string
  /** Prefix and schema without quotes, for messages. */
  readonly shown: string
  /** What names of prepared statements begin with: `shown`, or a hash where PostgreSQL would cut it short. */
  readonly key: string
  /** The channel that changes are told on. */
  readonly channel: string
  /** Key of the advisory lock, and what locks of users begin with; a whole number of 64 bits as text. */
  readonly lock: string
}

/** Throws a `UsageError` for names that PostgreSQL would fold, cut short or not understand. */
export function namesFor({ prefix = 'latchkey_', schema }: PostgresPlace): Names {
  if (!/^[a-z_][a-z0-9_]{0,29}$/.test(prefix)) {
    const rule = 'lower-case letters, digits and _, at most 30, not beginning with a digit'
    throw new UsageError(`postgresStore: prefix is ${JSON.stringify(prefix)}: use ${rule}.`)
  }
  if (schema !== undefined && !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(schema)) {
    const rule = 'letters, digits and _, at most 63, not beginning with a digit'
    throw new UsageError(`postgresStore: schema is ${JSON.stringify(schema)}: use ${rule}.`)
  }
  const index = (name: string) => `"${prefix}${name}"`
  const of = (name: string) => (schema === undefined ? index(name) : `"${schema}".${index(name)}`)
  const shown = schema === undefined ? prefix : `${schema}.${prefix}`
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return {
    records: of('records'),
    generations: of('generations'),
    followers: of('followers'),
    schema: of('schema'),
    of,
    index,
    shown,
    key: shown.length <= 45 ? shown : hash(shown).toString('hex').slice(0, 16),
    channel: `${prefix}changes`,
    lock: hash(`latchkey ${prefix}`).readBigInt64BE().toString(),
  }
}
