import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { UsageError } from '../errors.ts'

/** The keys derived from one server secret. */
export interface RingKey {
  /** 8 base64url characters derived from the secret; stands in front of every token so that the right key is found. */
  readonly id: string
  /** Authenticates tokens: a good tag means that this server issued the token. */
  readonly tagKey: KeyObject
  /** Half of every key that seals session data; the other half is the token's secret. */
  readonly sealKey: KeyObject
  /** Half of every key that seals a token which carries its session; the other half is the session's id. */
  readonly carryKey: KeyObject
  /** Authenticates CSRF tokens. A key of its own, so that neither kind can be taken for the other (ASVS 9.2.2). */
  readonly csrfKey: KeyObject
  /** Authenticates the nonces of proofs of possession. */
  readonly nonceKey: KeyObject
  /** Binds a challenge to what it was made for. */
  readonly challengeKey: KeyObject
  /** Seals the secrets of second factors, which outlive every session. */
  readonly factorKey: KeyObject
  /** Authenticates the cookie by which a device is known again. */
  readonly deviceKey: KeyObject
  /** Makes each user's key for what a page keeps for them after their session is over. */
  readonly formKey: KeyObject
  /** Authenticates the audit trail, and stands between what is written down and addresses or accounts that could be guessed. */
  readonly watchKey: KeyObject
}

/** Server keys, newest first: the first one issues, all of them verify, so that keys can change while people work (T20). */
export interface KeyRing {
  /** Issues new tokens. */
  readonly newest: RingKey
  /** All keys, newest first. */
  readonly all: readonly RingKey[]
  /** The key with this id, or `undefined`. */
  find(id: string): RingKey | undefined
}

/** Length of a key id in characters. */
export const keyIdLength = 8

/** Below this many characters a secret is refused: 32 characters of `latchkey keygen` carry 192 bits. */
const shortestSecret = 32

/** Words of examples, tutorials and defaults that keep turning up in production (WSTG-SESS-10e, ASVS 13.3.1). */
const knownWords =
  /keyboard.?cat|change.?me|your.?secret|my.?secret|super.?secret|secret.?key|top.?secret|example|default|placeholder|password|passw0rd|qwert|letmein|insert.*here|replace.*(me|this)|abcdefghij|0123456789|1234567890/i

/** Derives the ring from the `secrets` option; throws a `UsageError` for one that is missing, short, known or monotonous. */
export function createKeyRing(secrets: readonly (string | undefined)[]): KeyRing {
  if (!Array.isArray(secrets) || secrets.length === 0) {
    throw new UsageError('secrets is empty: pass at least one, made with `npx latchkey keygen`, newest first.')
  }
  const keys = new Map<string, RingKey>()
  for (const [index, secret] of secrets.entries()) {
    const problem = weakness(secret)
    if (problem)
      throw new UsageError(
        `secrets[${index}] ${problem}. Make one with \`npx latchkey keygen\` and keep it out of the source.`,
      )
    const key = deriveKey(secret as string)
    if (keys.has(key.id)) throw new UsageError(`secrets[${index}] stands in the list twice: remove the repetition.`)
    keys.set(key.id, key)
  }
  const all = [...keys.values()]
  return { newest: all[0] as RingKey, all, find: id => keys.get(id) }
}

/** What is wrong with a secret, as the end of a sentence, or `null`. Never repeats the secret. */
export function weakness(secret: unknown): string | null {
  if (typeof secret !== 'string' || secret === '')
    return 'is missing, perhaps because an environment variable is not set'
  if (secret.length < shortestSecret)
    return `has ${secret.length} characters: at least ${shortestSecret} random ones are needed`
  if (knownWords.test(secret)) return 'looks like an example or a password: anybody can guess it'
  if (new Set(secret).size < 12) return 'repeats too few characters: it is not random'
  return null
}

function deriveKey(secret: string): RingKey {
  const derive = (purpose: string, bytes: number) =>
    Buffer.from(hkdfSync('sha256', secret, '', `latchkey ${purpose} v1`, bytes))
  return {
    id: derive('key id', 6).toString('base64url'),
    tagKey: createSecretKey(derive('token tag', 32)),
    sealKey: createSecretKey(derive('sealing', 32)),
    carryKey: createSecretKey(derive('carrying', 32)),
    csrfKey: createSecretKey(derive('csrf', 32)),
    nonceKey: createSecretKey(derive('proof nonce', 32)),
    challengeKey: createSecretKey(derive('challenge', 32)),
    factorKey: createSecretKey(derive('second factors', 32)),
    deviceKey: createSecretKey(derive('known devices', 32)),
    formKey: createSecretKey(derive('kept forms', 32)),
    watchKey: createSecretKey(derive('watch', 32)),
  }
}
