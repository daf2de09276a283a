import type { KeyObject } from 'node:crypto'
import type { FactorProof } from './assurance.ts'
import type { StoredChallenge } from './challenges.ts'
import type { RequestOrigin } from './events.ts'
import { seal, unseal } from './seal.ts'
import type { StoredRecord } from './store.ts'
import type { RandomBytes } from './token.ts'

/** What the engine writes into a record's `body`. Everything but the data can be read without the token. */
export interface SessionBody {
  /** What the user proved, and when; empty for an anonymous session. */
  readonly proofs: readonly FactorProof[]
  /** Who is about to be signed in here once they proved another factor, or `null`. Until then the session is nobody's. */
  readonly pending: PendingSignIn | null
  /** Challenges that wait to be answered, oldest first; each is authenticated by itself. */
  readonly challenges: readonly StoredChallenge[]
  /** Whether the cookie survives the end of the browser ("remember me"). */
  readonly persistent: boolean
  /** Whose a bearer session is; `null`: it is carried by a cookie. A token answers only at the door of its own kind. */
  readonly bearer: BearerHolder | null
  /** Since when its user has to prove again who they are, because somebody asked for it; epoch ms. A new proof takes it away. */
  readonly lockedAt?: number | undefined
  /** Where the session was created from. */
  readonly client: RequestOrigin
  /** The secret that is current, and the server key that its token and the data are under. */
  readonly secret: { readonly hash: string; readonly keyId: string; readonly issuedAt: number }
  /** Superseded secrets that may still be under way, newest first. */
  readonly retired: readonly RetiredSecret[]
  /** The application's data, sealed under the current secret; the fields above and the user are authenticated with it. */
  readonly data: string
}

/** A sign-in of which the first factor was right. */
export interface PendingSignIn {
  readonly userId: string
  readonly proofs: readonly FactorProof[]
  /** Whether it will be a persistent session. */
  readonly persistent: boolean
  /** The user's generation as it was before the first factor was checked: a sign-in is refused when it changed since (ASVS 7.4.2). */
  readonly generation: number
  /** After this it has to be begun anew, epoch ms. */
  readonly expiresAt: number
}

/** The program that holds a bearer session. */
export interface BearerHolder {
  /** Its OAuth client id. */
  readonly clientId: string
  /** Thumbprint of the key that must prove possession of the refresh token (RFC 9449, `jkt`), or `null`. */
  readonly keyThumbprint: string | null
}

/** A secret that is no longer current. */
export interface RetiredSecret {
  /** SHA-256 of the secret, base64url. */
  readonly hash: string
  /** When it was superseded, epoch ms. */
  readonly at: number
  /**
   * The current secret, sealed under this one, so that whoever presents this one gets the same successor and never a
   * third. `null` after a step-up, which hands out nothing. `seenAt`: when the successor was first presented.
   */
  readonly handoff: { readonly sealed: string; readonly seenAt: number | null } | null
}

/** The text for a record's `body`. */
export function encodeBody(body: SessionBody): string {
  return JSON.stringify(body)
}

/** Reads a record's `body`; `null` when it is damaged or of another version. */
export function decodeBody(text: string): SessionBody | null {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return null
  }
  return isSound(body) ? body : null
}

function isSound(value: unknown): value is SessionBody {
  const body = value as SessionBody | null
  return (
    typeof body === 'object' &&
    body !== null &&
    areProofs(body.proofs) &&
    isPendingOrNull(body.pending) &&
    Array.isArray(body.challenges) &&
    body.challenges.every(isChallenge) &&
    typeof body.persistent === 'boolean' &&
    isBearerOrNull(body.bearer) &&
    (body.lockedAt === undefined || typeof body.lockedAt === 'number') &&
    isStringOrNull(body.client?.address) &&
    isStringOrNull(body.client.userAgent) &&
    typeof body.secret?.hash === 'string' &&
    typeof body.secret.keyId === 'string' &&
    typeof body.secret.issuedAt === 'number' &&
    Array.isArray(body.retired) &&
    body.retired.every(isSoundlyRetired) &&
    typeof body.data === 'string'
  )
}

function areProofs(proofs: unknown): boolean {
  return Array.isArray(proofs) && proofs.every(isProof)
}

function isProof(proof: FactorProof | null): boolean {
  return typeof proof?.method === 'string' && typeof proof.at === 'number' && typeof proof.aal === 'number'
}

function isPendingOrNull(pending: PendingSignIn | null): boolean {
  if (pending === null) return true
  return (
    typeof pending?.userId === 'string' &&
    areProofs(pending.proofs) &&
    typeof pending.persistent === 'boolean' &&
    typeof pending.generation === 'number' &&
    typeof pending.expiresAt === 'number'
  )
}

function isChallenge(challenge: StoredChallenge | null): boolean {
  return (
    typeof challenge?.hash === 'string' &&
    typeof challenge.digest === 'string' &&
    typeof challenge.level === 'number' &&
    typeof challenge.expiresAt === 'number' &&
    typeof challenge.failures === 'number'
  )
}

function isBearerOrNull(bearer: BearerHolder | null): boolean {
  return bearer === null || (typeof bearer?.clientId === 'string' && isStringOrNull(bearer.keyThumbprint))
}

function isSoundlyRetired(entry: RetiredSecret | null): boolean {
  return (
    typeof entry?.hash === 'string' &&
    typeof entry.at === 'number' &&
    (entry.handoff === null || (typeof entry.handoff?.sealed === 'string' && isNumberOrNull(entry.handoff.seenAt)))
  )
}

function isNumberOrNull(value: unknown): boolean {
  return value === null || typeof value === 'number'
}

function isStringOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string'
}

type Identity = Pick<StoredRecord, 'sid' | 'userId' | 'createdAt'>
type Assurance = Pick<SessionBody, 'proofs' | 'persistent' | 'bearer' | 'pending'>

/**
 * What the sealed data is bound to, as a text: whoever can write to the store, but does not hold the token, cannot make a session
 * somebody else's, stronger, younger or longer-lived: the data then no longer opens and the session is refused.
 */
export function identityOf(record: Identity, body: Assurance): string {
  return JSON.stringify([
    record.sid,
    record.userId,
    record.createdAt,
    body.proofs,
    body.persistent,
    body.bearer,
    body.pending,
  ])
}

/** Seals the application's data (JSON text) to the record it belongs to. */
export function sealData(key: KeyObject, json: string, record: Identity, body: Assurance, random: RandomBytes): string {
  return seal(key, json, identityOf(record, body), random)
}

/** Opens the application's data; `null` when the record was tampered with. */
export function unsealData(key: KeyObject, record: Identity, body: SessionBody): string | null {
  return unseal(key, body.data, identityOf(record, body))
}

/** Seals a successor secret under the secret it replaces. */
export function sealHandoff(key: KeyObject, successor: Buffer, sid: string, random: RandomBytes): string {
  return seal(key, successor.toString('base64url'), `handoff ${sid}`, random)
}

/** Opens a successor secret; `null` when it was tampered with. */
export function unsealHandoff(key: KeyObject, sealed: string, sid: string): Buffer | null {
  const text = unseal(key, sealed, `handoff ${sid}`)
  return text === null ? null : Buffer.from(text, 'base64url')
}
