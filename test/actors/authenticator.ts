import { createHash, createSign, generateKeyPairSync, type JsonWebKey, type KeyObject, randomBytes } from 'node:crypto'
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'

/** What is in front of the user: an authenticator and the browser that talks to it. Both may lie. */
export interface Lies {
  // The browser:
  readonly type?: string
  readonly challenge?: string
  readonly origin?: string
  readonly crossOrigin?: boolean
  readonly topOrigin?: string
  // The authenticator:
  readonly rpId?: string
  readonly present?: boolean
  readonly verified?: boolean
  readonly synchronised?: boolean
  readonly counter?: number
  readonly userHandle?: string | null
  readonly attestation?: { readonly format: string; readonly statement: (signed: Buffer, key: KeyObject) => Cbor }
  /** The id of a new passkey. */
  readonly credentialId?: Buffer
  /** The key's type, as a COSE number; it is ES256 whatever it says. */
  readonly keyType?: number
  // Whoever carries the answer to the server:
  readonly id?: string
  readonly transports?: unknown
}

/** A value as CBOR knows it, as far as WebAuthn needs it. */
export type Cbor = number | string | Buffer | readonly Cbor[] | ReadonlyMap<Cbor, Cbor>

interface Credential {
  readonly id: Buffer
  readonly key: KeyObject
  readonly publicKey: Buffer
  readonly userHandle: string
}

/** A passkey provider in software: makes ES256 keys and signs with them, as the options ask. */
export class Authenticator {
  /** Signatures so far; `null` does not count, as providers that synchronise do not. */
  counter: number | null
  readonly credentials: Credential[] = []
  readonly #origin: string
  readonly #synchronised: boolean

  constructor(origin: string, { synchronised = false }: { synchronised?: boolean } = {}) {
    this.#origin = origin
    this.#synchronised = synchronised
    this.counter = synchronised ? null : 0
  }

  /** Makes a passkey. */
  create(options: PublicKeyCredentialCreationOptionsJSON, lies: Lies = {}): RegistrationResponseJSON {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const cose = coseOf(publicKey.export({ format: 'jwk' }), lies.keyType ?? -7)
    const credential = {
      id: lies.credentialId ?? randomBytes(32),
      key: privateKey,
      publicKey: cose,
      userHandle: options.user.id,
    }
    this.credentials.push(credential)
    const attested = Buffer.concat([Buffer.alloc(16), uint16(credential.id.length), credential.id, cose])
    const data = this.#authenticatorData(options.rp.id ?? '', lies, attested)
    const clientData = this.#clientData('webauthn.create', options.challenge, lies)
    const { format, statement } = lies.attestation ?? { format: 'none', statement: () => new Map() }
    const attestationObject = cbor(
      new Map<Cbor, Cbor>([
        ['fmt', format],
        ['attStmt', statement(Buffer.concat([data, sha256(clientData)]), privateKey)],
        ['authData', data],
      ]),
    )
    const name = lies.id ?? text(credential.id)
    return {
      ...{ id: name, rawId: name, type: 'public-key', clientExtensionResults: {} },
      response: {
        clientDataJSON: text(clientData),
        attestationObject: text(attestationObject),
        transports: (lies.transports ?? ['internal']) as string[],
      },
    }
  }

  /** Uses a passkey: one that is asked for or, like a thief's tool, whatever there is. */
  get(options: PublicKeyCredentialRequestOptionsJSON, lies: Lies = {}): AuthenticationResponseJSON {
    const allowed = options.allowCredentials?.map(({ id }) => id) ?? []
    const fits = (credential: Credential) => allowed.length === 0 || allowed.includes(text(credential.id))
    const credential = this.credentials.find(fits) ?? this.credentials[0]
    if (!credential) throw new Error('this authenticator holds no passkey')
    if (this.counter !== null) this.counter += 1
    const clientData = this.#clientData('webauthn.get', options.challenge, lies)
    const data = this.#authenticatorData(options.rpId ?? '', lies)
    const signed = Buffer.concat([data, sha256(clientData)])
    const userHandle = lies.userHandle === undefined ? credential.userHandle : lies.userHandle
    const name = lies.id ?? text(credential.id)
    return {
      ...{ id: name, rawId: name, type: 'public-key', clientExtensionResults: {} },
      response: {
        clientDataJSON: text(clientData),
        authenticatorData: text(data),
        signature: text(createSign('sha256').update(signed).sign(credential.key)),
        ...(userHandle === null ? {} : { userHandle }),
      },
    }
  }

  #clientData(type: string, challenge: string, lies: Lies): Buffer {
    const { crossOrigin = false, topOrigin } = lies
    const said = {
      type: lies.type ?? type,
      challenge: lies.challenge ?? challenge,
      origin: lies.origin ?? this.#origin,
    }
    return Buffer.from(JSON.stringify({ ...said, crossOrigin, topOrigin }))
  }

  #authenticatorData(rpId: string, lies: Lies, attested: Buffer | null = null): Buffer {
    const { present = true, verified = true, synchronised = this.#synchronised } = lies
    const flags = (present ? 1 : 0) | (verified ? 4 : 0) | (synchronised ? 0x18 : 0) | (attested ? 0x40 : 0)
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(lies.counter ?? this.counter ?? 0)
    const parts = [sha256(Buffer.from(lies.rpId ?? rpId)), Buffer.from([flags]), counter, attested ?? Buffer.alloc(0)]
    return Buffer.concat(parts)
  }
}

/** Flips one bit of a text that stands for bytes. */
export function flipped(base64url: string, bit: number): string {
  const bytes = Buffer.from(base64url, 'base64url')
  const at = Math.floor(bit / 8) % bytes.length
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit % 8))
  return text(bytes)
}

/** Writes CBOR (RFC 8949), shortest form. */
export function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  if (value instanceof Map) return Buffer.concat([head(5, value.size), ...[...value].flat().map(cbor)])
  const items = value as readonly Cbor[]
  return Buffer.concat([head(4, items.length), ...items.map(cbor)])
}

function head(kind: number, length: number): Buffer {
  if (length < 24) return Buffer.from([(kind << 5) | length])
  if (length < 256) return Buffer.from([(kind << 5) | 24, length])
  return Buffer.concat([Buffer.from([(kind << 5) | 25]), uint16(length)])
}

/** An elliptic-curve key on P-256 as COSE writes it (RFC 9053). */
function coseOf({ x = '', y = '' }: JsonWebKey, keyType: number): Buffer {
  const [xBytes, yBytes] = [Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]
  return cbor(
    new Map<Cbor, Cbor>([
      [1, 2],
      [3, keyType],
      [-1, 1],
      [-2, xBytes],
      [-3, yBytes],
    ]),
  )
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}
