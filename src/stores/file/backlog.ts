import { randomUUID } from 'node:crypto'
import type { Directory } from './directory.ts'
import { encodeIntent, type Intent } from './document.ts'
import type { Entry } from './heads.ts'

/** How long memory may be ahead of the files. A crash loses the touches of that time, and nothing else. */
const flushAfterMs = 1_000
/** Entries written at a time, so that the backlog of "end everybody" leaves room for the requests of the day. */
const batch = 4

/**
 * Where memory is ahead of the files: touches, which may be lost, and sessions that ended in one step with others, for
 * which an intent on the disk vouches until all their files say so too.
 */
export class Backlog {
  readonly #directory: Directory
  readonly #write: (entry: Entry) => Promise<void>
  readonly #unwritten = new Set<Entry>()
  /** Per intent file the entries it vouches for. */
  readonly #intents = new Map<string, readonly Entry[]>()
  #timer: NodeJS.Timeout | null = null
  #flushing: Promise<void> = Promise.resolve()

  /** `write` makes one entry's file say what memory says, or leaves it when the entry is gone. */
  constructor(directory: Directory, write: (entry: Entry) => Promise<void>) {
    this.#directory = directory
    this.#write = write
  }

  add(entry: Entry): void {
    this.#unwritten.add(entry)
    this.#timer ??= setTimeout(() => this.flush().catch(ignore), flushAfterMs).unref()
  }

  /**
   * Puts an intent on the disk and in the same instant calls `apply`, which changes memory and answers with the entries
   * whose files have yet to follow. From then on it happened, whatever fails or dies later; before, nothing did. Resolves
   * once that survives a power cut.
   */
  async commit(intent: Intent, apply: () => readonly Entry[]): Promise<void> {
    const draft = await this.#directory.draft(encodeIntent(intent))
    const file = `${randomUUID()}.intent`
    draft.place(file)
    try {
      this.adopt(file, apply())
    } catch (error) {
      this.#directory.remove(file)
      throw error
    }
    await this.#directory.flush()
  }

  /** Takes charge of an intent that is on the disk and in memory. */
  adopt(file: string, entries: readonly Entry[]): void {
    this.#intents.set(file, entries)
    for (const entry of entries) this.add(entry)
  }

  /** Brings the files up to date. Rejects with the first failure; what failed stays in the backlog. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(ignore, ignore).then(() => this.#flush())
    return this.#flushing
  }

  async #flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    const failures: unknown[] = []
    const entries = [...this.#unwritten]
    for (let at = 0; at < entries.length; at += batch) {
      await Promise.all(
        entries.slice(at, at + batch).map(entry => this.#settle(entry).catch(error => failures.push(error))),
      )
    }
    const settled = [...this.#intents].filter(([, vouched]) => !vouched.some(entry => this.#unwritten.has(entry)))
    if (settled.length > 0) {
      await this.#directory.flush()
      for (const [file] of settled) {
        this.#directory.remove(file)
        this.#intents.delete(file)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  async #settle(entry: Entry): Promise<void> {
    this.#unwritten.delete(entry)
    try {
      await this.#write(entry)
    } catch (error) {
      this.add(entry)
      throw error
    }
  }
}

function ignore(): void {}
