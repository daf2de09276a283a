import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import type { RingKey } from './key-ring.ts'
import type { RandomBytes } from './token.ts'

const nonceBytes = 12
const tagBytes = 16

/** How many bytes sealing adds. */
export const sealOverhead: number = nonceBytes + tagBytes

/**
 * The key for a session's data: made from the token's secret and the server's. Nobody reads data without the token, and
 * nobody writes data without the server: whoever can write to the store and knows the secret of a session of his own
 * still cannot make a record that opens.
 */
export function sealingKey(server: RingKey, secret: Buffer): KeyObject {
  return createSecretKey(createHmac('sha256', server.sealKey).update(secret).digest())
}

/**
 * Encrypts and authenticates text (AES-256-GCM) together with what it belongs to. A random 96-bit nonce is safe here
 * far beyond the writes one secret ever sees (NIST SP 800-38D: 2^32).
 */
export function seal(key: KeyObject, text: string, context: string, random: RandomBytes): string {
  return sealBytes(key, Buffer.from(text), context, random).toString('base64url')
}

/** Opens what {@link seal} closed; `null` when key, text or context differ in a single bit. */
export function unseal(key: KeyObject, sealed: string, context: string): string | null {
  return unsealBytes(key, Buffer.from(sealed, 'base64url'), context)?.toString('utf8') ?? null
}

/** As {@link seal}, for bytes: {@link sealOverhead} longer than what goes in. */
export function sealBytes(key: KeyObject, bytes: Buffer, context: string, random: RandomBytes): Buffer {
  const nonce = random(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.from(context))
  const sealed = cipher.update(bytes)
  cipher.final()
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed])
}

/** Opens what {@link sealBytes} closed; `null` when key, bytes or context differ in a single bit. */
export function unsealBytes(key: KeyObject, bytes: Buffer, context: string): Buffer | null {
  if (bytes.length < sealOverhead) return null
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(context))
    decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
    const opened = decipher.update(bytes.subarray(nonceBytes + tagBytes))
    decipher.final()
    return opened
  } catch {
    return null
  }
}
