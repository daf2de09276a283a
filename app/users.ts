import { createHash, randomInt } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import type { Database } from './database.ts'

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
  find(username: string): Promise<User | null>
  /** The account whose name and password these are, or `null`; takes the same time and says the same in every case. */
  withPassword(username: string, password: string): Promise<User | null>
  /** Says of a password only whether it is still the same: for a sign-in that goes on later. `null`: no such account. */
  passwordMark(username: string): Promise<string | null>
  /** Replaces what a user says about themselves. */
  setAboutMe(username: string, aboutMe: string): Promise<void>
  /** Replaces the password by the one with this {@link passwordHash}. Other sessions are the caller's to end. */
  setPasswordHash(username: string, passwordHash: string): Promise<void>
  /** Where the user gets mail, or `null`. */
  emailOf(username: string): Promise<string | null>
  /** Replaces where the user gets mail. Not unique: that an address is taken is nobody's business. */
  setEmail(username: string, address: string): Promise<void>
  /** Disabled accounts cannot sign in; their sessions and half-way sign-ins are over when this resolves (ASVS 7.4.2). */
  setDisabled(username: string, disabled: boolean): Promise<void>
  /** Deletes an account with all that Campus keeps of it, its second factors included. May be tried again when it fails. */
  remove(username: string): Promise<void>
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

/**
 * The one spelling of a name: typed by hand or by a phone that capitalizes, it is the same account and the same throttle.
 * No name has control characters, and PostgreSQL cannot be asked about one with NUL.
 */
export function accountName(typed: string): string {
  const name = typed.slice(0, longestName).normalize('NFKC').trim().toLowerCase().slice(0, longestName)
  return name.toWellFormed().replace(/\p{Cc}/gu, '\uFFFD')
}

/** Hashes a new password, for {@link Users.setPasswordHash}. */
export function passwordHash(password: string): Promise<string> {
  return hash(password, argon2)
}

/** Ends what an account has outside of Campus's database, once nobody can sign in to it any more. */
export type Departure = (username: string, how: 'disabled' | 'removed') => Promise<unknown>

/** Reads and writes accounts in Campus's database. */
export async function openUsers({ query, transaction }: Database, depart: Departure = async () => {}): Promise<Users> {
  // An unknown name costs the same hash as a known one, so the clock does not tell which names exist (ASVS 6.3.8).
  const nobodysHash = await hash(randomPassword(), argon2)

  const read = async (username: string): Promise<Row | undefined> => {
    const columns = 'username, role, about_me AS "aboutMe", password_hash AS "passwordHash", disabled'
    const [row] = await query<Row>(`SELECT ${columns} FROM campus_users WHERE username = $1`, username)
    return row
  }

  const setDisabled = async (username: string, disabled: boolean): Promise<void> => {
    await query('UPDATE campus_users SET disabled = $1 WHERE username = $2', disabled ? 1 : 0, username)
  }

  return {
    find: async username => enabled(await read(username)),
    async withPassword(username, password) {
      const row = await read(username)
      const matches = await verify(row?.passwordHash ?? nobodysHash, password)
      return matches ? enabled(row) : null
    },
    async passwordMark(username) {
      const row = await read(username)
      // Of the hash, so that it cannot be what passwords are guessed with; every password has a salt of its own.
      return row ? createHash('sha256').update(row.passwordHash).digest('base64url').slice(0, 22) : null
    },
    async setAboutMe(username, aboutMe) {
      await query('UPDATE campus_users SET about_me = $1 WHERE username = $2', aboutMe, username)
    },
    async setPasswordHash(username, passwordHash) {
      await query('UPDATE campus_users SET password_hash = $1 WHERE username = $2', passwordHash, username)
    },
    async emailOf(username) {
      const select = 'SELECT address FROM campus_emails WHERE username = $1'
      return (await query<{ address: string }>(select, username))[0]?.address ?? null
    },
    async setEmail(username, address) {
      await query(
        `INSERT INTO campus_emails (username, address) VALUES ($1, $2)
         ON CONFLICT (username) DO UPDATE SET address = excluded.address`,
        username,
        address,
      )
    },
    async setDisabled(username, disabled) {
      await setDisabled(username, disabled)
      if (disabled) await depart(username, 'disabled')
    },
    async remove(username) {
      // From here on nobody gets in; if the rest fails, the account is closed and can be removed again.
      await setDisabled(username, true)
      await depart(username, 'removed')
      await transaction(async query => {
        for (const [table, column] of belongings) await query(`DELETE FROM ${table} WHERE ${column} = $1`, username)
      })
    },
    async createFirst(password) {
      if ((await query('SELECT 1 FROM campus_users LIMIT 1')).length > 0) return []
      const accounts = firstAccounts.map(account => ({ ...account, password: password ?? randomPassword() }))
      const rows = await Promise.all(
        accounts.map(async account => [account.username, account.role, await hash(account.password, argon2)]),
      )
      // Another instance may have been first while the passwords were hashed: one of them creates all, the other nothing.
      return transaction(async query => {
        const created = await query<{ username: string }>(
          `INSERT INTO campus_users (username, role, password_hash)
           SELECT * FROM (VALUES ($1, $2, $3), ($4, $5, $6), ($7, $8, $9)) AS first_accounts
           WHERE NOT EXISTS (SELECT 1 FROM campus_users) ON CONFLICT DO NOTHING RETURNING username`,
          ...rows.flat(),
        )
        for (const { username } of created)
          await query('INSERT INTO campus_emails VALUES ($1, $2)', username, `${username}@campus.example`)
        return created.length > 0 ? accounts : []
      })
    },
  }
}

/** What an account has in Campus's database, and the column that says whose it is; the account itself comes last. */
const belongings = [
  ['campus_mails', 'username'],
  ['campus_messages', 'username'],
  ['campus_emails', 'username'],
  ['campus_familiar_places', 'account'],
  ['campus_users', 'username'],
] as const

/** An account as it is kept. */
interface Row extends User {
  readonly passwordHash: string
  readonly disabled: number
}

function enabled(row: Row | undefined): User | null {
  return row && row.disabled === 0 ? { username: row.username, role: row.role, aboutMe: row.aboutMe } : null
}

/** 16 characters that cannot be misread (80 bits), in groups for typing. */
function randomPassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz123456789'
  const group = () => Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('')
  return [group(), group(), group(), group()].join('-')
}
