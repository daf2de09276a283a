import type { RefusalReason } from '../errors.ts'
import type { EndReason } from './store.ts'

/**
 * Something that happened, for the audit trail. No event ever carries a token, secret, key, password or session data
 * (ASVS 16.2.5); `sid` is public and cannot authenticate.
 */
export type SessionEvent = {
  /** When it happened, epoch ms, from the engine's clock. */
  readonly at: number
  /** The session concerned, or `null` when there is none (for example a forged token). */
  readonly sid: string | null
  /** The user concerned, or `null` when nobody is signed in. Hostile characters are possible: encode before printing. */
  readonly userId: string | null
  /** Where the request came from, or `null` when the event does not stem from a request. */
  readonly origin: RequestOrigin | null
} & EventDetail

/** What the carrier knows about the client of a request. Recorded as a sign, never trusted as proof. */
export interface RequestOrigin {
  /** The client's address, or `null` when it is unknown. */
  readonly address: string | null
  /** The `User-Agent` header, cut to 256 characters, or `null`. Hostile characters are possible. */
  readonly userAgent: string | null
}

/** The kinds of events and what each carries. */
export type EventDetail =
  /** A new session exists. */
  | { readonly type: 'session.created' }
  /** An anonymous session became an authenticated one; `from` is the sid it replaced. */
  | {
      readonly type: 'session.signed-in'
      readonly amr: readonly string[]
      readonly aal: number
      readonly from: string | null
    }
  /** The first of several factors was right; nobody is signed in yet. `userId` is who it will be. */
  | { readonly type: 'sign-in.begun'; readonly amr: readonly string[] }
  /** The user of a session that nobody had used for too long proved again who they are. */
  | { readonly type: 'session.unlocked'; readonly amr: readonly string[]; readonly aal: number }
  /**
   * Somebody tried to sign in and did not prove who they are; told by the application with `session.signInFailed`. `account`
   * stands for what was typed: the same for the same account, and no way back to it, because people type passwords there.
   */
  | { readonly type: 'sign-in.failed'; readonly account: string }
  /** The session cannot be used until its user proves again who they are, because an operator or a detector asked for it. */
  | { readonly type: 'session.locked' }
  /** A critical action waits for its user's confirmation; `operation` is the application's name for it. */
  | { readonly type: 'confirmation.opened'; readonly operation: string }
  /** A critical action was confirmed, and may be carried out once. */
  | { readonly type: 'confirmation.redeemed'; readonly operation: string }
  /** A critical action was not confirmed. */
  | { readonly type: 'confirmation.refused'; readonly operation: string; readonly fault: ConfirmationFault }
  /** A user has one more second factor. */
  | { readonly type: 'factor.added'; readonly factor: FactorKind }
  /** A user has one second factor less. */
  | { readonly type: 'factor.removed'; readonly factor: FactorKind }
  /** A second factor was right. */
  | { readonly type: 'factor.passed'; readonly factor: FactorKind }
  /** A second factor was not accepted. */
  | { readonly type: 'factor.refused'; readonly factor: FactorKind | null; readonly fault: FactorFault }
  /** A second factor was not even looked at, because too many were wrong before. */
  | { readonly type: 'factor.throttled'; readonly seconds: number }
  /** The user proved more. */
  | { readonly type: 'session.stepped-up'; readonly amr: readonly string[]; readonly aal: number }
  /** The secret changed, the session stayed. */
  | { readonly type: 'session.rotated' }
  /** The session is over. */
  | { readonly type: 'session.ended'; readonly reason: EndReason }
  /** All sessions of the user, or of everybody (`userId` is `null`), were ended; `count` of them were live. */
  | { readonly type: 'sessions.ended-all'; readonly reason: EndReason; readonly count: number }
  /** A token of a session that is over was presented. `reason` is `null` when the record is already forgotten. */
  | { readonly type: 'token.used-after-end'; readonly reason: EndReason | null }
  /** A superseded token was presented: two parties hold the session. */
  | { readonly type: 'token.replayed' }
  /**
   * A token arrived that this server never issued. `token` stands for it: the same for the same one, and no way back. `key`: whether
   * it names a key of ours, as only a forgery does, or one that we do not know (any more), as an old cookie does, too. `named`
   * stands likewise for the key that it names: old cookies name the few secrets that were removed, made-up ones anything.
   */
  | {
      readonly type: 'token.forged'
      readonly token: string
      readonly key: 'ours' | 'unknown'
      readonly named: string
    }
  /** A good token was presented at the door of another kind: a refresh token as a cookie, or a cookie's as a refresh token (ASVS 9.2.2). */
  | { readonly type: 'token.misplaced' }
  /** An access token, or the proof that goes with it, was not accepted. */
  | { readonly type: 'access-token.refused'; readonly reason: AccessTokenFault }
  /** A proof of possession (DPoP, RFC 9449) was not accepted. */
  | { readonly type: 'proof.refused'; readonly fault: ProofFault }
  /** Several cookies with the session's name arrived in one request (CK-10). */
  | { readonly type: 'cookie.duplicated' }
  /** A request was refused. */
  | { readonly type: 'request.refused'; readonly reason: RefusalReason }
  /** A sign-in was refused. */
  | { readonly type: 'sign-in.refused'; readonly reason: RefusalReason }
  /** A record could not be read back: damaged, tampered with or of another version. The session is refused. */
  | { readonly type: 'record.corrupt' }
  /** The store failed; `operation` says at what. */
  | { readonly type: 'store.failed'; readonly operation: string }
  /** `count` further events of the kind `suppressed` were dropped in the last second, to bound a flood (CS-L2). */
  | { readonly type: 'events.suppressed'; readonly suppressed: EventType; readonly count: number }

