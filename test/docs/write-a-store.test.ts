/** The store that docs/write-a-store.md shows passes the suite, taken from the page as it stands. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { SessionStore } from 'latchkey'
import { storeContract } from 'latchkey/testing'
import { blocksOf } from '../../tools/doc-snippets.ts'

const root = join(import.meta.dirname, '../..')
const [source = ''] = blocksOf(root, 'docs/write-a-store.md', 'ts')

// Inside the tree, so that the page's imports are found.
mkdirSync(join(root, '.cache'), { recursive: true })
const directory = mkdtempSync(join(root, '.cache', 'write-a-store-'))
after(() => rmSync(directory, { recursive: true }))
const file = join(directory, 'map-store.ts')
writeFileSync(file, source)
const { mapStore } = (await import(pathToFileURL(file).href)) as { mapStore: () => SessionStore }

storeContract('the Map of docs/write-a-store.md', () => mapStore())
