import { after, before, describe } from 'node:test'
import { postgresPath } from '../../tools/provision.ts'
import { type PostgresServer, postgresServer } from '../../tools/servers/postgres.ts'

export { type PostgresServer, password, user } from '../../tools/servers/postgres.ts'

/**
 * A suite of tests that share one PostgreSQL. Where it is not installed, the suite is skipped, which `npm test` counts and
 * names; under CI=true it fails instead.
 */
export function describeWithPostgres(
  name: string,
  tests: (server: PostgresServer) => void,
  settings: Readonly<Record<string, string>> = {},
): void {
  const missing = 'PostgreSQL is missing. Install it: node tools/provision.ts'
  const skip = postgresPath() === null && process.env.CI !== 'true' ? missing : false

  describe(name, { skip }, () => {
    const server = postgresServer(settings)
    before(() => server.create())
    after(() => server.stop())
    tests(server)
  })
}
