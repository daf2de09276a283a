import type { SessionDirectory, SessionStore } from '../session/store.ts'

/** An operation of a store that can be disturbed. */
export type StoreOperation =
  | Exclude<keyof SessionStore, 'name' | 'persistent' | 'caches' | 'carried' | 'directory' | 'close'>
  | `directory.${keyof SessionDirectory}`

/**
 * What happens instead of an operation. `proceed` is the operation itself, so that a fault can come before it (the store
 * is down), after it (the answer is lost), around it (the answer is late) or replace it (the store lies).
 */
export type Fault = (proceed: () => Promise<unknown>) => Promise<unknown>

/** A store that can be made to fail. */
export interface FaultyStore extends SessionStore {
  /** The operations that were asked for, in order. Empty it with `calls.length = 0`. */
  readonly calls: StoreOperation[]
  /** Disturbs operations from now on: those named, or all of them. */
  disturb(fault: Fault, ...operations: StoreOperation[]): void
  /** Ends all faults. */
  heal(): void
}

/** The faults that every application should survive. */
export const faults: {
  /** The store is down: it refuses at once. */
  readonly refuses: Fault
  /** The store is asked and does what it was asked for, but its answer is lost. */
  readonly losesAnswer: Fault
  /** The store never answers. */
  readonly hangs: Fault
} = {
  refuses: () => Promise.reject(new Error('connect ECONNREFUSED 127.0.0.1:6379')),
  losesAnswer: async proceed => {
    await proceed()
    throw new Error('read ECONNRESET')
  },
  hangs: () => new Promise(() => {}),
}

const directoryOperations = ['page', 'count', 'sample'] as const
const operations = [
  'read',
  'create',
  'save',
  'touch',
  'end',
  'endUser',
  'endEverybody',
  'generation',
  'list',
  'sweep',
  'ping',
] as const
const all: readonly StoreOperation[] = [...operations, ...directoryOperations.map(name => `directory.${name}` as const)]

/**
 * Wraps a store for tests of what an application or an adapter does when its store fails: nobody may become somebody
 * else, nobody may be signed out silently, and no success may be claimed (ASVS 16.5.2, 16.5.3).
 */
export function faultyStore(inner: SessionStore): FaultyStore {
  const calls: StoreOperation[] = []
  const current = new Map<StoreOperation, Fault>()
  const disturbed =
    (operation: StoreOperation, work: (...args: never[]) => unknown) =>
    (...args: never[]) => {
      calls.push(operation)
      const proceed = () => work(...args) as Promise<unknown>
      return current.get(operation)?.(proceed) ?? proceed()
    }
  const store = Object.fromEntries(
    operations.map(operation => [operation, disturbed(operation, inner[operation].bind(inner))]),
  ) as unknown as Pick<SessionStore, (typeof operations)[number]>
  const { directory } = inner
  return {
    ...store,
    directory:
      directory &&
      (Object.fromEntries(
        directoryOperations.map(name => [name, disturbed(`directory.${name}`, directory[name].bind(directory))]),
      ) as unknown as SessionDirectory),
    name: inner.name,
    persistent: inner.persistent,
    caches: inner.caches === true,
    carried: inner.carried,
    close: () => inner.close(),
    calls,
    disturb(fault, ...named) {
      for (const operation of named.length > 0 ? named : all) current.set(operation, fault)
    },
    heal: () => current.clear(),
  }
}
