import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { UsageError } from '../errors.ts'
import type { FactorFault } from './answer.ts'
import type { ClientData } from './passkey-response.ts'

/** The site that passkeys belong to, as its options name it. */
export interface PasskeySiteOptions {
  /** What prompts call the site. */
  readonly issuer: string
  /** The domain that passkeys are bound to, such as `campus.example`; it can never change without losing them all. */
  readonly rpId: string
  /** Whose pages may ask for passkeys, such as `https://campus.example`. */
  readonly origins: readonly string[]
}

/** A site that was checked. */
export interface PasskeySite extends PasskeySiteOptions {
  /** SHA-256 of {@link rpId}, which authenticators sign. */
  readonly rpIdHash: Buffer
}

/** Checks the options at start: a typing mistake here would otherwise show as passkeys that nobody can use. */
export function passkeySite({ issuer, rpId, origins }: PasskeySiteOptions): PasskeySite {
  if (!isDomain(rpId)) {
    throw new UsageError(
      "passkeys.rpId must be a domain in lower case without scheme and port, such as 'campus.example'.",
    )
  }
  if (!Array.isArray(origins) || origins.length === 0) {
    throw new UsageError(`passkeys.origins is empty: name the origin of your pages, such as 'https://${rpId}'.`)
  }
  for (const origin of origins) {
    if (!isOriginUnder(rpId, origin)) {
      throw new UsageError(
        `passkeys.origins: ${JSON.stringify(origin)} is not an https origin of ${rpId} or of a name below it. Write it as browsers do: 'https://${rpId}', no slash at the end.`,
      )
    }
  }
  return { issuer, rpId, origins: [...origins], rpIdHash: createHash('sha256').update(rpId).digest() }
}

/**
 * What is wrong with where an authenticator's answer was made, or `null`. An answer that a look-alike page got, or a page
 * of ours inside another site's frame, must be good for nothing (NIST 3.2.5, phishing resistance).
 */
export function siteFault(
  site: PasskeySite,
  clientData: ClientData,
  authenticatorData: Uint8Array,
): FactorFault | null {
  if (!site.origins.includes(clientData.origin) || clientData.framed) return 'origin'
  return site.rpIdHash.equals(authenticatorData.subarray(0, 32)) ? null : 'origin'
}

function isDomain(text: unknown): text is string {
  if (typeof text !== 'string' || text.length > 253 || isIP(text) !== 0) return false
  return /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(text)
}

function isOriginUnder(rpId: string, text: unknown): boolean {
  if (typeof text !== 'string' || !URL.canParse(text)) return false
  const { origin, protocol, hostname } = new URL(text)
  // Browsers know passkeys only where HTTPS is, and on localhost.
  const safe = protocol === 'https:' || (protocol === 'http:' && hostname === 'localhost')
  return origin === text && safe && (hostname === rpId || hostname.endsWith(`.${rpId}`))
}
