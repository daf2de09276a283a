import fs from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const lockFile = 'lock'
const ownerFile = 'lock-owner.json'

/**
 * Makes this process the only one that uses the directory, until the returned function is called or the process dies.
 *
 * The lock is the operating system's, so it dies with its process, however that dies: there is no stale lock to take
 * over, no process id that might have been given to another process since, and no guess about a process in another
 * container that shares the directory. Node has no call for such a lock, SQLite does: an exclusive transaction on an
 * empty database file, never committed. The second file only tells whom to blame.
 */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, lockFile)
  // SQLite would create it readable by all. An existing file is never opened here: closing it would drop this process's
  // own lock on it (POSIX: close releases all record locks of the process, fcntl(2)).
  if (!fs.existsSync(path)) fs.closeSync(fs.openSync(path, 'a', 0o600))
  const database = new DatabaseSync(path)
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    throw isBusy(cause) ? new Error(inUse(directory), { cause }) : cause
  }
  writeOwner(join(directory, ownerFile))
  return () => database.close()
}

/** Removes it first: a file that is there keeps its mode. It is only told in a message, so a full disk may do without it. */
function writeOwner(path: string): void {
  try {
    fs.rmSync(path, { force: true })
    fs.writeFileSync(path, JSON.stringify({ pid: process.pid, host: hostname() }), { mode: 0o600 })
  } catch {}
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5
}

function inUse(directory: string): string {
  const { pid, host } = readOwner(directory)
  if (pid === process.pid && host === hostname()) {
    return `This process (pid ${pid}) has the session directory ${directory} open already. Use one store object for it, or close the other one first.`
  }
  return `Another process (pid ${pid} on ${host}) has the session directory ${directory} open, and the file store is for one process. Stop that process, or use latchkey/stores/sqlite, which several processes can share.`
}

function readOwner(directory: string): { pid: unknown; host: unknown } {
  try {
    const { pid, host } = JSON.parse(fs.readFileSync(join(directory, ownerFile), 'utf8'))
    return { pid, host }
  } catch {
    return { pid: 'unknown', host: 'an unknown host' } // between the two files of another process that is just opening
  }
}
