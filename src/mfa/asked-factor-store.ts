import { LatchkeyError, StoreError } from '../errors.ts'
import { Deadline } from '../session/deadline.ts'
import type { EventStream } from '../session/event-stream.ts'
import type { FactorRecord, FactorStore, FailureCount } from './store.ts'

/**
 * The factor store as everything here asks it: within a deadline, and only answers that the contract knows are believed.
 * Everything else is told as an event and ends as a `StoreError`: a store that is silent about a user's factors must
 * never look like a user without factors (ASVS 16.5.2).
 */
export class AskedFactorStore implements FactorStore {
  readonly name: string
  readonly #store: FactorStore
  readonly #events: EventStream
  readonly #deadline: Deadline

  constructor(store: FactorStore, events: EventStream, timeoutMs: number) {
    this.name = store.name
    this.#store = store
    this.#events = events
    this.#deadline = new Deadline(timeoutMs)
  }

  find(id: string): Promise<FactorRecord | null> {
    const isSound = (answer: unknown) => answer === null || isRecord(answer, { id })
    return this.#ask('find', isSound, store => store.find(id))
  }

  list(userId: string): Promise<FactorRecord[]> {
    const isSound = (answer: unknown) => Array.isArray(answer) && answer.every(entry => isRecord(entry, { userId }))
    return this.#ask('list', isSound, store => store.list(userId))
  }

  create(record: FactorRecord): Promise<'created' | 'exists'> {
    return this.#ask('create', isOneOf('created', 'exists'), store => store.create(record))
  }

  save(record: FactorRecord): Promise<'saved' | 'conflict' | 'gone'> {
    return this.#ask('save', isOneOf('saved', 'conflict', 'gone'), store => store.save(record))
  }

  remove(id: string): Promise<boolean> {
    return this.#ask('remove', isOneOf(true, false), store => store.remove(id))
  }

  removeUser(userId: string): Promise<number> {
    return this.#ask('remove-user', Number.isSafeInteger, store => store.removeUser(userId))
  }

  failures(key: string): Promise<FailureCount | null> {
    const isSound = (answer: unknown) => answer === null || isCount(answer, key)
    return this.#ask('failures', isSound, store => store.failures(key))
  }

  saveFailures(count: FailureCount): Promise<'saved' | 'conflict'> {
    return this.#ask('save-failures', isOneOf('saved', 'conflict'), store => store.saveFailures(count))
  }

  clearFailures(keys: readonly string[]): Promise<void> {
    return this.#ask('clear-failures', isAnything, store => store.clearFailures(keys))
  }

  forgetFailures(before: number, limit: number): Promise<number> {
    return this.#ask('forget-failures', Number.isSafeInteger, store => store.forgetFailures(before, limit))
  }

  ping(): Promise<void> {
    return this.#ask('ping', isAnything, store => store.ping())
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  async #ask<Answer>(
    operation: string,
    isSound: (answer: unknown) => boolean,
    work: (store: FactorStore) => Promise<Answer>,
  ): Promise<Answer> {
    try {
      const answer = await this.#deadline.race(work(this.#store))
      if (isSound(answer)) return answer
    } catch (cause) {
      throw cause instanceof LatchkeyError ? cause : this.#failed(operation, cause)
    }
    throw this.#failed(operation, new Error('the answer is none that the store contract knows'))
  }

  #failed(operation: string, cause: unknown): StoreError {
    this.#events.emit(null, null, null, { type: 'store.failed', operation: `factors ${operation}` })
    const message = `The factor store (${this.name}) failed at ${operation}. Try again in a moment.`
    return new StoreError(message, { cause })
  }
}

/** Whether it is a record, and the one that was asked for: a store that mixes up its records must not let anybody in. */
function isRecord(answer: unknown, asked: { readonly id?: string; readonly userId?: string }): boolean {
  const record = answer as FactorRecord | null
  return (
    typeof record === 'object' &&
    record !== null &&
    typeof record.id === 'string' &&
    typeof record.userId === 'string' &&
    record.id === (asked.id ?? record.id) &&
    record.userId === (asked.userId ?? record.userId) &&
    (record.kind === 'totp' || record.kind === 'passkey' || record.kind === 'recovery') &&
    Number.isSafeInteger(record.version) &&
    typeof record.label === 'string' &&
    Number.isFinite(record.createdAt) &&
    (record.lastUsedAt === null || Number.isFinite(record.lastUsedAt)) &&
    typeof record.body === 'string'
  )
}

function isCount(answer: unknown, key: string): boolean {
  const count = answer as FailureCount | null
  return (
    typeof count === 'object' &&
    count !== null &&
    count.key === key &&
    Number.isSafeInteger(count.version) &&
    Number.isSafeInteger(count.failures) &&
    Number.isFinite(count.failedAt)
  )
}

function isOneOf(...answers: readonly unknown[]): (answer: unknown) => boolean {
  return answer => answers.includes(answer)
}

function isAnything(): boolean {
  return true
}
