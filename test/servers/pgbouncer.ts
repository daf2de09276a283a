import { after, before, describe } from 'node:test'
import { pgbouncerPath } from '../../tools/provision.ts'
import { type Pgbouncer, startPgbouncer } from '../../tools/servers/pgbouncer.ts'
import { describeWithPostgres, type PostgresServer } from './postgres.ts'

/** A suite on a PgBouncer in front of a PostgreSQL of its own. Skipped like that, or failed under CI=true, where one is missing. */
export function describeWithPgbouncer(
  name: string,
  mode: 'transaction' | 'session',
  tests: (server: PostgresServer, url: () => string) => void,
): void {
  const missing = 'PgBouncer is missing. Install it: node tools/provision.ts'
  const skip = pgbouncerPath() === null && process.env.CI !== 'true' ? missing : false

  describeWithPostgres(name, server => {
    describe(`in ${mode} mode`, { skip }, () => {
      let pgbouncer: Pgbouncer | null = null
      before(async () => {
        pgbouncer = await startPgbouncer(server, mode, 10)
      })
      after(() => pgbouncer?.stop())
      tests(server, () => pgbouncer?.url ?? '')
    })
  })
}
