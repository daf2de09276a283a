import { UsageError } from '../../errors.ts'
import type { FactorRecord, FactorStore, FailureCount } from '../store.ts'
import { byAge } from './rows.ts'

/**
 * Keeps factors in this process, for development and tests. They die with the process, and then every account looks as if
 * it had never had a second factor.
 *
 * Throws a `UsageError` when `NODE_ENV` is `production`.
 */
export function memoryFactors(): FactorStore {
  if (process.env.NODE_ENV === 'production') {
    throw new UsageError(
      'memoryFactors: after a restart every account would be without its second factor. Use sqliteFactors or postgresFactors.',
    )
  }
  return new MemoryFactors()
}

/** No method awaits anything before it is done, so each is one atomic step; `async` turns a throw into a rejection. */
class MemoryFactors implements FactorStore {
  readonly name = 'memory'
  readonly #records = new Map<string, FactorRecord>()
  readonly #failures = new Map<string, FailureCount>()

  async find(id: string): Promise<FactorRecord | null> {
    return this.#records.get(id) ?? null
  }

  async list(userId: string): Promise<FactorRecord[]> {
    return this.#of(userId).sort(byAge)
  }

  async create(record: FactorRecord): Promise<'created' | 'exists'> {
    if (this.#records.has(record.id)) return 'exists'
    this.#records.set(record.id, Object.freeze({ ...record }))
    return 'created'
  }

  async save(record: FactorRecord): Promise<'saved' | 'conflict' | 'gone'> {
    const stored = this.#records.get(record.id)
    if (!stored) return 'gone'
    if (stored.version !== record.version - 1) return 'conflict'
    const { userId, kind, createdAt } = stored
    this.#records.set(record.id, Object.freeze({ ...record, userId, kind, createdAt }))
    return 'saved'
  }

  async remove(id: string): Promise<boolean> {
    return this.#records.delete(id)
  }

  async removeUser(userId: string): Promise<number> {
    const records = this.#of(userId)
    for (const { id } of records) this.#records.delete(id)
    return records.length
  }

  async failures(key: string): Promise<FailureCount | null> {
    return this.#failures.get(key) ?? null
  }

  async saveFailures(count: FailureCount): Promise<'saved' | 'conflict'> {
    const stored = this.#failures.get(count.key)?.version ?? 0
    if (stored !== count.version - 1) return 'conflict'
    this.#failures.set(count.key, Object.freeze({ ...count }))
    return 'saved'
  }

  async clearFailures(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#failures.delete(key)
  }

  async forgetFailures(before: number, limit: number): Promise<number> {
    const old = [...this.#failures.values()].filter(({ failedAt }) => failedAt < before).slice(0, limit)
    for (const { key } of old) this.#failures.delete(key)
    return old.length
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {}

  #of(userId: string): FactorRecord[] {
    return [...this.#records.values()].filter(record => record.userId === userId)
  }
}
