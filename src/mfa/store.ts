import type { FactorKind } from '../session/events.ts'

export type { FactorKind } from '../session/events.ts'

/**
 * The factor store contract: what Latchkey asks of the place where second factors live.
 *
 * A store knows nothing about codes, keys or throttling. It keeps records and failure counts and changes each one only
 * from the version it was read at: that alone makes a code work once, on however many nodes. The suite
 * `factorStoreContract` in `latchkey/testing` proves an implementation. A store never answers from a guess or a cache:
 * when it does not know, it throws, and nobody is let in.
 */
export interface FactorStore {
  /** Short name for messages, for example `sqlite`. */
  readonly name: string

  /** The factor with this id, or `null`. */
  find(id: string): Promise<FactorRecord | null>

  /** All factors of a user, oldest first; those created in the same millisecond by id. */
  list(userId: string): Promise<FactorRecord[]>

  /** Adds a record whose `id` must not exist, whoever's it is. Durable when it resolves. */
  create(record: FactorRecord): Promise<'created' | 'exists'>

  /**
   * Replaces the record if its stored version is exactly `record.version - 1`. `conflict`: another version is stored;
   * `gone`: there is no such record. In both cases nothing was written. User, kind and `createdAt` of a record never
   * change. Durable when it resolves: a code that was accepted must not be good again after a power cut.
   */
  save(record: FactorRecord): Promise<'saved' | 'conflict' | 'gone'>

  /** Removes the record with this id and resolves to whether it was there. Durable when it resolves. */
  remove(id: string): Promise<boolean>

  /** Removes all factors of a user, and resolves to how many: for an account that is deleted. */
  removeUser(userId: string): Promise<number>

  /** The failures counted under this key, or `null` when there are none. */
  failures(key: string): Promise<FailureCount | null>

  /**
   * Writes a count: with version 1 only if there is none under its key, otherwise only if the stored version is exactly one
   * less. `conflict`: nothing was written. Survives at least the death of the process when it resolves.
   */
  saveFailures(count: FailureCount): Promise<'saved' | 'conflict'>

  /** Removes the counts under these keys, whatever their version. */
  clearFailures(keys: readonly string[]): Promise<void>

  /** Removes counts whose last failure is before `before`, at most `limit`, and resolves to how many. */
  forgetFailures(before: number, limit: number): Promise<number>

  /** Rejects when the store cannot serve. */
  ping(): Promise<void>

  /** Finishes what is under way and closes what the store itself opened. Safe to call twice. */
  close(): Promise<void>
}

/** A second factor as it is kept. */
export interface FactorRecord {
  /** 1 to 64 characters of base64url, unique among all users' factors. */
  readonly id: string
  /** Whose it is: 1 to 256 characters, any. */
  readonly userId: string
  /** A set of recovery codes is one factor. */
  readonly kind: FactorKind
  /** 1 at creation, one more with every change. */
  readonly version: number
  /** What its owner calls it, at most 64 characters; hostile characters are possible. */
  readonly label: string
  /** When it was confirmed and added, epoch ms. There are no unconfirmed factors in a store. */
  readonly createdAt: number
  /** When it was last accepted, epoch ms, or `null`. */
  readonly lastUsedAt: number | null
  /** Opaque text of at most 8,192 characters. Holds no key in the clear. */
  readonly body: string
}

/** Consecutive failures that were counted together. */
export interface FailureCount {
  /** 1 to 400 characters. */
  readonly key: string
  readonly version: number
  /** How many, 1 or more. */
  readonly failures: number
  /** When the last one happened, epoch ms. */
  readonly failedAt: number
}
