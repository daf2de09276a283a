import { generateKeyPairSync } from 'node:crypto'
import { readIfThere, writePrivate } from './data-directory.ts'

/**
 * The key that signs access tokens on a machine where nobody set `TOKEN_KEYS`: made at the first start and kept in a
 * private file, so that a restart ends nobody's tokens.
 */
export function developmentTokenKey(file: string): string {
  const kept = readIfThere(file)?.trim()
  if (kept) return kept
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const text = JSON.stringify({ ...jwk, alg: 'EdDSA', use: 'sig' })
  writePrivate(file, `${text}\n`)
  return text
}
