import type { KeyRing } from '../session/key-ring.ts'
import type { RandomBytes } from '../session/token.ts'
import { mintCsrfToken, verifyCsrfToken } from './csrf.ts'

/** What a CSRF token stands and falls with: the session, and within it the last time the user proved who they are. */
export interface CsrfScope {
  /** Public session id, or `null` for a page that was made without a session. */
  readonly id: string | null
  /** When the user last proved who they are, epoch ms, or `null`. */
  readonly authenticatedAt: number | null
}

/** How many good tokens are remembered. */
const most = 2_000

/**
 * The CSRF tokens of a server: made under its newest key, good under all of them. A page's script sends the same token
 * with every request, so good ones are remembered with what they are good for; bad ones are not, they would fill the
 * memory.
 */
export class CsrfTokens {
  readonly #ring: KeyRing
  readonly #random: RandomBytes
  readonly #good = new Map<string, string>()

  constructor(ring: KeyRing, random: RandomBytes) {
    this.#ring = ring
    this.#random = random
  }

  /** A new token for this scope. */
  mint(scope: CsrfScope): string {
    return mintCsrfToken(this.#ring.newest.csrfKey, bindingOf(scope), this.#random)
  }

  /** Whether a token was made for this scope. */
  verify(scope: CsrfScope, token: string): boolean {
    const binding = bindingOf(scope)
    if (this.#good.get(token) === binding) return true
    if (!this.#ring.all.some(key => verifyCsrfToken(key.csrfKey, binding, token))) return false
    if (this.#good.size >= most) this.#good.clear()
    this.#good.set(token, binding)
    return true
  }
}

function bindingOf({ id, authenticatedAt }: CsrfScope): string {
  return `${id} ${authenticatedAt}`
}
