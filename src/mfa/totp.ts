import { hash, timingSafeEqual } from 'node:crypto'
import { UsageError } from '../errors.ts'
import type { KeyRing } from '../session/key-ring.ts'
import { sealBytes, unsealBytes } from '../session/seal.ts'
import type { RandomBytes } from '../session/token.ts'
import type { Checked, FactorFault, FactorSession } from './answer.ts'
import { changeFactor, type FactorChange } from './change-factor.ts'
import type { FactorRecord, FactorStore } from './store.ts'
import { type TotpLibrary, totpLibrary } from './totp-library.ts'

/** Which codes are taken: see `FactorsOptions.totpWindow`. */
export type TotpWindow = 'current-and-previous' | 'current'

/** What a user needs to set an authenticator app up. */
export interface TotpEnrolment {
  /** `otpauth://totp/…`, for a QR code. It holds the secret: show it on this page only, never log or store it. */
  readonly uri: string
  /** The secret in base32, for typing it in. */
  readonly secret: string
  /** For `confirmTotp`: a hidden field of the form. Good for 10 minutes, in this session, for this user. */
  readonly ticket: string
}

/** What authenticator apps understand everywhere (RFC 6238 with the parameters of RFC 4226). */
const algorithm = 'SHA1'
const digits = 6
const stepMs = 30_000
/** 160 bits, as RFC 4226 R6 advises. */
const seedBytes = 20
/** What the session's challenge is for: it lives for ten minutes, and is spent by the first right code. */
const purpose = 'totp enrolment'
/** Somebody has a phone, a spare phone and a tablet; more only help whoever guesses. */
const mostPerUser = 5

/** What stands in the body of a record. */
interface TotpBody {
  readonly v: 1
  /** Id of the server key that the seed is sealed under. */
  readonly key: string
  /** The sealed seed, base64url. */
  readonly seed: string
  /** The step of the last code that was accepted: only later ones are (RFC 6238 5.2). */
  readonly lastStep: number
}

interface Opened {
  readonly seed: Buffer
  readonly lastStep: number
}

/** What time-based codes run on. */
export interface TotpParts {
  readonly store: FactorStore
  readonly ring: KeyRing
  readonly random: RandomBytes
  readonly now: () => number
  readonly issuer: string
  readonly window: TotpWindow
  /** Is told of a record that cannot be opened: damaged, moved here from another user, or its server key is gone. */
  readonly corrupt: (userId: string) => void
}

/** Who sets an app up, and in which session. */
interface Whose {
  readonly sid: string
  readonly userId: string
}

/** Time-based one-time passwords (RFC 6238). */
export class Totp {
  readonly #parts: TotpParts

  constructor(parts: TotpParts) {
    this.#parts = parts
  }

  /** Makes a secret. Nothing is stored but that the session waits for it: all that is known of it is in the ticket. */
  async begin(session: FactorSession, { sid, userId }: Whose, account: string): Promise<TotpEnrolment> {
    const { TOTP, Secret } = await totpLibrary()
    const { store, ring, random, issuer } = this.#parts
    const records = await store.list(userId)
    if (records.filter(isTotp).length >= mostPerUser) throw tooMany()
    const seed = random(seedBytes)
    const secret = new Secret({ buffer: bytesOf(seed) })
    const challenge = Buffer.from(await session.challenge(purpose, userId, { lifetime: '10m' }))
    const key = ring.newest
    const sealed = sealBytes(key.factorKey, Buffer.concat([seed, challenge]), ticketContext(sid, userId), random)
    const label = labelOf(account)
    const uri = new TOTP({ issuer, label, secret, algorithm, digits, period: stepMs / 1000 }).toString()
    return { uri, secret: secret.base32, ticket: `${key.id}.${sealed.toString('base64url')}` }
  }

  /**
   * Adds the factor when the first code is right. That code is spent: it cannot be used to sign in as well. The record's id
   * is made from the secret, so that a ticket which is sent twice adds one factor.
   */
  async confirm(
    session: FactorSession,
    { sid, userId }: Whose,
    { ticket, code, label }: { readonly ticket: string; readonly code: string; readonly label: string },
  ): Promise<Checked> {
    const library = await totpLibrary()
    const { store, now } = this.#parts
    const at = now()
    const opened = this.#openTicket(ticket, ticketContext(sid, userId))
    if (!opened) return refused('unconfirmed')
    const { seed, challenge } = opened
    const typed = sixDigits(code)
    if (typed === null) return refused('malformed')
    const step = this.#stepOf(library, seed, typed, at)
    if (step === null) return refused('wrong')
    const id = hash('sha256', Buffer.concat([Buffer.from('latchkey totp factor '), seed]), 'base64url').slice(0, 22)
    const others = (await store.list(userId)).filter(isTotp)
    if (others.some(other => other.id === id)) return refused('used')
    if (others.length >= mostPerUser) throw tooMany()
    const body = this.#seal(seed, step, userId, id)
    const added = { id, userId, kind: 'totp' as const, version: 1, label, createdAt: at, lastUsedAt: null, body }
    if ((await store.create(added)) === 'exists') return refused('used')
    // Last of all, because a code may be mistyped before, and because the session, or the account, may have ended until here:
    // then nothing must be left behind, and whoever removes all of the user's factors after this finds it.
    const isWaitedFor = await session.answer(challenge, purpose, userId).catch(() => false)
    if (isWaitedFor) return passed(userId)
    await store.remove(id)
    return refused('unconfirmed')
  }

