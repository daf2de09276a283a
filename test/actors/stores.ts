import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe } from 'node:test'
import type { SessionStore } from 'latchkey'
import { fileStore } from 'latchkey/stores/file'
import { memoryStore } from 'latchkey/stores/memory'
import { sealedStore } from 'latchkey/stores/sealed'
import { sqliteStore } from 'latchkey/stores/sqlite'

/** A new, empty store. The test closes it. */
export type OpenStore = () => SessionStore

/** What a suite may have to know of the store that it runs on. */
export interface StoreUnderTest {
  readonly store: 'memory' | 'sqlite' | 'file' | 'sealed'
  /** All files in which stores of this suite keep something, one after the other, a character for each byte. */
  readFiles(): string
}

type Suite = (open: OpenStore, under: StoreUnderTest) => void

/** Runs a suite once on every store: what a rule of the engine promises holds wherever the records are. */
export function onEveryStore(name: string, suite: Suite): void {
  onStores(['memory', 'sqlite', 'file'], name, suite)
}

/** The same, and once more where the cookies carry the data, over a list of sessions in memory. */
export function onEveryStoreAndSealed(name: string, suite: Suite): void {
  onStores(['memory', 'sqlite', 'file', 'sealed'], name, suite)
}

function onStores(kinds: readonly StoreUnderTest['store'][], name: string, suite: Suite): void {
  const root = mkdtempSync(join(tmpdir(), 'latchkey-'))
  after(() => rmSync(root, { recursive: true, force: true }))
  let opened = 0
  const place = () => join(root, String(opened++))
  const stores = {
    memory: () => memoryStore(),
    sqlite: () => sqliteStore(`${place()}.db`),
    file: () => fileStore(place()),
    sealed: () => sealedStore({ revocations: memoryStore() }),
  }
  const readFiles = () =>
    globSync(`${root}/**`)
      .filter(path => statSync(path).isFile())
      .map(path => `${path}\n${readFileSync(path, 'latin1')}`)
      .join('\n')
  for (const store of kinds) {
    describe(`${name} on the ${store} store`, () => suite(stores[store], { store, readFiles }))
  }
}
