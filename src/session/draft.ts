import type { FactorProof } from './assurance.ts'
import {
  type BearerHolder,
  encodeBody,
  type PendingSignIn,
  type RetiredSecret,
  type SessionBody,
  sealData,
  sealHandoff,
} from './body.ts'
import type { StoredChallenge } from './challenges.ts'
import type { RequestOrigin } from './events.ts'
import type { RingKey } from './key-ring.ts'
import type { OpenedBody } from './known-tokens.ts'
import type { Policy } from './policy.ts'
import { sealingKey } from './seal.ts'
import type { SessionStore, StoredRecord } from './store.ts'
import { newSecret, newSid, type RandomBytes, secretHash } from './token.ts'
import { isLocked, keptUntil, worthKeeping } from './verdict.ts'

/** What a new session starts with. */
export interface NewSession {
  readonly userId: string | null
  /** The application's data as JSON text. */
  readonly json: string
  readonly proofs: readonly FactorProof[]
  readonly persistent: boolean
  /** Who is to be signed in later, or `null`. */
  readonly pending: PendingSignIn | null
  /** Whose a bearer session is, `null` for one in a cookie. */
  readonly bearer: BearerHolder | null
  readonly client: RequestOrigin
  /** The sid of the session that ends right after, or `null`: it does not count against the user's maximum. */
  readonly replaces: string | null
  /** The user's generation as it was before the password was checked; left out, it is read now. */
  readonly generation?: number
}

/** A session that nobody is signed in to, in the place of `old`. */
export function guestsSession(
  json: string,
  old: StoredRecord | null,
  carrier: { readonly bearer: BearerHolder | null; origin(): RequestOrigin },
): NewSession {
  return {
    userId: null,
    json,
    proofs: [],
    persistent: false,
    pending: null,
    bearer: carrier.bearer,
    client: carrier.origin(),
    replaces: old?.sid ?? null,
  }
}

/** What a request wants to become of a session. */
export interface Draft {
  /** New data as JSON text; left out, the data stays. */
  readonly json?: string
  /** `rotate`: new secret, the old one hands over. `replace`: new secret, the old one is dead at once. */
  readonly secret?: 'rotate' | 'replace'
  /** The successor was presented: its predecessor's grace begins. */
  readonly confirm?: boolean
  /** What the user has proved by now. */
  readonly proofs?: readonly FactorProof[]
  /** The sign-in that was pending is being completed. */
  readonly pending?: null
  /** The challenges that wait by now. */
  readonly challenges?: readonly StoredChallenge[]
  /** The request counts as use of the session. */
  readonly activity: boolean
}

/** Under which a record is drafted. */
export interface Circumstances {
  /** Now, epoch ms. */
  readonly now: number
  readonly policy: Policy
  readonly random: RandomBytes
  /** The key that new secrets are issued under: the newest of the ring. */
  readonly serverKey: RingKey
  /** What of the session its token carries instead of its record. */
  readonly carried: SessionStore['carried'] | null
}

/** A record ready to be written, and the same opened. */
export interface Drafted {
  readonly record: StoredRecord
  readonly opened: OpenedBody
}

/** The first record of a session. */
export function draftNew(session: NewSession, { now, policy, random, serverKey, carried }: Circumstances): Drafted {
  const { userId, json, proofs, persistent, bearer, pending, client } = session
  const secret = newSecret(random)
  const key = sealingKey(serverKey, secret)
  const identity = { sid: newSid(random, userId), userId, createdAt: now }
  const assurance = { proofs, persistent, bearer, pending }
  const body: SessionBody = {
    ...assurance,
    challenges: [],
    client,
    secret: { hash: secretHash(secret), keyId: serverKey.id, issuedAt: now },
    retired: [],
    data: carried ? '' : sealData(key, json, identity, assurance, random),
  }
  const seen = { ...identity, lastSeenAt: now }
  const record: StoredRecord = {
    ...seen,
    version: 1,
    expiresAt: keptUntil(seen, body, policy),
    ended: null,
    body: encodeBody(body),
  }
  return { record, opened: { text: record.body, userId, createdAt: now, body, secret, key, json } }
}

/** The next record of a session, one version on. */
export function draftNext(
  held: OpenedBody & { readonly record: StoredRecord },
  draft: Draft,
  { now, policy, random, serverKey, carried }: Circumstances,
): Drafted {
  const { record, body } = held
  const secret = draft.secret ? newSecret(random) : held.secret
  const key = draft.secret ? sealingKey(serverKey, secret) : held.key
  const json = draft.json ?? held.json
  const pending = draft.pending === null ? null : body.pending
  const assurance = { ...body, pending, proofs: draft.proofs ?? body.proofs }
  const reseal = draft.json !== undefined || draft.secret !== undefined || draft.proofs !== undefined
  const nextBody: SessionBody = {
    ...assurance,
    challenges: draft.challenges ?? body.challenges,
    lockedAt: draft.proofs ? undefined : body.lockedAt,
    secret: draft.secret ? { hash: secretHash(secret), keyId: serverKey.id, issuedAt: now } : body.secret,
    // Where the token is all there is, nobody remembers which came before it.
    retired: carried === 'all' ? [] : nextRetired(held, draft, secret, now, random),
    data: reseal && !carried ? sealData(key, json, record, assurance, random) : body.data,
  }
  // Only a proof is use of a locked session: a request that began before it was must not unlock it.
  const counts = draft.activity && (draft.proofs !== undefined || !isLocked(record, body, now, policy))
  const lastSeenAt = counts ? Math.max(now, record.lastSeenAt) : record.lastSeenAt
  const next: StoredRecord = {
    ...record,
    version: record.version + 1,
    lastSeenAt,
    expiresAt: keptUntil({ ...record, lastSeenAt }, body, policy),
    body: encodeBody(nextBody),
  }
  return {
    record: next,
    opened: { text: next.body, userId: record.userId, createdAt: record.createdAt, body: nextBody, secret, key, json },
  }
}

function nextRetired(
  { record, body, key }: OpenedBody & { readonly record: StoredRecord },
  draft: Draft,
  successor: Buffer,
  now: number,
  random: RandomBytes,
): readonly RetiredSecret[] {
  if (body.retired.length === 0 && !draft.secret) return body.retired
  const kept = worthKeeping(body.retired, now)
  switch (draft.secret) {
    case 'rotate': {
      const handoff = { sealed: sealHandoff(key, successor, record.sid, random), seenAt: null }
      // There is never a third valid token: the predecessor's time is over.
      return [
        { hash: body.secret.hash, at: now, handoff },
        ...kept.map(entry => (entry.handoff ? dead(entry, now) : entry)),
      ]
    }
    case 'replace':
      return [{ hash: body.secret.hash, at: now, handoff: null }, ...kept.map(entry => dead(entry, now))]
    default:
      return draft.confirm ? confirmed(kept, now) : kept
  }
}

/** The successor was seen: the grace of its predecessor begins. */
export function confirmed(retired: readonly RetiredSecret[], now: number): readonly RetiredSecret[] {
  return retired.map(entry =>
    entry.handoff ? { ...entry, handoff: { ...entry.handoff, seenAt: entry.handoff.seenAt ?? now } } : entry,
  )
}

function dead(entry: RetiredSecret, now: number): RetiredSecret {
  return { ...entry, at: now, handoff: null }
}
