/**
 * What the console's page and its server say to each other: JSON under `<mount>/api/`. Types only; both sides build on them.
 *
 * The page is `<mount>/`, with the slash, because all its addresses are relative: `<mount>` redirects there. It asks for
 * `overview` every 10 s, `series` every minute and keeps `feed` open by itself, so none of these three is activity; whatever
 * else it asks for, a person asked for. Left out of a query: whatever it is.
 */
import type { SessionInfo, SessionSearchPage } from '../index.ts'
import type { Alert, AuditEntry, SeriesName, TrailPage, WatchStats } from '../watch/index.ts'

// All that the page knows of the rest of the package.
export type { SessionInfo, Severity } from '../index.ts'
export type {
  Alert,
  AuditEntry,
  AuditType,
  DetectorName,
  SeriesName,
  TrailPage,
  WatchStats,
} from '../watch/index.ts'

/** `GET api/overview` */
export interface Overview {
  /** The administrator who looks. */
  readonly me: { readonly userId: string }
  /** Now on the server, epoch ms. */
  readonly now: number
  /** Live sessions; `null` when the store cannot count. */
  readonly census: Census | null
  readonly alerts: { readonly open: number; readonly acknowledged: number }
  readonly watch: WatchStats
  /** What the page may do: with a store that keeps no sessions, nothing can be ended from here. */
  readonly revocable: boolean
  /** Whether all sessions can be listed and counted. Where not, only those of one user at a time can be asked for. */
  readonly listable: boolean
  /** Which proofs the confirmation of a critical action asks for. */
  readonly proof: { readonly password: boolean; readonly code: boolean; readonly passkey: boolean }
  /** Token for the header `X-CSRF-Token` of POST requests. */
  readonly csrfToken: string
  /** When the session ends at the latest, epoch ms. */
  readonly sessionEndsAt: number
  /** Until when the console can be used without proving again who one is, epoch ms. */
  readonly freshUntil: number
}

/** How many sessions of which kind there are; from a sample where there are many. */
export interface Census {
  readonly total: number
  /** Whether the shares below were counted, and not estimated from a sample. */
  readonly exact: boolean
  /** By level of assurance, `'0'` to `'3'`. */
  readonly byLevel: Readonly<Record<string, number>>
  /** By carrier, `cookie` and `bearer`. */
  readonly byCarrier: Readonly<Record<string, number>>
}

/** `GET api/series?from=<epoch minute>&to=<epoch minute>&step=<minutes>`: at most 400 steps. `null`: nothing was measured or counted. */
export interface SeriesAnswer {
  readonly from: number
  readonly step: number
  readonly series: Readonly<Record<SeriesName, readonly (number | null)[]>>
}

/** `GET api/sessions?cursor&limit&user&text&level&carrier&locked`: `level` `0`–`3`, `carrier` `cookie` or `bearer`, `locked` `true` or `false`. */
export type SessionsAnswer = SessionSearchPage

/** `GET api/session?sid=` ; `session` is `null` when it is over, its story is still there. `current`: it is the administrator's own. */
export interface SessionAnswer {
  readonly session: SessionInfo | null
  readonly current: boolean
  readonly story: TrailPage
  readonly alerts: readonly Alert[]
}

/** `GET api/user?id=` */
export interface UserAnswer {
  readonly userId: string
  readonly sessions: readonly SessionInfo[]
  readonly story: TrailPage
  readonly alerts: readonly Alert[]
}

/** `GET api/entries?cursor&limit&since&until&sid&user&address&type&severity` (`type` may come several times) */
export type EntriesAnswer = TrailPage

/** `GET api/alerts?cursor&limit&state&detector` */
export interface AlertsAnswer {
  readonly alerts: readonly Alert[]
  readonly next: string | null
}

/**
 * `GET api/feed`: server-sent events. `entry` carries an {@link AuditEntry} (its id is `<at>:<chain>:<seq>`, and `Last-Event-ID`,
 * or `?after=` with the same, goes on from there), `alert` an {@link Alert} whenever one is new or changed, `gap` says that more
 * happened than is sent (`api/entries` has it all); a comment line comes every 15 s. It begins with the last half minute, and
 * with it entries that were written late: one may come twice, and not in order; `chain` and `seq` tell them apart. So: open the
 * feed, then ask for lists.
 *
 * `over` comes last, when the session is over, or may not look any more. Ask `api/overview` then: its refusal says where to go,
 * and it is none when the user proved more meanwhile, in another tab. A stream that ends without `over` is to be opened again.
 * 429: too many listen already.
 */
export type FeedEvent =
  | { readonly event: 'entry'; readonly data: AuditEntry }
  | { readonly event: 'alert'; readonly data: Alert }
  | { readonly event: 'gap'; readonly data: Readonly<Record<string, never>> }
  | { readonly event: 'over'; readonly data: { readonly reason: 'signed-out' | 'not-fresh' } }

/** `POST api/alert/acknowledge` and `POST api/alert/close` with `{ id }` answer with {@link AlertMoved}; 409 when it cannot be. */
export interface AlertMoved {
  readonly alert: Alert
}

/** `POST api/session/end` with `{ sid }`, `POST api/user/end` with `{ userId }`. `ended`: how many were alive. */
export interface Ended {
  readonly ended: number
}

/** `POST api/everybody/confirm` with `{}`: opens the confirmation. `passkey`: options for `navigator.credentials.get`, where possible. */
export interface EverybodyConfirmation {
  readonly confirmation: string
  readonly expiresAt: number
  readonly passkey: unknown
}

/** `POST api/everybody/end`: answers with {@link Ended}, 403 with `code: 'proof-refused'` when the proof was wrong, 429 to wait. */
export interface EverybodyEnd {
  readonly confirmation: string
  readonly password?: string
  readonly code?: string
  /** What `navigator.credentials.get` gave, as JSON. */
  readonly passkey?: unknown
}

/**
 * Every answer that is no success. 401: `code` is `not-signed-in`, `session-locked`, `level-too-low` or `not-fresh`; the page goes
 * to `signInAt`, which ends in an encoded way back to the page: an encoded fragment may be added to it. 404 to everything: this
 * user is no administrator (any more).
 */
export interface Problem {
  readonly code: string
  readonly message: string
  /** Where to prove more, a path with a way back, or `null`. */
  readonly signInAt: string | null
}
