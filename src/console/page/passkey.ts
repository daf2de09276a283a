/** Asks the browser for a passkey. */

/** Whether this browser can. */
export function canUsePasskeys(): boolean {
  return typeof PublicKeyCredential !== 'undefined' && 'parseRequestOptionsFromJSON' in PublicKeyCredential
}

/** Has the person use a passkey for these options, which a server made; `null` when they did not. */
export async function askForPasskey(options: unknown): Promise<unknown> {
  try {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON)
    const credential = await navigator.credentials.get({ publicKey })
    return credential instanceof PublicKeyCredential ? credential.toJSON() : null
  } catch (error) {
    // Cancelled, timed out or none there: browsers do not say which, so that sites learn nothing from it.
    if (error instanceof DOMException) return null
    throw error
  }
}
