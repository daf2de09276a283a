import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe } from 'node:test'
import type { SessionStore } from 'latchkey'
import { fileStore } from 'latchkey/stores/file'
import { memoryStore } from 'latchkey/stores/memory'
import { sqliteStore } from 'latchkey/stores/sqlite'

/** A new, empty store. The test closes it. */
export type OpenStore = () => SessionStore

/** What a suite may have to know of the store that it runs on. */
export interface StoreUnderTest {
  readonly store: 'memory' | 'sqlite' | 'file'
  /** All files in which stores of this suite keep something, one after the other, a character for each byte. */
  readFiles(): string
}

/** Runs a suite once on every store: what a rule of the engine promises holds wherever the records are. */
export function onEveryStore(name: string, suite: (open: OpenStore, under: StoreUnderTest) => void): void {
  const root = mkdtempSync(join(tmpdir(), 'latchkey-'))
  after(() => rmSync(root, { recursive: true, force: true }))
  let opened = 0
  const place = () => join(root, String(opened++))
  const stores = {
    memory: () => memoryStore(),
    sqlite: () => sqliteStore(`${place()}.db`),
    file: () => fileStore(place()),
  }
  const readFiles = () =>
    globSync(`${root}/**`)
      .filter(path => statSync(path).isFile())
      .map(path => `${path}\n${readFileSync(path, 'latin1')}`)
      .join('\n')
  for (const store of ['memory', 'sqlite', 'file'] as const) {
    describe(`${name} on the ${store} store`, () => suite(stores[store], { store, readFiles }))
  }
}
