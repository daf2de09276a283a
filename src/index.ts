/** Latchkey: session management for TypeScript servers. */
export {
  DataTooLargeError,
  type ErrorCode,
  LatchkeyError,
  Refusal,
  type RefusalReason,
  StoreError,
  UsageError,
} from './errors.ts'
export type { ClientConnection, TrustProxy } from './http/client-address.ts'
export type { Exchange } from './http/exchange.ts'
export type { AlsoCleared } from './http/hygiene.ts'
export type { HeldExchange, RequestFacts, ResponseHead } from './http/request-facts.ts'
export { safeReturnTo } from './http/return-to.ts'
export type { SessionStatus } from './http/session-status.ts'
export { type CsrfOptions, createSessions, type Sessions, type SessionsOptions } from './http/sessions.ts'
export type { SessionCookieOptions } from './http/set-cookie.ts'
export { type AssuranceLevel, type FactorProof, levelReachedAt, type Proved } from './session/assurance.ts'
export type { SessionCensus } from './session/census.ts'
export type { ChallengeOptions, Confirmation, ConfirmationOptions } from './session/confirmations.ts'
export { type Duration, durationMs } from './session/duration.ts'
export {
  type ConfirmationFault,
  type EventListener,
  type EventType,
  eventCatalogue,
  type FactorFault,
  type FactorKind,
  type RequestOrigin,
  type SessionEvent,
  type SessionUse,
  type Severity,
  type UseObserver,
} from './session/events.ts'
export { type Policy, type PolicyOptions, type PresetName, presets } from './session/policy.ts'
export type { LoadOptions, Session } from './session/session.ts'
export type { SessionInfo } from './session/session-info.ts'
export type { SessionQuery, SessionSearchPage } from './session/session-search.ts'
export type { SignInOptions } from './session/sign-in.ts'
export type {
  CreateOptions,
  CreateResult,
  EndMark,
  EndReason,
  Following,
  SessionDirectory,
  SessionPage,
  SessionStore,
  SharedStore,
  StoredRecord,
} from './session/store.ts'
export type { StoreMeter, StoreOutcome } from './session/store-meter.ts'
