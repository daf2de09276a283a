import { randomInt } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { hash, verify } from '@node-rs/argon2'
import { transaction } from './database.ts'

/** What somebody may do. */
export type Role = 'student' | 'instructor' | 'admin'

/** An account; its name is its id and never changes. */
export interface User {
  readonly username: string
  readonly role: Role
  /** What the user wrote about themselves. Text of anybody: escape it. */
  readonly aboutMe: string
}

/** A new account with its password in the clear, to be shown once. */
export interface NewAccount {
  readonly username: string
  readonly role: Role
  readonly password: string
}

/** The accounts of Campus. */
export interface Users {
  /** The enabled account with this name, or `null`. */
  find(username: string): User | null
  /** The account whose name and password these are, or `null`; takes the same time and says the same in every case. */
  withPassword(username: string, password: string): Promise<User | null>
  /** Replaces what a user says about themselves. */
  setAboutMe(username: string, aboutMe: string): void
  /** Disabled accounts cannot sign in. Their sessions are the caller's to end (ASVS 7.4.2). */
  setDisabled(username: string, disabled: boolean): void
  /** Creates the demo accounts if there are no accounts at all; answers with what was created. */
  createFirst(password: string | null): Promise<readonly NewAccount[]>
}

/** The longest "about me", in characters. */
export const longestAboutMe = 2_000

/** OWASP Password Storage Cheat Sheet: argon2id (the library's default) with 19 MiB, two passes, one lane. */
const argon2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

const firstAccounts = [
  { username: 'student123', role: 'student' },
  { username: 'instructor', role: 'instructor' },
  { username: 'admin', role: 'admin' },
] as const

/** No account has a longer name. */
const longestName = 64

/** The one spelling of a name: typed by hand or by a phone that capitalizes, it is the same account and the same throttle. */
export function accountName(typed: string): string {
  return typed.slice(0, longestName).normalize('NFKC').trim().toLowerCase().slice(0, longestName)
}

/** Reads and writes accounts in Campus's database. */
export async function openUsers(database: DatabaseSync): Promise<Users> {
  // An unknown name costs the same hash as a known one, so the clock does not tell which names exist (ASVS 6.3.8).
  const nobodysHash = await hash(randomPassword(), argon2)
  const select = database.prepare(
    'SELECT username, role, about_me AS aboutMe, password_hash AS passwordHash, disabled FROM users WHERE username = ?',
  )
  const insert = database.prepare('INSERT INTO users (username, role, password_hash) VALUES (?, ?, ?)')
  const count = database.prepare('SELECT count(*) AS accounts FROM users')
  const updateAboutMe = database.prepare('UPDATE users SET about_me = ? WHERE username = ?')
  const updateDisabled = database.prepare('UPDATE users SET disabled = ? WHERE username = ?')

  const read = (username: string) =>
    select.get(username) as (User & { passwordHash: string; disabled: number }) | undefined
  const enabled = (row: ReturnType<typeof read>): User | null =>
    row && row.disabled === 0 ? { username: row.username, role: row.role, aboutMe: row.aboutMe } : null
  const isEmpty = () => count.get()?.accounts === 0

  return {
    find: username => enabled(read(username)),
    async withPassword(username, password) {
      const row = read(username)
      const matches = await verify(row?.passwordHash ?? nobodysHash, password)
      return matches ? enabled(row) : null
    },
    setAboutMe(username, aboutMe) {
      updateAboutMe.run(aboutMe, username)
    },
    setDisabled(username, disabled) {
      updateDisabled.run(disabled ? 1 : 0, username)
    },
    async createFirst(password) {
      if (!isEmpty()) return []
      const accounts = firstAccounts.map(account => ({ ...account, password: password ?? randomPassword() }))
      const hashes = await Promise.all(accounts.map(account => hash(account.password, argon2)))
      return transaction(database, () => {
        // Another process may have been first while the passwords were hashed.
        if (!isEmpty()) return []
        accounts.forEach((account, index) => {
          insert.run(account.username, account.role, hashes[index] ?? '')
        })
        return accounts
      })
    },
  }
}

/** 16 characters that cannot be misread (80 bits), in groups for typing. */
function randomPassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz123456789'
  const group = () => Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('')
  return [group(), group(), group(), group()].join('-')
}
