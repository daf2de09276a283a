import type { Severity } from '../session/events.ts'
import type { DetectorName, Evidence } from './detection.ts'
import type { AuditEntry } from './entry.ts'
import type { AuditType, Heads } from './events.ts'

/**
 * The watch store contract: where the audit trail, alerts, the windows of detectors and the numbers for charts live,
 * shared by all processes. The suite `watchStoreContract` in `latchkey/testing` proves an implementation.
 *
 * It knows nothing about chains, privacy or detectors. Every method may reject with anything; the watch copes, and no
 * request ever waits for it. Instants are epoch ms and come from the caller: a store reads no clock for decisions.
 */
export interface WatchStore extends TrailStore, AlertStore, Windows, Series {
  /** Short name for messages, for example `sqlite`. */
  readonly name: string
  /** Rejects when it cannot serve. Writes, because a full disk can still be read. */
  ping(): Promise<void>
  /** Finishes what is under way and closes what the store itself opened. Safe to call twice. */
  close(): Promise<void>
}

/** The audit trail: entries are added and, in the order of their age, removed; nothing is ever changed. */
export interface TrailStore {
  /**
   * Adds entries, all or none, in one atomic step. Rejects when one with the same chain and number is there. They survive
   * at least the death of the process when it resolves; the newest may be lost in a power cut.
   */
  append(entries: readonly AuditEntry[]): Promise<void>

  /**
   * Entries that match, newest first (`at`, then chain and number, all descending). What somebody wrote into the database that
   * no entry can be read from is left out: one such row must not keep everybody from seeing the others. `unreadable` counts it.
   */
  entries(query: TrailQuery): Promise<TrailPage>

  /** The last entry of every chain there is, as far as it can be read. */
  heads(): Promise<Heads>

  /**
   * Entries of one chain in their order, after a number (which may be below 0), at most `limit`: for verification. Rejects when
   * one of them cannot be read.
   */
  chain(chain: string, afterSeq: number, limit: number): Promise<AuditEntry[]>

  /**
   * For every chain with entries older than `before`: the last of these that only has older ones before it. Entries that
   * happened at `wrongFrom` (default: never) or later are of a wrong clock, or forged, and hold up nothing.
   */
  prunable(before: number, wrongFrom?: number): Promise<Heads>

  /** Removes the entries of these chains up to these numbers, at most `limit`, oldest first, and resolves to how many. */
  prune(upTo: Heads, limit: number): Promise<number>
}

/** What to look for in the trail; everything that is given must hold. */
export interface TrailQuery {
  /** At most so many, 1 to 1,000. */
  readonly limit: number
  /** From where the page before left off (`TrailPage.next`). */
  readonly cursor?: string | undefined
  /** Not before, epoch ms. */
  readonly since?: number | undefined
  /** Before, epoch ms. */
  readonly until?: number | undefined
  readonly sid?: string | undefined
  readonly userId?: string | undefined
  /** As it is stored, compared exactly. */
  readonly address?: string | undefined
  /** One of these. */
  readonly types?: readonly AuditType[] | undefined
  /** At least so urgent. */
  readonly severity?: Severity | undefined
}

/** A page of the trail. */
export interface TrailPage {
  readonly entries: readonly AuditEntry[]
  /** For the next page, or `null` when this was the last. Opaque; safe to come from a client: nonsense in it rejects with a `UsageError`. */
  readonly next: string | null
  /** How many rows were left out because no entry can be read from them; left out when there were none. */
  readonly unreadable?: number
}

/** Alerts and their life. */
export interface AlertStore {
  /**
   * In one atomic step: when an alert with this fingerprint is open or acknowledged and was last seen less than
   * `quietMs` before, it is seen once more (`count` grows by one, `lastAt` and `evidence` are replaced, a higher severity
   * stays), and `isNew` is false. Otherwise a new one is opened under `id` (an open one that was quiet for so long is closed by it).
   */
  raise(alert: NewAlert, quietMs: number): Promise<Raised>

  /** One alert, or `null`. */
  alert(id: string): Promise<Alert | null>

  /** Newest first (`lastAt`, then id, descending). */
  alerts(query: AlertQuery): Promise<{ readonly alerts: readonly Alert[]; readonly next: string | null }>

  /** How many are open, and how many acknowledged. Asked every few seconds: of very many it counts 10,000 and no more. */
  countAlerts(): Promise<{ readonly open: number; readonly acknowledged: number }>

