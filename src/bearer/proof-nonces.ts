import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'

/** A nonce is handed out for this long, and good for as long again. */
const windowMs = 120_000

/**
 * Nonces for DPoP proofs (RFC 9449 section 8): what a client could not know earlier, so that proofs cannot be made in
 * advance. They follow from the time and the server's key, so all nodes agree on them and nobody stores any.
 */
export class ProofNonces {
  readonly #key: KeyObject

  constructor(key: KeyObject) {
    this.#key = key
  }

  /** The nonce of the moment, 22 base64url characters. */
  newest(now: number): string {
    return this.#ofWindow(windowAt(now))
  }

  /** Whether this is the newest nonce or the one before, so that nobody is sent back because the clock struck. */
  isGood(nonce: unknown, now: number): boolean {
    if (typeof nonce !== 'string') return false
    const window = windowAt(now)
    return [window, window - 1].some(each => isSame(this.#ofWindow(each), nonce))
  }

  #ofWindow(window: number): string {
    const mac = createHmac('sha256', this.#key).update(`latchkey dpop nonce v1 ${window}`).digest()
    return mac.toString('base64url', 0, 16)
  }
}

function windowAt(now: number): number {
  return Math.floor(now / windowMs)
}

function isSame(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}
