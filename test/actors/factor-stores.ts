import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe } from 'node:test'
import type { FactorStore } from 'latchkey/mfa'
import { memoryFactors } from 'latchkey/mfa/stores/memory'
import { migrateFactors, postgresFactors } from 'latchkey/mfa/stores/postgres'
import { sqliteFactors } from 'latchkey/mfa/stores/sqlite'
import { describeWithPostgres } from '../servers/postgres.ts'

/** A place for factors, as several nodes see it. */
export interface FactorPlaceUnderTest {
  /** Another node's store over the same place. The first call finds it empty. */
  open(): FactorStore
  /** Everything that is kept there, as whoever stole it reads it: a character for each byte. */
  dump(): Promise<string>
}

type NewPlace = () => Promise<FactorPlaceUnderTest>

/** Runs a suite once on every factor store. */
export function onEveryFactorStore(name: string, suite: (newPlace: NewPlace) => void): void {
  describe(`${name} (memory)`, () => {
    suite(async () => {
      const store = memoryFactors()
      const written: unknown[] = []
      const noting = <T>(thing: T): T => {
        written.push(thing)
        return thing
      }
      const watched: FactorStore = {
        ...forwarding(store),
        create: record => store.create(noting(record)),
        save: record => store.save(noting(record)),
        saveFailures: count => store.saveFailures(noting(count)),
      }
      return { open: () => watched, dump: async () => JSON.stringify(written) }
    })
  })

  describe(`${name} (sqlite)`, () => {
    const root = mkdtempSync(join(tmpdir(), 'latchkey-factors-'))
    after(() => rmSync(root, { recursive: true, force: true }))
    let places = 0
    suite(async () => {
      const file = join(root, `${places++}.db`)
      const files = () => globSync(`${file}*`).map(path => readFileSync(path, 'latin1'))
      return { open: () => sqliteFactors(file, { lockTimeout: '30s' }), dump: async () => files().join('\n') }
    })
  })

  describeWithPostgres(`${name} (postgres)`, server => {
    let places = 0
    suite(async () => {
      const prefix = `place_${places++}_`
      await migrateFactors(server.pool(), { prefix })
      const dumped = (table: string) => server.sql(`SELECT * FROM ${prefix}${table}`)
      return {
        open: () => postgresFactors(server.pool({ max: 4 }), { prefix, queryTimeout: '60s' }),
        dump: async () => JSON.stringify([await dumped('factors'), await dumped('factor_failures')]),
      }
    })
  })
}

/** A store that passes everything on to another; a test replaces what it wants to be different. */
export function forwarding(store: FactorStore): FactorStore {
  return {
    name: store.name,
    find: id => store.find(id),
    list: userId => store.list(userId),
    create: record => store.create(record),
    save: record => store.save(record),
    remove: id => store.remove(id),
    removeUser: userId => store.removeUser(userId),
    failures: key => store.failures(key),
    saveFailures: count => store.saveFailures(count),
    clearFailures: keys => store.clearFailures(keys),
    forgetFailures: (before, limit) => store.forgetFailures(before, limit),
    ping: () => store.ping(),
    close: () => store.close(),
  }
}