  /** Checks a code of six digits against all of the user's factors, and spends it. */
  async check(userId: string, records: readonly FactorRecord[], code: string): Promise<Checked> {
    const library = await totpLibrary()
    const faults = new Set<FactorFault>()
    for (const record of records.filter(isTotp)) {
      const answer = await changeFactor(this.#parts.store, record, current => this.#judge(library, current, code))
      if (answer === 'accepted') return passed(userId)
      faults.add(answer)
    }
    return refused(faults.has('used') ? 'used' : faults.has('wrong') ? 'wrong' : 'unknown')
  }

  #judge(library: TotpLibrary, record: FactorRecord, code: string): FactorChange | FactorFault {
    const at = this.#parts.now()
    const opened = this.#open(record)
    if (!opened) return 'unknown'
    const step = this.#stepOf(library, opened.seed, code, at)
    if (step === null) return 'wrong'
    if (step <= opened.lastStep) return 'used'
    // Sealed anew, under the newest key: factors that are in use follow the server's keys by themselves.
    return { lastUsedAt: at, body: this.#seal(opened.seed, step, record.userId, record.id) }
  }

  /** The step that this is the code of, or `null`. Never a later one than now: a client's clock that is fast gains nothing. */
  #stepOf({ HOTP, Secret }: TotpLibrary, seed: Buffer, code: string, at: number): number | null {
    const current = Math.floor(at / stepMs)
    const steps = this.#parts.window === 'current' ? [current] : [current, current - 1]
    const typed = Buffer.from(code)
    const secret = new Secret({ buffer: bytesOf(seed) })
    const right = steps.map(counter => {
      const generated = Buffer.from(HOTP.generate({ secret, algorithm, digits, counter }))
      return generated.length === typed.length && timingSafeEqual(generated, typed)
    })
    return steps[right.indexOf(true)] ?? null
  }

  #openTicket(ticket: string, context: string): { seed: Buffer; challenge: string } | null {
    const [keyId = '', sealed = ''] = ticket.split('.', 2)
    const key = this.#parts.ring.find(keyId)
    const opened = key && unsealBytes(key.factorKey, Buffer.from(sealed, 'base64url'), context)
    return opened ? { seed: opened.subarray(0, seedBytes), challenge: opened.toString('latin1', seedBytes) } : null
  }

  #seal(seed: Buffer, lastStep: number, userId: string, id: string): string {
    const { ring, random } = this.#parts
    const key = ring.newest
    const sealed = sealBytes(key.factorKey, seed, seedContext(userId, id), random).toString('base64url')
    const body: TotpBody = { v: 1, key: key.id, seed: sealed, lastStep }
    return JSON.stringify(body)
  }

  #open({ userId, id, body }: FactorRecord): Opened | null {
    const read = readBody(body)
    const key = read && this.#parts.ring.find(read.key)
    const seed = key && unsealBytes(key.factorKey, Buffer.from(read.seed, 'base64url'), seedContext(userId, id))
    if (seed) return { seed, lastStep: read.lastStep }
    this.#parts.corrupt(userId)
    return null
  }
}

/** The six digits that somebody typed, with whatever space between them; `null` when it is something else. */
export function sixDigits(typed: string): string | null {
  const code = typed.length > 64 ? '' : typed.replaceAll(/[\s-]/g, '')
  return /^\d{6}$/.test(code) ? code : null
}

function passed(userId: string): Checked {
  return { ok: true, userId, factor: 'totp', amr: ['otp'] }
}

function refused(fault: FactorFault): Checked {
  return { ok: false, factor: 'totp', fault }
}

function tooMany(): UsageError {
  return new UsageError(`A user may have ${mostPerUser} authenticator apps: offer no more, and have one removed first.`)
}

function readBody(text: string): TotpBody | null {
  try {
    const body: Partial<TotpBody> | null = JSON.parse(text)
    const isSound =
      body?.v === 1 &&
      typeof body.key === 'string' &&
      typeof body.seed === 'string' &&
      Number.isSafeInteger(body.lastStep)
    return isSound ? (body as TotpBody) : null
  } catch {
    return null
  }
}

/** A sealed seed opens for this user's factor only. As JSON, because ids of users may hold anything. */
function seedContext(userId: string, id: string): string {
  return JSON.stringify(['latchkey totp seed', userId, id])
}

function ticketContext(sid: string, userId: string): string {
  return JSON.stringify(['latchkey totp enrolment', sid, userId])
}

/** A buffer of its own: that of a small `Buffer` holds its neighbours, too. */
function bytesOf(seed: Buffer): ArrayBuffer {
  return Uint8Array.from(seed).buffer
}

function isTotp({ kind }: FactorRecord): boolean {
  return kind === 'totp'
}

/** A colon would end the issuer's part of the label, and an app would show another issuer. */
function labelOf(account: string): string {
  return account.slice(0, 128).toWellFormed().replaceAll(':', ' ').trim()
}
