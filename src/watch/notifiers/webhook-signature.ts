import { createHmac } from 'node:crypto'
import { UsageError } from '../../errors.ts'

/** As the Standard Webhooks specification has it: at least 24 bytes; what is longer than 64 is no better. */
const leastBytes = 24
const mostBytes = 64

/** Reads secrets as the Standard Webhooks specification writes them: base64, with or without `whsec_` in front. */
export function secretKeys(secret: string | readonly string[], place: string): Buffer[] {
  const secrets = typeof secret === 'string' ? [secret] : Array.isArray(secret) ? secret : []
  if (secrets.length === 0) throw new UsageError(`${place}: secret is missing. Make one with: openssl rand -base64 32`)
  return secrets.map(text => {
    const base64 = String(text).replace(/^whsec_/, '')
    const key = Buffer.from(base64, 'base64')
    // Buffer skips what is no base64, so a passphrase would become some other, shorter secret.
    const isSound = /^[A-Za-z0-9+/]+={0,2}$/.test(base64) && key.length >= leastBytes && key.length <= mostBytes
    if (!isSound)
      throw new UsageError(
        `${place}: a secret must be ${leastBytes} to ${mostBytes} random bytes as base64. Make one with: openssl rand -base64 32`,
      )
    return key
  })
}

/** The signature, version 1: HMAC-SHA-256 over id, time (epoch seconds) and body. */
export function signature(key: Buffer, id: string, timestamp: string, body: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
}
