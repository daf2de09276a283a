import { before } from 'node:test'
import { migratePostgres, postgresStore } from 'latchkey/stores/postgres'
import { oneUse } from '../../actors/one-use.ts'
import { startAnotherNode, startServer } from '../../actors/server.ts'
import { describeWithPostgres } from '../../servers/postgres.ts'

describeWithPostgres('T12 what is good once, on two nodes over PostgreSQL', server => {
  before(() => migratePostgres(server.pool()))

  oneUse(async () => {
    await server.sql('TRUNCATE latchkey_records, latchkey_generations')
    const policy = { atIdle: 'lock' } as const
    const first = startServer({ store: postgresStore(server.pool()), policy })
    return [first, startAnotherNode(first, { store: postgresStore(server.pool()), policy })]
  })
})