/**
 * What is wrong with an access token. The client learns only `invalid_token`.
 *
 * - `malformed`: not a JWS in its one canonical spelling, too long, or its JSON is none that we accept.
 * - `untrusted`: algorithm, key or signature is not ours.
 * - `misplaced`: good, but of another kind, issuer or audience.
 * - `expired`: its time is over, or has not come yet.
 * - `incomplete`: a claim is missing or is not what it must be.
 * - `ended`: its session is over.
 * - `overheard`: it came over plain HTTP.
 * - `proof`: the key it is bound to was not proved (RFC 9449), or it came under the wrong scheme.
 */
export type AccessTokenFault =
  | 'malformed'
  | 'untrusted'
  | 'misplaced'
  | 'expired'
  | 'incomplete'
  | 'ended'
  | 'overheard'
  | 'proof'

/**
 * What is wrong with a proof, for the operator.
 *
 * - `missing`: there is none.
 * - `malformed`: several, no JWT in its one canonical spelling, of another type, or a claim is missing or no good.
 * - `untrusted`: its key, algorithm or signature is not accepted.
 * - `other-request`: made for another method or address.
 * - `untimely`: too old, or from the future.
 * - `other-token`: made for another access token, or for one where none is presented, or for none where one is.
 * - `other-key`: signed with another key than the one expected.
 * - `replayed`: it was used already.
 */
export type ProofFault =
  | 'missing'
  | 'malformed'
  | 'untrusted'
  | 'other-request'
  | 'untimely'
  | 'other-token'
  | 'other-key'
  | 'replayed'

/**
 * Why a confirmation was refused; its user learns only that it was.
 *
 * - `unknown`: there is none with this id, or it was redeemed already.
 * - `expired`: it took too long.
 * - `changed`: the operation or its data are not what was to be confirmed. The confirmation is void.
 * - `too-weak`: what the user proved does not reach the level that was asked for. The confirmation is void.
 * - `failed`: what the user proved was wrong, for the last time. The confirmation is void.
 */
export type ConfirmationFault = 'unknown' | 'expired' | 'changed' | 'too-weak' | 'failed'

/** What a second factor is: a time-based one-time password, a passkey or security key, or a recovery code. */
export type FactorKind = 'totp' | 'passkey' | 'recovery'

/**
 * Why a second factor was not accepted; the client learns only that it was not.
 *
 * - `wrong`: no such code, or the signature is not good.
 * - `used`: good once, and used already.
 * - `unknown`: the user has no such factor.
 * - `malformed`: no such thing as what was asked for.
 * - `challenge`: made for another challenge, or for one that is over or used.
 * - `origin`: made for another site.
 * - `unverified`: nobody was in front of the authenticator, or it did not make sure who.
 * - `unconfirmed`: the factor was to be added, but its enrolment is over or another session's.
 */
