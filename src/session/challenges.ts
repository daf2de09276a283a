import { createHmac, timingSafeEqual } from 'node:crypto'
import { UsageError } from '../errors.ts'
import type { AssuranceLevel } from './assurance.ts'
import { canonicalJson } from './canonical-json.ts'
import type { KeyRing, RingKey } from './key-ring.ts'
import { type RandomBytes, secretHash } from './token.ts'

/** A challenge as its session keeps it: whoever reads it cannot answer it. */
export interface StoredChallenge {
  /** SHA-256 of the challenge, base64url. */
  readonly hash: string
  /** Authenticates the rest of this, with its session and what it was made for, under a key of the server's. */
  readonly digest: string
  /** The level that the answer must prove. */
  readonly level: AssuranceLevel
  /** After this it is void, epoch ms. */
  readonly expiresAt: number
  /** How often it was answered wrongly. */
  readonly failures: number
}

/** What a challenge is made for: answered for anything else, it is void (TA-2). */
export interface ChallengeSubject {
  /** A confirmation is never the answer to another challenge, nor the other way round. */
  readonly kind: 'challenge' | 'confirmation'
  /** Public id of the session. */
  readonly sid: string
  readonly purpose: string
  /** A JSON value. */
  readonly data: unknown
}

/** A new challenge: the text to be handed out, and what the session keeps of it. */
export interface NewChallenge {
  readonly challenge: string
  readonly stored: StoredChallenge
}

/** What became of a challenge that was answered, and the challenges that are left. */
export interface AnsweredChallenge {
  readonly fault: 'unknown' | 'expired' | 'changed' | null
  readonly level: AssuranceLevel
  readonly left: readonly StoredChallenge[]
}

/** More than one page of a user may wait for an answer; those that were given up must not pile up. */
const mostChallenges = 8
/** Wrong answers before a challenge is void (TA-4). */
const mostFailures = 5
const challengeBytes = 32

/** Makes a challenge of 256 random bits (ASVS 6.7.2). */
export function newChallenge(
  subject: ChallengeSubject,
  { level, expiresAt }: Pick<StoredChallenge, 'level' | 'expiresAt'>,
  key: RingKey,
  random: RandomBytes,
): NewChallenge {
  const challenge = random(challengeBytes).toString('base64url')
  const unsigned = { hash: hashOf(challenge), level, expiresAt }
  return { challenge, stored: { ...unsigned, digest: digestOf(key, subject, unsigned), failures: 0 } }
}

/** The challenges with one more; the oldest make room. */
export function withChallenge(
  challenges: readonly StoredChallenge[],
  added: StoredChallenge,
  now: number,
): readonly StoredChallenge[] {
  return [...challenges.filter(({ expiresAt }) => expiresAt > now).slice(1 - mostChallenges), added]
}

/** Judges an answer. Right, wrong or late, the challenge is spent: each is answered once. */
export function answered(
  challenges: readonly StoredChallenge[],
  challenge: string,
  subject: ChallengeSubject,
  now: number,
  ring: KeyRing,
): AnsweredChallenge {
  const found = find(challenges, challenge)
  if (!found) return { fault: 'unknown', level: 0, left: challenges }
  const left = challenges.filter(other => other !== found)
  const { level } = found
  if (found.expiresAt <= now) return { fault: 'expired', level, left }
  const isSame = ring.all.some(key => sameDigest(digestOf(key, subject, found), found.digest))
  return { fault: isSame ? null : 'changed', level, left }
}

/** Counts a wrong answer; `isVoid` once there were too many. */
export function failed(
  challenges: readonly StoredChallenge[],
  challenge: string,
): { readonly isVoid: boolean; readonly left: readonly StoredChallenge[] } {
  const found = find(challenges, challenge)
  if (!found) return { isVoid: false, left: challenges }
  const failures = found.failures + 1
  const isVoid = failures >= mostFailures
  return {
    isVoid,
    left: isVoid
      ? challenges.filter(other => other !== found)
      : challenges.map(other => (other === found ? { ...found, failures } : other)),
  }
}

function find(challenges: readonly StoredChallenge[], challenge: string): StoredChallenge | undefined {
  if (typeof challenge !== 'string') return undefined
  const hash = hashOf(challenge)
  return challenges.find(other => other.hash === hash)
}

function hashOf(challenge: string): string {
  return secretHash(Buffer.from(challenge))
}

/**
 * Under a key of the server's: data such as an address could be guessed from a plain hash, and whoever can write to the store
 * must not make a challenge, nor move one to another session.
 */
function digestOf(
  { challengeKey }: RingKey,
  { kind, sid, purpose, data }: ChallengeSubject,
  { hash, level, expiresAt }: Pick<StoredChallenge, 'hash' | 'level' | 'expiresAt'>,
): string {
  if (typeof purpose !== 'string' || purpose === '') {
    throw new UsageError(
      `The ${kind === 'challenge' ? 'purpose of a challenge' : 'name of an operation'} must be a text that is not empty.`,
    )
  }
  return createHmac('sha256', challengeKey)
    .update(canonicalJson([kind, sid, hash, level, expiresAt, purpose, data]))
    .digest('base64url')
}

function sameDigest(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
