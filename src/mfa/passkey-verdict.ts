import type { FactorFault } from './answer.ts'
import type { WebauthnLibrary } from './passkey-library.ts'
import type { Passkey } from './passkey-record.ts'
import type { AssertionAnswer, RegistrationAnswer } from './passkey-response.ts'
import { type PasskeySite, siteFault } from './passkey-site.ts'

/**
 * The key types asked for and taken, as COSE numbers: EdDSA, ES256, RS256. Written down, because the library's own list
 * depends on the machine, and a key that this one takes must be one that the others can check.
 */
export const keyTypes: readonly number[] = [-8, -7, -257]

const presentFlag = 0x01
const verifiedFlag = 0x04

/** A new passkey, but for the handle of its user; or what is wrong with it. */
export type RegistrationVerdict = Omit<Passkey, 'userHandle'> | FactorFault

/** What a genuine assertion says; or what is wrong with it. */
export type AssertionVerdict =
  | (Pick<Passkey, 'counter' | 'deviceType' | 'backedUp'> & { userVerified: boolean })
  | FactorFault

/** Judges a registration whose challenge was ours. The user must have been verified. */
export async function judgeRegistration(
  { server, helpers }: WebauthnLibrary,
  site: PasskeySite,
  answer: RegistrationAnswer,
): Promise<RegistrationVerdict> {
  try {
    const attestation = helpers.decodeAttestationObject(new Uint8Array(answer.attestationObject))
    const [format, statement] = [attestation.get('fmt'), attestation.get('attStmt')]
    // We ask for no attestation. Browsers then send none, or the key's signature by itself. Everything else is certificates
    // of the sender's choice, which the library would parse, chain and look up on the network, and nobody would care.
    if (format !== 'none' && !(format === 'packed' && statement.get('x5c') === undefined)) return 'wrong'
    const authenticatorData = attestation.get('authData')
    const fault = placeFault(site, 'webauthn.create', answer, authenticatorData, true)
    if (fault) return fault

    const id = answer.credentialId.toString('base64url')
    const { verified, registrationInfo } = await server.verifyRegistrationResponse({
      response: {
        ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {} },
        response: {
          clientDataJSON: answer.clientDataJSON.toString('base64url'),
          attestationObject: answer.attestationObject.toString('base64url'),
        },
      },
      expectedChallenge: answer.clientData.challenge,
      expectedOrigin: [...site.origins],
      expectedRPID: site.rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: [...keyTypes],
    })
    if (!verified) return 'wrong'
    const { credential, credentialDeviceType, credentialBackedUp } = registrationInfo
    // The library takes the id from the signed part and leaves the other one alone.
    if (credential.id !== id) return 'wrong'
    return {
      credentialId: id,
      publicKey: Buffer.from(credential.publicKey).toString('base64url'),
      counter: credential.counter,
      transports: answer.transports,
      deviceType: credentialDeviceType,
      backedUp: credentialBackedUp,
    }
  } catch {
    // The library throws for everything that is wrong, with texts that quote what the client sent.
    return 'wrong'
  }
}

/** Judges an assertion, whose challenge was ours, by the passkey that it names. The counter is left to the caller. */
export async function judgeAssertion(
  { server }: WebauthnLibrary,
  site: PasskeySite,
  answer: AssertionAnswer,
  passkey: Passkey,
  verificationRequired: boolean,
): Promise<AssertionVerdict> {
  const fault = placeFault(site, 'webauthn.get', answer, answer.authenticatorData, verificationRequired)
  if (fault) return fault
  try {
    const { verified, authenticationInfo } = await server.verifyAuthenticationResponse({
      response: {
        ...{ id: passkey.credentialId, rawId: passkey.credentialId, type: 'public-key', clientExtensionResults: {} },
        response: {
          clientDataJSON: answer.clientDataJSON.toString('base64url'),
          authenticatorData: answer.authenticatorData.toString('base64url'),
          signature: answer.signature.toString('base64url'),
        },
      },
      expectedChallenge: answer.clientData.challenge,
      expectedOrigin: [...site.origins],
      expectedRPID: site.rpId,
      requireUserVerification: verificationRequired,
      credential: {
        id: passkey.credentialId,
        publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
        // The library looks at the counter before the signature: anybody could then raise the alarm about a copied key.
        counter: 0,
      },
    })
    const { newCounter, credentialDeviceType, credentialBackedUp, userVerified } = authenticationInfo
    // Whether a key can be copied is decided when it is made (WebAuthn 6.1.3): a change means another key.
    if (!verified || credentialDeviceType !== passkey.deviceType) return 'wrong'
    return { counter: newCounter, deviceType: credentialDeviceType, backedUp: credentialBackedUp, userVerified }
  } catch {
    return 'wrong'
  }
}

/** What can be said before the signature is checked: made here, for this purpose, by somebody who was there. */
function placeFault(
  site: PasskeySite,
  type: 'webauthn.create' | 'webauthn.get',
  { clientData }: Pick<AssertionAnswer, 'clientData'>,
  authenticatorData: Uint8Array,
  verificationRequired: boolean,
): FactorFault | null {
  if (clientData.type !== type) return 'wrong'
  const fault = siteFault(site, clientData, authenticatorData)
  if (fault) return fault
  const wanted = presentFlag | (verificationRequired ? verifiedFlag : 0)
  return ((authenticatorData[32] ?? 0) & wanted) === wanted ? null : 'unverified'
}
