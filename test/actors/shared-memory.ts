import { memoryStore } from 'latchkey/stores/memory'
import type { Following, SessionStore, SharedStore, StoredRecord } from '../../src/session/store.ts'

/** Records that several "processes" share, and what can go wrong between them and the place where the records are. */
export interface SharedMemory {
  /** The store as one more process sees it. */
  open(): SharedProcess
}

/** One process's connection to the shared records. */
export interface SharedProcess extends SharedStore {
  /** How often records were read from the shared place. */
  readonly reads: number
  /** The connection that tells of changes: `told` at once, `silent` for ever (nothing breaks, nothing comes), or `down`. */
  channel: 'told' | 'silent' | 'down'
  /** Resolves before every read is answered, with the record that was read already: for races. */
  beforeAnswer: ((record: StoredRecord | null) => Promise<void>) | null
}

type Follower = { process: SharedProcess; told: (sid: string | null) => void; lost: (cause: unknown) => void }

/** A memory store that stands in for a database: everything but distance is real. */
export function sharedMemory(): SharedMemory {
  const inner = memoryStore()
  const followers = new Set<Follower>()
  const tell = (sid: string | null): void => {
    for (const { process, told } of followers) if (process.channel === 'told') told(sid)
  }
  const open = (): SharedProcess => {
    const telling =
      <Args extends unknown[], Result>(
        work: (...args: Args) => Promise<Result>,
        sidsOf: (args: Args, result: Result) => readonly (string | null)[],
      ) =>
      async (...args: Args): Promise<Result> => {
        const result = await work(...args)
        for (const sid of sidsOf(args, result)) tell(sid)
        return result
      }
    const endUser: SessionStore['endUser'] = (...args) => inner.endUser(...args)
    const shared: SharedProcess = {
      name: 'shared',
      persistent: true,
      reads: 0,
      channel: 'told',
      beforeAnswer: null,
      async read(sid) {
        ;(shared as { reads: number }).reads += 1
        const record = await inner.read(sid)
        await shared.beforeAnswer?.(record)
        return record
      },
      create: telling(
        (...args: Parameters<SessionStore['create']>) => inner.create(...args),
        ([record], result) =>
          result.outcome === 'created' ? [record.sid, ...result.evicted.map(({ sid }) => sid)] : [],
      ),
      save: telling(
        (...args: Parameters<SessionStore['save']>) => inner.save(...args),
        ([record], result) => (result === 'saved' ? [record.sid] : []),
      ),
      touch: telling(
        (...args: Parameters<SessionStore['touch']>) => inner.touch(...args),
        ([sid]) => [sid],
      ),
      end: telling(
        (...args: Parameters<SessionStore['end']>) => inner.end(...args),
        ([sid]) => [sid],
      ),
      endUser: telling(endUser, (_, ended) => ended.map(({ sid }) => sid)),
      endEverybody: telling(
        (...args: Parameters<SessionStore['endEverybody']>) => inner.endEverybody(...args),
        () => [null],
      ),
      generation: userId => inner.generation(userId),
      list: userId => inner.list(userId),
      sweep: (now, limit) => inner.sweep(now, limit),
      ping: () => inner.ping(),
      close: async () => {},
      async follow(told, lost): Promise<Following> {
        if (shared.channel === 'down') throw new Error('connection refused')
        const follower: Follower = { process: shared, told, lost }
        followers.add(follower)
        return {
          confirm: async () => {
            if (shared.channel === 'silent') await new Promise(() => {})
            if (shared.channel === 'down') throw new Error('connection lost')
          },
          stop: async () => {
            followers.delete(follower)
          },
        }
      },
    }
    return shared
  }
  return { open }
}
