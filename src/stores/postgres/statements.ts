import type { Prepared } from './database.ts'
import type { Names } from './names.ts'
import { columns } from './rows.ts'

/** What the store asks PostgreSQL. All names of one place differ from those of another: a connection serves both. */
export interface Statements {
  readonly read: Prepared
  readonly readMany: Prepared
  readonly create: Prepared
  readonly save: Prepared
  readonly touch: Prepared
  readonly end: Prepared
  readonly endUser: Prepared
  readonly endEverybody: Prepared
  readonly generation: Prepared
  readonly list: Prepared
  readonly sweep: Prepared
  readonly page: Prepared
  readonly count: Prepared
  readonly sample: Prepared
  readonly ping: Prepared
}

/** The statements, for tables of these names. */
export function statementsFor({ records, of, key }: Names): Statements {
  const named = (name: string, text: string): Prepared => ({ name: `${key}${name}`, text })
  // Once per statement, not per row: the function depends on no column.
  const onPrimary = `${of('on_primary')}()`
  return {
    read: named('read', `SELECT ${columns} FROM ${records} WHERE sid = $1 AND ${onPrimary}`),
    readMany: named('read_many', `SELECT ${columns} FROM ${records} WHERE sid = ANY ($1::text[]) AND ${onPrimary}`),
    create: named(
      'create',
      `SELECT * FROM ${of('create')}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    ),
    save: named('save', `SELECT unnest(${of('save')}($1, $2, $3, $4, $5, $6, $7))`),
    touch: named('touch', `SELECT ${of('touch')}($1, $2, $3)`),
    end: named('end', `SELECT * FROM ${of('end')}($1, $2, $3)`),
    endUser: named('end_user', `SELECT * FROM ${of('end_user')}($1, $2, $3, $4)`),
    endEverybody: named('end_everybody', `SELECT ${of('end_everybody')}($1, $2)`),
    generation: named('generation', `SELECT ${of('generation_of')}($1) WHERE ${onPrimary}`),
    list: named(
      'list',
      `SELECT ${columns} FROM ${records} WHERE user_id = $1 AND ended IS NULL AND ${onPrimary} ORDER BY created_at DESC, sid`,
    ),
    sweep: named('sweep', `SELECT * FROM ${of('sweep')}($1, $2)`),
    page: named(
      'page',
      `SELECT ${columns} FROM ${records} WHERE ended IS NULL AND (created_at, sid) < ($1::bigint, $2::text) AND ${onPrimary} ORDER BY created_at DESC, sid DESC LIMIT $3`,
    ),
    count: named('count', `SELECT count(*) FROM ${records} WHERE ended IS NULL AND ${onPrimary}`),
    // Of each page all rows or none, so that no others are read.
    sample: named(
      'sample',
      `SELECT ${columns} FROM ${records} TABLESAMPLE SYSTEM ($1::real) WHERE ended IS NULL AND ${onPrimary}`,
    ),
    ping: named('ping', `SELECT ${of('ping')}()`),
  }
}