  /**
   * Moves an alert on: `open` to `acknowledged` or `closed`, `acknowledged` to `closed`. Resolves to the alert as it is now,
   * or to `null` when there is none, or it was not in a state to move from.
   */
  moveAlert(id: string, to: 'acknowledged' | 'closed', by: string, at: number): Promise<Alert | null>

  /** Removes alerts of any state last seen before this, at most `limit`, and resolves to how many. */
  forgetAlerts(before: number, limit: number): Promise<number>
}

/** What the store made of a sighting. */
export interface Raised {
  /** The alert as it is now. */
  readonly alert: Alert
  /** Whether this sighting opened it. */
  readonly isNew: boolean
  /** Whether it was there, and this sighting made it more urgent. Of several at once, for each severity only one does. */
  readonly isWorse: boolean
}

/** An alert that begins. */
export interface NewAlert {
  /** 22 base64url characters. */
  readonly id: string
  readonly detector: DetectorName
  readonly fingerprint: string
  readonly severity: Severity
  readonly at: number
  readonly sid: string | null
  readonly userId: string | null
  readonly address: string | null
  readonly evidence: Evidence
}

/** An alert: one attack or oddity, however often it was seen. */
export interface Alert extends Omit<NewAlert, 'at'> {
  readonly state: 'open' | 'acknowledged' | 'closed'
  /** How often it was seen. */
  readonly count: number
  /** When it was first seen, epoch ms. */
  readonly firstAt: number
  /** When it was last seen, epoch ms. */
  readonly lastAt: number
  /** Who moved it on last, and when; `null` while nobody did. `by` is `null` when a newer alert closed it. */
  readonly moved: { readonly by: string | null; readonly at: number } | null
}

/** Which alerts. */
export interface AlertQuery {
  /** 1 to 500. */
  readonly limit: number
  readonly cursor?: string | undefined
  readonly state?: Alert['state'] | undefined
  readonly detector?: DetectorName | undefined
  readonly sid?: string | undefined
  readonly userId?: string | undefined
}

/** What detectors remember: who was seen where, lately, on all nodes together. Bounded; it forgets by itself. */
export interface Windows {
  /**
   * Adds sightings, in their order, each in one atomic step, and resolves to what each window then holds: the members
   * seen not longer than `windowMs` before the sighting, at most `most` of them, those seen last kept, oldest `lastAt` first.
   */
  see(sightings: readonly Sighting[]): Promise<readonly (readonly Seen[])[]>

  /**
   * Adds `by` (0 only asks) to each counter, and resolves to what each was before. A counter is forgotten when nobody added to
   * it for `forgetAfterMs`.
   */
  tally(counts: readonly Count[]): Promise<readonly number[]>

  /** Removes windows and counters that are over, at most about `limit`, and resolves to how many. */
  forgetWindows(now: number, limit: number): Promise<number>
}

/** Somebody or something is seen. */
export interface Sighting {
  /** The window, at most 200 characters; made of a detector's name and hashes. */
  readonly key: string
  /** Who is seen in it, at most 100 characters: the same one again is one member, seen again. */
  readonly member: string
  /** When, epoch ms. */
  readonly at: number
  /** How long a member stays, ms. The same for all sightings of a key. */
  readonly windowMs: number
  /** The most members kept, 1 to 256. The same for all sightings of a key. */
  readonly most: number
}

/** A member of a window. */
export interface Seen {
  readonly member: string
  /** When it was first and last seen in this window, epoch ms. */
  readonly firstAt: number
  readonly lastAt: number
}

/** A counter and what is added to it. */
export interface Count {
  /** At most 200 characters. */
  readonly key: string
  /** 0 or more. */
  readonly by: number
  readonly at: number
  readonly forgetAfterMs: number
}

/** Numbers over time, for charts: one for each name and minute. */
export interface Series {
  /** Adds to the numbers of these minutes, in one atomic step. `minute` is epoch minutes, `name` at most 100 characters. */
  add(points: readonly Point[]): Promise<void>

  /** Replaces numbers, for what is measured and not counted. */
  put(points: readonly Point[]): Promise<void>

  /** The numbers of these names from one minute (inclusive) to another (exclusive), by name and minute ascending. */
  points(names: readonly string[], fromMinute: number, toMinute: number): Promise<Point[]>

  /** Removes numbers of minutes before this one, at most about `limit`, and resolves to how many. */
  forgetPoints(beforeMinute: number, limit: number): Promise<number>
}

/** One number of a series. */
export interface Point {
  readonly name: string
  readonly minute: number
  readonly value: number
}
