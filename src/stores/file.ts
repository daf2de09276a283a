import { resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { UsageError } from '../errors.ts'
import type {
  CreateOptions,
  CreateResult,
  EndMark,
  SessionDirectory,
  SessionStore,
  StoredRecord,
} from '../session/store.ts'
import { type Opened, open } from './file/opening.ts'
import type { FileSessions } from './file/sessions.ts'

/**
 * A store with one file per session (mode 0600) in a directory (created with 0700), for one process on a local disk.
 *
 * - **Crash.** A file is replaced as a whole or not at all, so `kill -9` and a power cut leave no half of a record.
 *   `create`, durable `save`, `end`, `endUser` and `endEverybody` survive a power cut once they resolved; any other `save`
 *   survives the death of the process; a crash loses up to a second of touches. `endUser`, `endEverybody` and a `create`
 *   that evicts are all or nothing: cut short by a crash they are finished by the next opening, or never began.
 * - **One process.** The first operation locks the directory. While another process has it, every operation rejects and
 *   names that process; the lock falls with its process. `latchkey/stores/sqlite` is for several processes.
 * - **Opening.** The first operation also reads all records once (about 20 µs each, so 2 s for 100,000), without holding up the
 *   event loop. Call `ping()` at start to have that, and any refusal, before the first request.
 * - **Files.** Reads go to the file every time: a session whose file is deleted is over. A file that was cut short, edited
 *   or put back from a backup is renamed to end in `.corrupt` and kept; `read` rejects with `code: 'corrupt-record'` until
 *   it is deleted, and all other sessions live on. A file that is added while the directory is open counts from the next
 *   opening. A record is not encrypted by the store: the engine encrypts the data in it.
 * - **Failures.** When the disk is full or broken, or descriptors run out, the operation rejects with the cause and changed
 *   nothing; after the failure of its very last step, flushing the directory, it may have happened.
 *
 * Throws a `UsageError` for an empty `directory`; operations reject with one when others may write into it.
 *
 * @param directory Where the files live; relative to the working directory at the time of the call.
 */
export function fileStore(directory: string): SessionStore {
  if (directory === '') throw new UsageError("fileStore needs a directory, for example fileStore('data/sessions').")
  return new FileStore(resolve(directory))
}

/** Opens the directory with the first operation, and once more after an opening that failed. */
class FileStore implements SessionStore {
  readonly name = 'file'
  readonly persistent = true
  readonly directory: SessionDirectory = {
    page: async (cursor, limit) => (this.#sessions ?? (await this.#open())).page(cursor, limit),
    count: async () => (this.#sessions ?? (await this.#open())).count(),
    sample: async size => (this.#sessions ?? (await this.#open())).sample(size),
  }
  readonly #directory: string
  #sessions: FileSessions | null = null
  #opening: Promise<Opened> | null = null
  #closing: Promise<void> | null = null

  constructor(directory: string) {
    this.#directory = directory
  }

  async read(sid: string): Promise<StoredRecord | null> {
    return (this.#sessions ?? (await this.#open())).read(sid)
  }

  async create(record: StoredRecord, options: CreateOptions): Promise<CreateResult> {
    return (this.#sessions ?? (await this.#open())).create(record, options)
  }

  async save(record: StoredRecord, options: { durable: boolean }): Promise<'saved' | 'conflict' | 'gone'> {
    return (this.#sessions ?? (await this.#open())).save(record, options)
  }

  async touch(sid: string, lastSeenAt: number, expiresAt: number): Promise<void> {
    return (this.#sessions ?? (await this.#open())).touch(sid, lastSeenAt, expiresAt)
  }

  async end(sid: string, mark: EndMark): Promise<StoredRecord | null> {
    return (this.#sessions ?? (await this.#open())).end(sid, mark)
  }

  async endUser(userId: string, mark: EndMark, except?: string): Promise<StoredRecord[]> {
    return (this.#sessions ?? (await this.#open())).endUser(userId, mark, except)
  }

  async endEverybody(mark: EndMark): Promise<number> {
    return (this.#sessions ?? (await this.#open())).endEverybody(mark)
  }

  async generation(userId: string): Promise<number> {
    return (this.#sessions ?? (await this.#open())).generation(userId)
  }

  async list(userId: string): Promise<StoredRecord[]> {
    return (this.#sessions ?? (await this.#open())).list(userId)
  }

  async sweep(now: number, limit: number): Promise<StoredRecord[]> {
    return (this.#sessions ?? (await this.#open())).sweep(now, limit)
  }

  async ping(): Promise<void> {
    return (this.#sessions ?? (await this.#open())).ping()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #open(): Promise<FileSessions> {
    if (this.#closing) throw new UsageError('The file store is closed. Create a new one with fileStore.')
    const opening = this.#opening ?? open(this.#directory)
    this.#opening = opening
    try {
      const { sessions } = await opening
      if (!this.#closing) this.#sessions = sessions
      return sessions
    } catch (error) {
      if (this.#opening === opening) this.#opening = null
      throw error
    }
  }

  async #close(): Promise<void> {
    this.#sessions = null
    const opened = await this.#opening?.catch(() => null)
    await setImmediate() // those who asked before and waited for the opening, too, begin now
    await opened?.close()
  }
}
