import { randomBytes } from 'node:crypto'
import { readIfThere, writePrivate } from './data-directory.ts'

/**
 * The server secret for a machine where nobody set `SESSION_SECRET`: made at the first start and kept in a private
 * file, so that a restart signs nobody out.
 */
export function developmentSecret(file: string): string {
  const kept = readIfThere(file)?.trim()
  if (kept) return kept
  const secret = randomBytes(32).toString('base64url')
  writePrivate(file, `${secret}\n`)
  return secret
}
