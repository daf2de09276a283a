import { createSecretKey, type KeyObject } from 'node:crypto'
import { memoryWatch } from 'latchkey/watch/stores/memory'
import type { AuditEntry } from '../../src/watch/entry.ts'
import type { AuditEvent } from '../../src/watch/events.ts'
import { createPrivacy, type Privacy } from '../../src/watch/privacy.ts'
import type { Sink } from '../../src/watch/sink.ts'
import type { TrailStore } from '../../src/watch/store.ts'
import { Trail, type TrailParts } from '../../src/watch/trail.ts'
import { type ManualTimers, manualTimers } from '../watch/manual-timers.ts'

export const keyId = 'keyOne--'
export const key: KeyObject = createSecretKey(Buffer.alloc(32, 1))
export const olderKeyId = 'keyTwo--'
export const olderKey: KeyObject = createSecretKey(Buffer.alloc(32, 2))

/** The key ring of every test: both keys. */
export function keyOf(id: string): KeyObject | null {
  return { [keyId]: key, [olderKeyId]: olderKey }[id] ?? null
}

/** Everything is written down as it is. */
export const openPrivacy: Privacy = createPrivacy(undefined, key, {
  read: () => ({ browser: 'Chrome', os: 'Windows', device: 'desktop', version: 126 }),
})

/** A trail over a store that a test can bring into trouble. */
export interface TrailUnderTest {
  readonly trail: Trail
  readonly store: TroubledStore
  readonly timers: ManualTimers
  /** What the trail had to tell about itself, `sink: what`. */
  readonly troubles: string[]
  /** Writes so many events, of users `user-1`, `user-2` and so on. */
  write(count: number): void
}

export interface TrailChoices extends Partial<Omit<TrailParts, 'store' | 'timers' | 'trouble' | 'clock'>> {
  readonly store?: TroubledStore
  readonly timers?: ManualTimers
}

/** A trail that is open. */
export async function openTrail(choices: TrailChoices = {}): Promise<TrailUnderTest> {
  const given = startTrail(choices)
  await given.trail.open()
  return given
}

/** A trail that is not open yet. */
export function startTrail(choices: TrailChoices = {}): TrailUnderTest {
  const { store = troubledStore(), timers = manualTimers(), ...parts } = choices
  const troubles: string[] = []
  const trail = new Trail({
    ...{ store, timers, key, keyId, keyOf, privacy: openPrivacy, retentionMs: null, maxQueued: 1_000, sinks: [] },
    clock: timers.clock.now,
    random: size => Buffer.from(crypto.getRandomValues(new Uint8Array(size))),
    trouble: (sink, what) => troubles.push(`${sink}: ${what}`),
    ...parts,
  })
  let written = 0
  const write = (count: number) => {
    for (const end = written + count; written < end; ) {
      written += 1
      trail.write(signedIn(timers.clock.now(), `user-${written}`))
    }
  }
  return { trail, store, timers, troubles, write }
}

/** Somebody signed in. */
export function signedIn(at: number, userId: string, userAgent: string = 'Test/1.0'): AuditEvent {
  const origin = { address: '192.0.2.1', userAgent }
  return { at, sid: 'A'.repeat(22), userId, origin, type: 'session.signed-in', amr: ['pwd'], aal: 1, from: null }
}

/** How a call of a store can go: `done` although it says that it failed. */
export type Way = 'works' | 'rejects' | 'throws' | 'hangs' | 'done but rejects'

export interface TroubledStore extends TrailStore {
  /** How appends go. */
  appends: Way
  /** How everything else goes. */
  reads: Way
  /** How many entries each append was given. */
  readonly batches: number[]
}

/** A store in memory that does what a test says. */
export function troubledStore(inner: TrailStore = memoryWatch()): TroubledStore {
  const go = async <T>(way: Way, work: () => Promise<T>): Promise<T> => {
    if (way === 'hangs') return new Promise(() => {})
    if (way === 'rejects') throw new Error('The disk is full.')
    const result = await work()
    if (way === 'done but rejects') throw new Error('The connection broke.')
    return result
  }
  const read = <T>(work: () => Promise<T>): Promise<T> => {
    if (store.reads === 'throws') throw new Error('Thrown at once.')
    return go(store.reads, work)
  }
  const store: TroubledStore = {
    appends: 'works',
    reads: 'works',
    batches: [],
    append(entries) {
      store.batches.push(entries.length)
      if (store.appends === 'throws') throw new Error('Thrown at once.')
      return go(store.appends, () => inner.append(entries))
    },
    entries: query => read(() => inner.entries(query)),
    heads: () => read(() => inner.heads()),
    chain: (chain, afterSeq, limit) => read(() => inner.chain(chain, afterSeq, limit)),
    prunable: (before, wrongFrom) => read(() => inner.prunable(before, wrongFrom)),
    prune: (upTo, limit) => read(() => inner.prune(upTo, limit)),
  }
  return store
}

/** A store that holds these entries, as somebody left them who can write to it. */
export async function storeOf(entries: readonly AuditEntry[]): Promise<TroubledStore> {
  const store = troubledStore()
  await store.append(entries)
  return store
}

/** Everything in a store, chain by chain. */
export async function everything(store: TrailStore): Promise<AuditEntry[]> {
  const chains = Object.keys(await store.heads())
  const entries = await Promise.all(chains.map(chain => store.chain(chain, 0, 1_000_000)))
  return entries.flat()
}

/** The users of the events that `write` wrote. */
export function users(entries: readonly AuditEntry[]): (string | null)[] {
  return entries.filter(({ type }) => type === 'session.signed-in').map(({ userId }) => userId)
}

export interface TroubledSink extends Sink {
  way: Way
  readonly got: AuditEntry[]
  readonly signals: AbortSignal[]
  isClosed: boolean
}

/** A sink that does what a test says. */
export function troubledSink(name: string, way: Way = 'works'): TroubledSink {
  const sink: TroubledSink = {
    ...{ name, way, got: [], signals: [], isClosed: false },
    write(entries, signal) {
      sink.signals.push(signal)
      if (sink.way === 'throws') throw new Error('Thrown at once.')
      if (sink.way === 'rejects') return Promise.reject(new Error('No.'))
      if (sink.way === 'hangs') return new Promise(() => {})
      sink.got.push(...entries)
      return Promise.resolve()
    },
    async close() {
      sink.isClosed = true
    },
  }
  return sink
}
