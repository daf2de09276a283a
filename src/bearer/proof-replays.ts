/*
 * Which DPoP proofs were used already, until they are too old to pass anyway (RFC 9449 section 11.1, DP-3). A memory that
 * cannot tell says so with a `StoreError` (503): the request is refused, and nothing that was used is forgotten.
 */
import { StoreError, UsageError } from '../errors.ts'
import type { Awaitable } from '../session/awaitable.ts'
import { Deadline } from '../session/deadline.ts'
import type { SessionStore, StoredRecord } from '../session/store.ts'
import { isCreateResult } from '../session/store-answers.ts'

/** Remembers used proofs. */
export interface ProofReplays {
  /**
   * Notes that a proof is used, in one atomic step: `first`, or `replayed` when it was noted before. `proof` is 22
   * base64url characters that stand for it, whatever its size; from `until` on (epoch ms) it may be forgotten. Throws or
   * rejects with a `StoreError` when it cannot be told.
   */
  use(proof: string, until: number, now: number): Awaitable<'first' | 'replayed'>
}

/** Settings of the memory of one process. */
export interface MemoryReplaysOptions {
  /** The most proofs it remembers, 1 or more, default `200_000`: 3,000 a second of one minute each. About 75 bytes each. */
  readonly max?: number
}

/**
 * Remembers in this process: exact when one process serves all requests, or all requests of one client. When it is full
 * it refuses further proofs rather than forget one that could come again. Throws a `UsageError` for a `max` out of bounds.
 */
export function memoryReplays({ max = 200_000 }: MemoryReplaysOptions = {}): ProofReplays {
  if (!Number.isSafeInteger(max) || max < 1) {
    throw new UsageError(`memoryReplays: max is ${max}: give a whole number of 1 or more, such as 200_000.`)
  }
  return new MemoryReplays(max)
}

class MemoryReplays implements ProofReplays {
  readonly #max: number
  readonly #used = new Set<string>()
  /** What each second (since the epoch) lets go of. */
  readonly #leaving = new Map<number, string[]>()
  #second = 0

  constructor(max: number) {
    this.#max = max
  }

  use(proof: string, until: number, now: number): 'first' | 'replayed' {
    this.#forget(Math.floor(now / 1_000))
    if (this.#used.has(proof)) return 'replayed'
    if (this.#used.size >= this.#max) {
      throw new StoreError(`All ${this.#max} places for DPoP proofs are taken. Try again in a moment.`)
    }
    this.#used.add(proof)
    const second = Math.ceil(until / 1_000)
    const leaving = this.#leaving.get(second)
    if (leaving) leaving.push(proof)
    else this.#leaving.set(second, [proof])
    return 'first'
  }

  #forget(now: number): void {
    if (now === this.#second) return
    this.#second = now
    for (const [second, proofs] of this.#leaving) {
      if (second > now) continue
      for (const proof of proofs) this.#used.delete(proof)
      this.#leaving.delete(second)
    }
  }
}

/** Settings of the memory that many processes share. */
export interface SharedReplaysOptions {
  /** How long the store may take, in ms, default 2000. */
  readonly timeoutMs?: number
}

/** The part of a store that is needed. */
export type ReplayStore = Pick<SessionStore, 'name' | 'persistent' | 'create'>

/** Nodes whose clocks differ by less agree on which proofs were used; records of proofs are kept for so much longer. */
const clockMarginMs = 60_000

/**
 * Remembers in a store that all nodes share: exact however requests are dealt out. Each proof costs one durable write.
 *
 * A proof becomes a record that has ended before it began: no session, in no index, and nobody is told when it expires.
 * The store tells its followers of every record, so behind a near cache or a revocation list give proofs a store of their
 * own (another prefix or table). Throws a `UsageError` for a store that forgets when it is full.
 */
export function sharedReplays(store: ReplayStore, { timeoutMs = 2_000 }: SharedReplaysOptions = {}): ProofReplays {
  if (!store.persistent) {
    throw new UsageError(
      `sharedReplays: the ${store.name} store is not shared, and makes room by forgetting: use memoryReplays().`,
    )
  }
  const deadline = new Deadline(timeoutMs)
  return {
    async use(proof, until, now) {
      try {
        const result: unknown = await deadline.race(store.create(recordOf(proof, until, now), { now }))
        if (isCreateResult(result) && result.outcome === 'created') return 'first'
        if (isCreateResult(result) && result.outcome === 'exists') return 'replayed'
        throw new Error('the answer is none that the store contract knows')
      } catch (cause) {
        throw new StoreError(`The store of DPoP proofs (${store.name}) failed. Try again in a moment.`, { cause })
      }
    },
  }
}

function recordOf(sid: string, until: number, now: number): StoredRecord {
  const expiresAt = Math.ceil(until) + clockMarginMs
  const ended = { reason: 'expired', at: now, keepUntil: expiresAt } as const
  return { sid, version: 1, userId: null, createdAt: now, lastSeenAt: now, expiresAt, ended, body: '' }
}
