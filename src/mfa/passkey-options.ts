import { Refusal } from '../errors.ts'
import type { Passkey } from './passkey-record.ts'
import type { PasskeySite } from './passkey-site.ts'
import { keyTypes } from './passkey-verdict.ts'

/** A passkey as prompts are told of it. */
export interface PasskeyDescriptor {
  /** The credential's id, base64url. */
  id: string
  type: 'public-key'
  /** How its authenticator is reached, such as `internal` or `usb`. */
  transports: string[]
}

/**
 * What a browser needs to make a passkey, as JSON: for `startRegistration({ optionsJSON })` of `@simplewebauthn/browser`, or
 * for `PublicKeyCredential.parseCreationOptionsFromJSON` and `navigator.credentials.create`.
 */
export interface PasskeyCreationOptions {
  rp: { id: string; name: string }
  /** `id` is opaque, base64url; the names are what prompts show. */
  user: { id: string; name: string; displayName: string }
  /** Answered once, within five minutes, in this session. */
  challenge: string
  pubKeyCredParams: { alg: number; type: 'public-key' }[]
  /** Milliseconds. */
  timeout: number
  /** The user's passkeys: an authenticator that holds one of them makes no second. */
  excludeCredentials: PasskeyDescriptor[]
  authenticatorSelection: { residentKey: 'required'; requireResidentKey: true; userVerification: 'required' }
  attestation: 'none'
}

/**
 * What a browser needs to use a passkey, as JSON: for `startAuthentication({ optionsJSON })` of `@simplewebauthn/browser`, or
 * for `PublicKeyCredential.parseRequestOptionsFromJSON` and `navigator.credentials.get`.
 */
export interface PasskeyRequestOptions {
  rpId: string
  /** Answered once, within five minutes, in this session. */
  challenge: string
  /** Milliseconds. */
  timeout: number
  /** The passkeys that may answer; empty: any of this site, and the user need not be known. */
  allowCredentials: PasskeyDescriptor[]
  userVerification: 'required' | 'preferred'
}

/** As long as a challenge lives; WebAuthn 15.1 advises 5 to 10 minutes. */
const timeout = 300_000

/** Asks for a passkey that can sign in by itself, and for nothing about the device that makes it. */
export function creationOptions(
  { rpId, issuer }: PasskeySite,
  user: { readonly handle: string; readonly account: string; readonly own: readonly Passkey[] },
  challenge: string,
): PasskeyCreationOptions {
  return {
    rp: { id: rpId, name: issuer },
    user: { id: user.handle, name: user.account, displayName: user.account },
    challenge: checkedChallenge(challenge),
    pubKeyCredParams: keyTypes.map(alg => ({ alg, type: 'public-key' })),
    timeout,
    excludeCredentials: user.own.map(descriptor),
    authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
    attestation: 'none',
  }
}

/** Asks for one of these passkeys or, with `null`, for any: it then stands alone, and its user must be verified. */
export function requestOptions(
  { rpId }: PasskeySite,
  own: readonly Passkey[] | null,
  challenge: string,
): PasskeyRequestOptions {
  return {
    rpId,
    challenge: checkedChallenge(challenge),
    timeout,
    allowCredentials: own?.map(descriptor) ?? [],
    userVerification: own === null ? 'required' : 'preferred',
  }
}

function descriptor({ credentialId, transports }: Passkey): PasskeyDescriptor {
  return { id: credentialId, type: 'public-key', transports: [...transports] }
}

/**
 * Browsers decode a challenge and write it down anew: only the usual spelling comes back as it was. One of a confirmed
 * action may have come with the request, so that it may be anything.
 */
function checkedChallenge(challenge: unknown): string {
  const bytes = Buffer.from(typeof challenge === 'string' ? challenge : '', 'base64url')
  if (bytes.length >= 16 && bytes.toString('base64url') === challenge) return challenge
  throw new Refusal('confirmation-refused', 'There is nothing to be confirmed here. Please begin again.')
}
