import { toColumn } from '../../../databases/column-text.ts'
import type { AuditEntry } from '../../entry.ts'
import { severities } from '../../severities.ts'
import { whole } from '../rows.ts'
import type { Connection } from './connection.ts'

/** The number under which a chain is stored; looked up, or made, once in a transaction. */
export function chainIds(connection: Connection): (chain: string) => number {
  const select = 'SELECT id FROM chains WHERE chain = ?'
  const insert = 'INSERT INTO chains (chain) VALUES (?) RETURNING id'
  return remembered(chain => {
    const [id] = connection.row(select, toColumn(chain)) ?? connection.row(insert, toColumn(chain)) ?? []
    return whole(id)
  })
}

/** The same for type and severity. */
export function kindIds(connection: Connection): (entry: AuditEntry) => number {
  const select = 'SELECT id FROM kinds WHERE type = ? AND severity = ?'
  const insert = 'INSERT INTO kinds (type, severity) VALUES (?, ?) RETURNING id'
  const idOf = severities.map((_, severity) =>
    remembered(type => {
      const [id] =
        connection.row(select, toColumn(type), severity) ?? connection.row(insert, toColumn(type), severity) ?? []
      return whole(id)
    }),
  )
  return ({ type, severity }) => {
    const id = idOf[severities.indexOf(severity)]?.(type)
    if (id === undefined) throw new TypeError(`${severity} is no severity.`)
    return id
  }
}

function remembered(find: (text: string) => number): (text: string) => number {
  const known = new Map<string, number>()
  return text => {
    const id = known.get(text) ?? find(text)
    known.set(text, id)
    return id
  }
}
