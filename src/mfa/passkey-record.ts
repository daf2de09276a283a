import { createHash } from 'node:crypto'
import type { FactorRecord } from './store.ts'

/** What is kept of a passkey, in the body of its record. Nothing in it is secret, and nothing in it lets anybody in. */
export interface Passkey {
  /** The credential's id, base64url. */
  readonly credentialId: string
  /** The public key, COSE, base64url. */
  readonly publicKey: string
  /** The highest signature counter seen; 0 for authenticators without one, such as passkeys that are synchronised. */
  readonly counter: number
  readonly transports: readonly string[]
  /** Whether it stays on one device for good, or may be copied to others (WebAuthn: backup eligibility). */
  readonly deviceType: 'singleDevice' | 'multiDevice'
  /** Whether it was backed up when it was last used. */
  readonly backedUp: boolean
  /** The opaque name of its user that the authenticator keeps with it, base64url. */
  readonly userHandle: string
}

/** The id of a passkey's record: made from the credential's id, so that one credential can exist once, whoever's it is. */
export function passkeyRecordId(credentialId: Uint8Array): string {
  return createHash('sha256').update(credentialId).digest('base64url')
}

/** The body of a record, or `null` when it would be too long: a record holds 8,192 characters, and the counter grows. */
export function writePasskey(passkey: Passkey): string | null {
  const body = JSON.stringify(passkey)
  return body.length <= 8_000 ? body : null
}

/** What a record holds; `null` when that is no passkey. */
export function readPasskey({ body }: FactorRecord): Passkey | null {
  try {
    const passkey = JSON.parse(body)
    return isPasskey(passkey) ? passkey : null
  } catch {
    return null
  }
}

/** How strong an authentication with it was (RFC 8176): its key in hardware or not, its user present, perhaps verified. */
export function passkeyAmr({ deviceType }: Pick<Passkey, 'deviceType'>, userVerified: boolean): string[] {
  return [deviceType === 'singleDevice' ? 'hwk' : 'swk', 'user', ...(userVerified ? ['mfa'] : [])]
}

function isPasskey(value: Partial<Passkey> | null): value is Passkey {
  return (
    typeof value?.credentialId === 'string' &&
    typeof value.publicKey === 'string' &&
    typeof value.userHandle === 'string' &&
    typeof value.backedUp === 'boolean' &&
    Number.isSafeInteger(value.counter) &&
    Array.isArray(value.transports) &&
    (value.deviceType === 'singleDevice' || value.deviceType === 'multiDevice')
  )
}
