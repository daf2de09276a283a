/**
 * What was typed, in the tab's own storage, encrypted for its user: AES-GCM under the key that the server gives to this
 * user and to nobody else. Whoever sits down at the computer next finds noise.
 */
import type { Changes } from './form-fields.ts'

const prefix = 'latchkey:'
const longestMs = 3_600_000
const timeEnds = 13
const ivEnds = timeEnds + 12

/** Keys that encrypt and decrypt and cannot be read out again; none where there is no cryptography, as over plain HTTP. */
export async function importKeys(formKeys: readonly string[]): Promise<CryptoKey[]> {
  if (!crypto.subtle) return []
  const raw = (key: string) => fromText(atob(key.replaceAll('-', '+').replaceAll('_', '/')))
  const usages: KeyUsage[] = ['encrypt', 'decrypt']
  return Promise.all(formKeys.map(key => crypto.subtle.importKey('raw', raw(key), 'AES-GCM', false, usages)))
}

/** Keeps changes under a page's address. */
export async function keep(address: string, key: CryptoKey, changes: Changes): Promise<void> {
  const at = String(Date.now())
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const sealed = await crypto.subtle.encrypt(lock(iv, at, address), key, encode(JSON.stringify(changes)))
  sessionStorage.setItem(prefix + address, at + toText(iv) + toText(new Uint8Array(sealed)))
}

/**
 * Takes out what was kept under a page's address, and deletes it; `null` when there is nothing, when it is another user's,
 * was tampered with, or is older than an hour. Whatever is older than an hour goes, wherever it belongs.
 */
export async function takeOut(address: string, keys: readonly CryptoKey[]): Promise<Changes | null> {
  forget(longestMs)
  const entry = sessionStorage.getItem(prefix + address)
  sessionStorage.removeItem(prefix + address)
  if (!entry) return null
  for (const key of keys) {
    try {
      const how = lock(fromText(entry.slice(timeEnds, ivEnds)), timeOf(entry), address)
      const open = await crypto.subtle.decrypt(how, key, fromText(entry.slice(ivEnds)))
      return JSON.parse(new TextDecoder().decode(open))
    } catch {}
  }
  return null
}

/** Deletes what is kept in this tab for so long or longer. */
export function forget(ageMs: number): void {
  for (const [name, entry] of Object.entries<string>(sessionStorage)) {
    // Not "older than": an entry without a time would stay.
    const young = Date.now() - Number(timeOf(entry)) < ageMs
    if (name.startsWith(prefix) && !young) sessionStorage.removeItem(name)
  }
}

/** An entry: epoch ms in 13 digits (until the year 2286), the IV, the ciphertext; a letter a byte. */
function timeOf(entry: string): string {
  return entry.slice(0, timeEnds)
}

/** Binds an entry to its page and its time: moved or made younger, it does not open. */
function lock(iv: BufferSource, at: string, address: string): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: encode(at + address) }
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

/** Bytes as a text of as many letters, which is all that storage takes. */
function toText(bytes: Uint8Array): string {
  return Array.from(bytes, byte => String.fromCharCode(byte)).join('')
}

function fromText(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, letter => letter.charCodeAt(0))
}
