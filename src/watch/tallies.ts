import { hash, randomBytes } from 'node:crypto'
import { canonicalJson } from '../session/canonical-json.ts'
import type { AuditEntry } from './entry.ts'

/** So many numbers of a chain are counted together. */
export const blockSize = 4_096

interface Tally {
  readonly count: number
  readonly sum: number
}

/** Sums stay below this, and so does twice as much below what a number can hold exactly. */
const modulus = 2 ** 48

/** What an entry is, as a number. Nobody who does not know our salt can make two that are alike, or some that add up to others. */
export class Fingerprints {
  readonly #salt = randomBytes(16).toString('base64url')

  /** Below 2^48, of every field of the entry. */
  of(entry: AuditEntry): number {
    const { chain, seq, at, type, severity, sid, userId, address, userAgent, detail, mac } = entry
    const fields = JSON.stringify([this.#salt, chain, seq, at, type, severity, sid, userId, address, userAgent, mac])
    return Number.parseInt(hash('sha256', fields + textOf(detail)).slice(0, 12), 16)
  }
}

/** Which entries of a chain there are, in whatever order they came, in a few bytes for thousands of them. */
export class Tallies {
  readonly #blocks = new Map<number, Tally>()

  /** Takes an entry. */
  add(seq: number, fingerprint: number): void {
    const block = Math.floor(seq / blockSize)
    const { count, sum } = this.#blocks.get(block) ?? { count: 0, sum: 0 }
    this.#blocks.set(block, { count: count + 1, sum: (sum + fingerprint) % modulus })
  }

  /** The blocks in which these entries and others are not the same, lowest first. */
  differences(others: Tallies): number[] {
    const blocks = new Set([...this.#blocks.keys(), ...others.#blocks.keys()])
    const differs = (block: number) => {
      const [one, other] = [this.#blocks.get(block), others.#blocks.get(block)]
      return one?.count !== other?.count || one?.sum !== other?.sum
    }
    return [...blocks].filter(differs).sort((one, other) => one - other)
  }
}

/** What is no JSON at all, no entry has; that is found by its MAC. */
function textOf(detail: AuditEntry['detail']): string {
  try {
    return canonicalJson(detail)
  } catch {
    return ''
  }
}
