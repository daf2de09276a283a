import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { UsageError } from '../../errors.ts'
import { lockDirectory } from './lock.ts'

/** Files written at a time: enough to keep the disk busy, few enough that a flood of writes does not use up all descriptors. */
const slots = 8

/** New content of a file, safe on the disk but not yet under its name. */
export interface Draft {
  /** Gives it its name, at once and whole: whoever looks sees the old file or this one. */
  place(file: string): void
  /** Throws it away. */
  discard(): void
}

/**
 * The directory on the disk, locked for this process: the only place where the file store does input and output.
 *
 * Small reads and writes are synchronous and only waiting for the disk itself (fsync) is not. Measured on Linux: 6 µs
 * for a read of a file in the page cache, 130 to 280 µs of which 110 to 230 are CPU through the thread pool. It also
 * makes a rename and the change of memory that goes with it one step, which nothing can come between.
 */
export class Directory {
  readonly #path: string
  readonly #unlock: () => void
  /** The open directory, for flushing it; `null` on Windows, which cannot and need not. */
  readonly #descriptor: number | null
  readonly #identity: string
  #drafts = 0
  #freeSlots = slots
  readonly #waiting: (() => void)[] = []
  #flushing: Promise<void> | null = null
  #nextFlush: Promise<void> | null = null

  /** Creates the directory (0700) where there is none, and locks it. */
  constructor(path: string) {
    this.#path = path
    createPrivately(path)
    this.#unlock = lockDirectory(path)
    try {
      this.#descriptor = process.platform === 'win32' ? null : fs.openSync(path, 'r')
      this.#identity = identityOf(path)
    } catch (error) {
      this.#unlock()
      throw error
    }
  }

  files(): string[] {
    return fs.readdirSync(this.#path)
  }

  /** The content of a file, or `null` when there is none. Throws when it cannot be told. */
  read(file: string): string | null {
    try {
      return fs.readFileSync(join(this.#path, file), 'utf8')
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
      this.#assertThere()
      return null
    }
  }

  exists(file: string): boolean {
    return fs.existsSync(join(this.#path, file))
  }

  /** Writes content to the disk under a temporary name, which is gone again when that fails. */
  async draft(text: string): Promise<Draft> {
    if (this.#freeSlots > 0) this.#freeSlots -= 1
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    try {
      return await this.#draft(text)
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#freeSlots += 1
    }
  }

  async #draft(text: string): Promise<Draft> {
    this.#assertThere()
    this.#drafts += 1
    const temporary = join(this.#path, `${this.#drafts}.tmp`)
    const discard = () => attempt(() => fs.rmSync(temporary, { force: true }))
    const descriptor = fs.openSync(temporary, 'wx', 0o600)
    try {
      try {
        fs.writeFileSync(descriptor, text)
        // Before the rename, also for writes that may be lost: after a power cut a file system may know the new name and
        // not the content behind it, and then the old record is lost too.
        await flush(fs.fdatasync, descriptor)
      } finally {
        fs.closeSync(descriptor)
      }
    } catch (error) {
      discard()
      throw error
    }
    const place = (file: string) => {
      try {
        fs.renameSync(temporary, join(this.#path, file))
      } catch (error) {
        discard()
        throw error
      }
    }
    return { place, discard }
  }

  rename(from: string, to: string): void {
    fs.renameSync(join(this.#path, from), join(this.#path, to))
  }

  remove(file: string): void {
    fs.rmSync(join(this.#path, file), { force: true })
  }

  /** Makes all names given and removed so far survive a power cut. Many callers share one flush. */
  async flush(): Promise<void> {
    if (this.#descriptor === null) return
    if (!this.#flushing) {
      this.#flushing = flush(fs.fsync, this.#descriptor).finally(() => {
        this.#flushing = null
      })
      return this.#flushing
    }
    // One that is under way may have begun before the caller's rename. All who come now share the one after it.
    this.#nextFlush ??= this.#flushing.then(ignore, ignore).then(() => {
      this.#nextFlush = null
      return this.flush()
    })
    return this.#nextFlush
  }

  close(): void {
    if (this.#descriptor !== null) fs.closeSync(this.#descriptor)
    this.#unlock()
  }

  /** A disk that was unmounted, or a directory that was moved away, must not look like an operator who deleted sessions. */
  #assertThere(): void {
    if (identityOf(this.#path) !== this.#identity) {
      throw new Error(
        `The session directory ${this.#path} was replaced while it was open. Restart to use the one that is there now.`,
      )
    }
  }
}

function createPrivately(path: string): void {
  const first = fs.mkdirSync(path, { recursive: true, mode: 0o700 })
  if (process.platform === 'win32') return
  if ((fs.statSync(path).mode & 0o022) !== 0) {
    throw new UsageError(
      `The session directory ${path} may be written by other users of this machine, who could then replace sessions. Run: chmod 700 '${path}', or name a directory that does not exist yet.`,
    )
  }
  if (first === undefined) return
  for (let parent = dirname(path); parent.length >= dirname(first).length; parent = dirname(parent)) {
    const descriptor = fs.openSync(parent, 'r')
    try {
      fs.fsyncSync(descriptor)
    } finally {
      fs.closeSync(descriptor)
    }
    if (parent === dirname(parent)) break
  }
}

function identityOf(path: string): string {
  const { dev, ino } = fs.statSync(path, { bigint: true })
  return `${dev}:${ino}`
}

function flush(call: typeof fs.fsync, descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => call(descriptor, error => (error ? reject(error) : resolve())))
}

/** Out of descriptors or memory: this says nothing about the file that could not be read. */
export function isExhausted(error: unknown): boolean {
  return hasCode(error, 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN')
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

/** For cleaning up after a failure, which is the error worth telling. */
function attempt(cleanUp: () => void): void {
  try {
    cleanUp()
  } catch {}
}

function ignore(): void {}
