import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Makes sure that the directory exists and that whatever this process creates from now on is its owner's alone: files
 * 0600, directories 0700, SQLite's -wal and -shm files included. Other users of the machine would otherwise read
 * password hashes and session records (ASVS 14.2.4).
 */
export function openDataDirectory(directory: string): void {
  process.umask(0o077)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
}

/** Writes a file of its owner's alone, whole or not at all. */
export function writePrivate(file: string, content: string): void {
  const unfinished = `${file}.${process.pid}.new`
  writeFileSync(unfinished, content, { mode: 0o600 })
  renameSync(unfinished, file)
}

/** The text of a file, or `null` when there is none. */
export function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/** Where Campus keeps what, below its data directory. */
export function placesIn(directory: string) {
  return {
    secret: join(directory, 'session-secret'),
    tokenKey: join(directory, 'token-key.json'),
    factors: join(directory, 'factors.db'),
    certificate: join(directory, 'tls-certificate.pem'),
    key: join(directory, 'tls-key.pem'),
  }
}
