import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { SessionStore } from 'latchkey'
import { fileStore } from 'latchkey/stores/file'
import { memoryStore } from 'latchkey/stores/memory'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { OptionError, reasonOf, type StoreChoice } from './options.ts'

/** Opens the session store that was chosen; throws an {@link OptionError} when its place cannot be used. */
export function openStore(choice: StoreChoice): SessionStore {
  const place = choice.kind === 'memory' ? '' : choice.kind === 'file' ? choice.directory : choice.file
  try {
    if (choice.kind === 'memory') return memoryStore()
    mkdirSync(choice.kind === 'file' ? place : dirname(place), { recursive: true, mode: 0o700 })
    return choice.kind === 'file' ? fileStore(place) : sqliteStore(place)
  } catch (error) {
    throw new OptionError(
      `--store ${choice.kind}:${place} cannot be opened (${reasonOf(error)}): choose a place that Campus may write to.`,
    )
  }
}
