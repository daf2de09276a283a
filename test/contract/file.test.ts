import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { fileStore } from 'latchkey/stores/file'
import { storeContract } from 'latchkey/testing'
import type { SessionStore } from '../../src/session/store.ts'

const root = mkdtempSync(join(tmpdir(), 'latchkey-file-contract-'))
after(() => rmSync(root, { recursive: true }))

const directories = new WeakMap<SessionStore, string>()
let opened = 0

function openIn(directory: string): SessionStore {
  const store = fileStore(directory)
  directories.set(store, directory)
  return store
}

storeContract('file', () => openIn(join(root, String(opened++))), {
  directory: true,
  reopen: closed => openIn(directories.get(closed) ?? ''),
})
