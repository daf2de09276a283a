/** What a page says it asked the authenticator for; the browser writes it and the authenticator signs it. */
export interface ClientData {
  readonly type: string
  readonly challenge: string
  readonly origin: string
  /** Whether the page was in a frame of another site. */
  readonly framed: boolean
}

/** What is in both kinds of answer, read and bounded; nobody has judged yet whether any of it is true. */
interface Answered {
  readonly credentialId: Buffer
  readonly clientData: ClientData
  /** Exactly what was signed. */
  readonly clientDataJSON: Buffer
}

/** A browser's answer to `navigator.credentials.create()`. */
export interface RegistrationAnswer extends Answered {
  readonly attestationObject: Buffer
  /** How the authenticator is reached, such as `internal` or `usb`; a hint for later prompts. */
  readonly transports: string[]
}

/** A browser's answer to `navigator.credentials.get()`. */
export interface AssertionAnswer extends Answered {
  readonly authenticatorData: Buffer
  readonly signature: Buffer
  /** The user handle that the authenticator keeps with the passkey, base64url, or `null`. */
  readonly userHandle: string | null
}

/**
 * Most bytes of each field. An identifier has at most 1,023 (WebAuthn 5.8.3) and a handle 64 (5.4.3); the others are some
 * hundred bytes with what we ask for, and what is far above that only costs time.
 */
const most = { credentialId: 1_023, userHandle: 64, clientDataJSON: 4_096, signature: 2_048, authenticator: 6_144 }
const mostText = 32_768

/** Reads a registration from whatever a client sent; `null` when it is none. Never throws. */
export function readRegistration(sent: unknown): RegistrationAnswer | null {
  const fields = fieldsOf(sent)
  const response = fields && fieldsOf(fields.response)
  const answered = fields && response && readAnswered(fields, response)
  const attestationObject = response && bytesOf(response.attestationObject, most.authenticator)
  if (!answered || !attestationObject) return null
  return { ...answered, attestationObject, transports: transportsOf(response.transports) }
}

/** Reads an assertion from whatever a client sent; `null` when it is none. Never throws. */
export function readAssertion(sent: unknown): AssertionAnswer | null {
  const fields = fieldsOf(sent)
  const response = fields && fieldsOf(fields.response)
  const answered = fields && response && readAnswered(fields, response)
  const authenticatorData = response && bytesOf(response.authenticatorData, most.authenticator)
  const signature = response && bytesOf(response.signature, most.signature)
  if (!answered || !authenticatorData || authenticatorData.length < 37 || !signature) return null
  const handle = response.userHandle ?? null
  const userHandle = handle === null ? null : bytesOf(handle, most.userHandle)
  if (handle !== null && userHandle === null) return null
  return { ...answered, authenticatorData, signature, userHandle: userHandle?.toString('base64url') ?? null }
}

function readAnswered(fields: Record<string, unknown>, response: Record<string, unknown>): Answered | null {
  const credentialId = bytesOf(fields.id, most.credentialId)
  const clientDataJSON = bytesOf(response.clientDataJSON, most.clientDataJSON)
  if (!credentialId || !clientDataJSON || fields.rawId !== fields.id || fields.type !== 'public-key') return null
  const clientData = readClientData(clientDataJSON)
  return clientData && { credentialId, clientData, clientDataJSON }
}

function readClientData(json: Buffer): ClientData | null {
  const fields = fieldsOf(json.toString('utf8'))
  if (!fields) return null
  const { type, challenge, origin, crossOrigin = false, topOrigin } = fields
  if (typeof type !== 'string' || typeof origin !== 'string' || !bytesOf(challenge, 128)) return null
  // `crossOrigin` alone is not enough: the library lets it pass where there is no `topOrigin`, as in Safari.
  return { type, challenge: challenge as string, origin, framed: crossOrigin !== false || topOrigin !== undefined }
}

/** The fields of an object, or of one that is written as JSON, as forms send it. */
function fieldsOf(sent: unknown): Record<string, unknown> | null {
  const value = typeof sent === 'string' && sent.length <= mostText ? parsed(sent) : sent
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Bytes that stand as base64url without padding, 1 to `most` of them; in one spelling only, as browsers write it. */
function bytesOf(value: unknown, mostBytes: number): Buffer | null {
  if (typeof value !== 'string' || value.length > Math.ceil((mostBytes * 4) / 3)) return null
  const bytes = Buffer.from(value, 'base64url')
  return bytes.length > 0 && bytes.toString('base64url') === value ? bytes : null
}

/** Those that look like transports: the list grows with the standard, and unknown ones are kept for browsers that know them. */
function transportsOf(value: unknown): string[] {
  if (!Array.isArray(value)) return []
  const names = value.filter(name => typeof name === 'string' && /^[a-z-]{1,20}$/.test(name))
  return [...new Set<string>(names)].slice(0, 8)
}
