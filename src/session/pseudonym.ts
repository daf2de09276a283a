import { createHmac, type KeyObject } from 'node:crypto'

const longest = 256

/** What stands for a text in events: the same for the same text, and without the key no way back. 22 base64url characters. */
function pseudonym(kind: string, text: string, key: KeyObject): string {
  return createHmac('sha256', key).update(`${kind} ${text}`).digest('base64url').slice(0, 22)
}

/** What stands for an account that somebody typed, however it is capitalised: people type passwords into that field. */
export function accountPseudonym(typed: string, key: KeyObject): string {
  return pseudonym('account', typed.slice(0, longest).normalize('NFKC').trim().toLowerCase(), key)
}

/** What stands for a token that is none, so that one that comes again can be told from many that are tried. */
export function tokenPseudonym(token: string, key: KeyObject): string {
  return pseudonym('token', token.slice(0, longest), key)
}

/** What stands for the key that such a token names. */
export function keyPseudonym(keyId: string, key: KeyObject): string {
  return pseudonym('key', keyId, key)
}