export type FactorFault =
  | 'wrong'
  | 'used'
  | 'unknown'
  | 'malformed'
  | 'challenge'
  | 'origin'
  | 'unverified'
  | 'unconfirmed'

/** The name of an event. */
export type EventType = EventDetail['type']

/** How urgent an event is: `info` is life, `warning` deserves a look, `alert` means somebody is attacking. */
export type Severity = 'info' | 'warning' | 'alert'

/** For every event its OWASP Logging Vocabulary term (CS-L1) and its severity. */
export const eventCatalogue: Record<EventType, { readonly owasp: string; readonly severity: Severity }> = {
  'session.created': { owasp: 'session_created', severity: 'info' },
  'session.signed-in': { owasp: 'authn_login_success', severity: 'info' },
  'sign-in.begun': { owasp: 'authn_login_success', severity: 'info' },
  'sign-in.failed': { owasp: 'authn_login_fail', severity: 'warning' },
  'session.locked': { owasp: 'authn_login_lock', severity: 'warning' },
  'session.unlocked': { owasp: 'authn_login_success', severity: 'info' },
  'confirmation.opened': { owasp: 'sensitive_create', severity: 'info' },
  'confirmation.redeemed': { owasp: 'sensitive_update', severity: 'info' },
  'confirmation.refused': { owasp: 'sequence_fail', severity: 'warning' },
  'factor.added': { owasp: 'user_updated', severity: 'warning' },
  'factor.removed': { owasp: 'user_updated', severity: 'warning' },
  'factor.passed': { owasp: 'authn_login_success', severity: 'info' },
  'factor.refused': { owasp: 'authn_login_fail', severity: 'warning' },
  'factor.throttled': { owasp: 'authn_login_fail_max', severity: 'warning' },
  'session.stepped-up': { owasp: 'authn_login_success', severity: 'info' },
  'session.rotated': { owasp: 'session_renewed', severity: 'info' },
  'session.ended': { owasp: 'session_expired', severity: 'info' },
  'sessions.ended-all': { owasp: 'authn_token_revoked', severity: 'warning' },
  'token.used-after-end': { owasp: 'session_use_after_expire', severity: 'warning' },
  'token.replayed': { owasp: 'authn_token_reuse', severity: 'alert' },
  'token.forged': { owasp: 'malicious_direct_reference', severity: 'warning' },
  'token.misplaced': { owasp: 'malicious_direct_reference', severity: 'warning' },
  'access-token.refused': { owasp: 'authn_token_reuse', severity: 'warning' },
  'proof.refused': { owasp: 'authn_token_reuse', severity: 'warning' },
  'cookie.duplicated': { owasp: 'malicious_extraneous', severity: 'warning' },
  'request.refused': { owasp: 'authz_fail', severity: 'warning' },
  'sign-in.refused': { owasp: 'excess_rate_limit_exceeded', severity: 'warning' },
  'record.corrupt': { owasp: 'crypt_decrypt_fail', severity: 'alert' },
  'store.failed': { owasp: 'sys_crash', severity: 'alert' },
  'events.suppressed': { owasp: 'excess_rate_limit_exceeded', severity: 'warning' },
}

/** Receives every event, synchronously and in order. It must not block; what it throws is ignored. */
export type EventListener = (event: SessionEvent) => void

/**
 * A request used a session. No event, because it happens all the time: for detectors that compare where sessions are used
 * from. See `Sessions.observe`.
 */
export interface SessionUse {
  /** When the request arrived, epoch ms. */
  readonly at: number
  /** The session. */
  readonly sid: string
  /** Its user, or `null` for an anonymous session. */
  readonly userId: string | null
  /** When the session began, epoch ms. */
  readonly createdAt: number
  /** When it was last used before, epoch ms, as far as that was written (see `touchEvery`). */
  readonly lastSeenAt: number
  /** Where it began. */
  readonly client: RequestOrigin
  /** Where the request came from; worked out when it is asked for, and only then. */
  origin(): RequestOrigin
}

/** Receives every use of a session, synchronously. It must not block and should be cheap; what it throws is ignored. */
export type UseObserver = (use: SessionUse) => void
