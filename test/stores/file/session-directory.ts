import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { fileStore } from 'latchkey/stores/file'
import { sampleRecord } from 'latchkey/testing'
import type { SessionStore, StoredRecord } from '../../../src/session/store.ts'
import { nameOf } from '../../../src/stores/file/document.ts'

const root = mkdtempSync(join(tmpdir(), 'latchkey-file-'))
after(() => rmSync(root, { recursive: true, force: true }))
let made = 0

/** The path of a directory that does not exist yet, gone when the tests of the file are over. */
export function newDirectory(): string {
  made += 1
  return join(root, String(made))
}

/** Runs `use` on a store in the directory and closes it. */
export async function withStore<T>(directory: string, use: (store: SessionStore) => Promise<T>): Promise<T> {
  const store = fileStore(directory)
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

/** Puts a sample record into the store. */
export async function put(store: SessionStore, overrides: Partial<StoredRecord> = {}): Promise<StoredRecord> {
  const record = sampleRecord(overrides)
  assert.equal((await store.create(record, { now: record.createdAt })).outcome, 'created')
  return record
}

/** The path of a session's file. */
export function fileOf(directory: string, { sid }: { readonly sid: string }): string {
  return join(directory, `${nameOf(sid)}.json`)
}

/** The names in the directory that end in `ending`. */
export function filesEnding(directory: string, ending: string): string[] {
  return readdirSync(directory).filter(file => file.endsWith(ending))
}
