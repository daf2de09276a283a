import { hash, timingSafeEqual } from 'node:crypto'
import { StoreError } from '../errors.ts'
import type { RandomBytes } from '../session/token.ts'
import type { Checked, FactorFault } from './answer.ts'
import { changeFactor, type FactorChange } from './change-factor.ts'
import type { FactorRecord, FactorStore } from './store.ts'

/** How many codes a set has. */
const setSize = 10
/** 125 bits: with 112 or more a plain hash is enough (ASVS 6.5.2), and guessing is hopeless (NIST 4.2.1.1 asks for 64). */
const codeLength = 25
const groupLength = 5
/** Crockford's base32: digits and letters that are not mistaken for each other. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const codeShape = /^[0-9A-HJKMNP-TV-Z]{25}$/
const mostTries = 100

/** What stands in the body of the one record that a user's codes have. */
interface RecoveryBody {
  readonly v: 1
  /** When this set was made, epoch ms: the record itself is older when the set replaced another. */
  readonly madeAt: number
  /** Hashes of the codes that work. */
  readonly open: readonly string[]
  /** Hashes of those that worked, so that it can be told when one is tried again. */
  readonly spent: readonly string[]
}

/** What recovery codes run on. */
export interface RecoveryParts {
  readonly store: FactorStore
  readonly random: RandomBytes
  readonly now: () => number
  /** Is told of a record that cannot be read. */
  readonly corrupt: (userId: string) => void
}

/** Recovery codes: look-up secrets on paper, for whoever lost the phone (NIST SP 800-63B-4 3.1.2, 4.2.1.1). */
export class RecoveryCodes {
  readonly #parts: RecoveryParts

  constructor(parts: RecoveryParts) {
    this.#parts = parts
  }

  /** A new set, in place of the old one at the same moment: there is no time without codes, and none with both. */
  async renew(userId: string): Promise<string[]> {
    const { store, random, now } = this.#parts
    const codes = Array.from({ length: setSize }, () => newCode(random))
    const at = now()
    const body = writeBody({ v: 1, madeAt: at, open: codes.map(code => hashOf(userId, code)), spent: [] })
    const id = recordId(userId)
    const fresh = {
      id,
      userId,
      kind: 'recovery' as const,
      version: 1,
      label: '',
      createdAt: at,
      lastUsedAt: null,
      body,
    }
    for (let tries = 0; tries < mostTries; tries += 1) {
      const record = await store.find(id)
      const outcome = record
        ? await store.save({ ...record, version: record.version + 1, lastUsedAt: null, body })
        : await store.create(fresh)
      if (outcome === 'saved' || outcome === 'created') return codes.map(grouped)
    }
    throw new StoreError(`The factor store (${store.name}) let nobody replace recovery codes. Try again in a moment.`)
  }

  /** Checks a code, as {@link recoveryCodeIn} read it, and spends it. */
  async check(userId: string, records: readonly FactorRecord[], code: string): Promise<Checked> {
    const record = records.find(({ kind }) => kind === 'recovery') ?? null
    // Codes whose factors are all gone wait for their removal: they must not be what is left of two factors.
    const isAlone = records.every(({ kind }) => kind === 'recovery')
    const answer = isAlone
      ? 'unknown'
      : await changeFactor(this.#parts.store, record, current => this.#judge(current, code))
    if (answer !== 'accepted') return { ok: false, factor: 'recovery', fault: answer }
    // RFC 8176 has no value for a look-up secret; it is a password that works once.
    return { ok: true, userId, factor: 'recovery', amr: ['otp'] }
  }

  #judge({ userId, body }: FactorRecord, code: string): FactorChange | FactorFault {
    const set = readBody(body)
    if (!set) {
      this.#parts.corrupt(userId)
      return 'unknown'
    }
    const hashed = hashOf(userId, code)
    const same = (other: string) => isEqual(other, hashed)
    // Every hash is looked at, whichever fits.
    const open = set.open.filter(other => !same(other))
    const spent = set.spent.filter(same)
    if (open.length === set.open.length) return spent.length > 0 ? 'used' : 'wrong'
    return { lastUsedAt: this.#parts.now(), body: writeBody({ ...set, open, spent: [...set.spent, hashed] }) }
  }
}

/** How many codes of a set still work, and when it was made; of a damaged record none. */
export function describeRecoveryCodes({ body, createdAt }: FactorRecord): { codesLeft: number; createdAt: number } {
  const set = readBody(body)
  return { codesLeft: set?.open.length ?? 0, createdAt: set?.madeAt ?? createdAt }
}

/**
 * The code that somebody typed, in its one spelling; `null` when it is something else. Case, spaces and dashes do not
 * matter, and neither do the letters that are read wrongly on paper: O is 0, I and L are 1.
 */
export function recoveryCodeIn(typed: string): string | null {
  if (typed.length > 128) return null
  const code = typed.replaceAll(/[\s-]/g, '').toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1')
  return codeShape.test(code) ? code : null
}

/** The bytes of a record's id: one record for each user, found without a list. */
function recordId(userId: string): string {
  return hash('sha256', JSON.stringify(['latchkey recovery codes', userId]), 'base64url').slice(0, 22)
}

/** With the user, so that a hash which is moved to another user's record fits nothing. As JSON: ids of users may hold anything. */
function hashOf(userId: string, code: string): string {
  return hash('sha256', JSON.stringify(['latchkey recovery code', userId, code]), 'base64url')
}

function newCode(random: RandomBytes): string {
  // 32 divides 256: every character is as likely as every other.
  return Array.from(random(codeLength), byte => alphabet[byte % alphabet.length]).join('')
}

function grouped(code: string): string {
  return code.replaceAll(new RegExp(`.{${groupLength}}(?=.)`, 'g'), '$&-')
}

function isEqual(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}

function writeBody(body: RecoveryBody): string {
  return JSON.stringify(body)
}

function readBody(text: string): RecoveryBody | null {
  try {
    const body: Partial<RecoveryBody> | null = JSON.parse(text)
    const isSound = body?.v === 1 && Number.isFinite(body.madeAt) && areTexts(body.open) && areTexts(body.spent)
    return isSound ? (body as RecoveryBody) : null
  } catch {
    return null
  }
}

function areTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(entry => typeof entry === 'string')
}
