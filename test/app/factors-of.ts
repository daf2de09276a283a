import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Secret, TOTP } from 'otpauth'
import type { Authenticator } from '../actors/authenticator.ts'
import { type OpenCampus, password } from './open-campus.ts'
import type { Answer, Visitor } from './visitor.ts'

/** The length of a step of an authenticator app. */
export const stepMs = 30_000

/** Somebody's authenticator app, and the codes they wrote down. */
export interface App {
  /** The code of now, or of so many steps later. */
  code(stepsLater?: number): string
  readonly recoveryCodes: readonly string[]
}

/** Sets up an authenticator app by the pages, as somebody who is signed in and fresh. Its first code is spent. */
export async function addApp(
  campus: Pick<OpenCampus, 'now' | 'pass'>,
  visitor: Visitor,
  fields: Record<string, string> = {},
): Promise<App> {
  const page = await visitor.get('/security/app')
  assert.equal(page.status, 200)
  const code = codesOf(secretOn(page.text), campus)
  const hidden = { ticket: fieldOn(page.text, 'ticket'), uri: fieldOn(page.text, 'uri') }
  const answer = await visitor.submit('/security/app', { ...hidden, code: code(), ...fields })
  assert.ok(answer.status === 200 || answer.status === 303, answer.text)
  // What was spent here must not be what the test signs in with.
  campus.pass(stepMs)
  return { code, recoveryCodes: recoveryCodesOn(answer.text) }
}

/** The codes that an app with this secret shows, in base32. */
export function codesOf(secret: string, campus: Pick<OpenCampus, 'now'>): App['code'] {
  const totp = new TOTP({ secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: 30 })
  return (stepsLater = 0) => totp.generate({ timestamp: campus.now() + stepsLater * stepMs })
}

/** The secret that the page for a new app shows for typing. */
export function secretOn(text: string): string {
  return (/<code class="key"[^>]*>([A-Z2-7 ]+)<\/code>/.exec(text)?.[1] ?? '').replaceAll(' ', '')
}

/** The recovery codes that a page shows. */
export function recoveryCodesOn(text: string): string[] {
  return [...text.matchAll(/<li><code>([^<]+)<\/code><\/li>/g)].map(match => match[1] ?? '')
}

/** The value of a hidden field. */
export function fieldOn(text: string, name: string): string {
  return (
    new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1]?.replaceAll('&amp;', '&').replaceAll('&quot;', '"') ??
    ''
  )
}

/** Sets up a passkey, as the script of the page does. */
export async function addPasskey(
  visitor: Visitor,
  key: Authenticator,
  fields: Record<string, string> = {},
): Promise<Answer> {
  const { options } = JSON.parse((await visitor.sendJson('/api/passkey/registration', {})).text)
  const passkey = JSON.stringify(key.create(options))
  return visitor.submit('/security/passkeys', { passkey, ...fields }, '/security')
}

/** The passkey's answer to a new challenge. */
export async function passkeyAnswer(
  visitor: Visitor,
  key: Authenticator,
  use: 'sign-in' | 'proof',
  lies: Parameters<Authenticator['get']>[1] = {},
): Promise<string> {
  const answer = await visitor.sendJson(`/api/passkey/${use}`, {})
  assert.equal(answer.status, 200, answer.text)
  return JSON.stringify(key.get(JSON.parse(answer.text).options, lies))
}

/** Signs somebody in with a password and a code. */
export async function signInWith(visitor: Visitor, username: string, code: string): Promise<Answer> {
  assert.equal((await visitor.signIn(username, password)).headers.location, '/login/second-factor')
  return visitor.submit('/login/second-factor', { code })
}

/** What the user was told, oldest first: topics. */
export function toldTo(campus: OpenCampus, username: string): string[] {
  const database = new DatabaseSync(join(campus.directory, 'campus.db'), { readOnly: true })
  const rows = database
    .prepare('SELECT topic FROM campus_messages WHERE username = ? ORDER BY written_at')
    .all(username)
  database.close()
  return rows.map(({ topic }) => String(topic).split(' ')[0] ?? '')
}

/** Closes an account behind the back of its sessions. */
export function disable(campus: OpenCampus, username: string): void {
  const database = new DatabaseSync(join(campus.directory, 'campus.db'))
  database.prepare('UPDATE campus_users SET disabled = 1 WHERE username = ?').run(username)
  database.close()
}

/** Who is signed in, or `null`. */
export async function whoIs(visitor: Visitor): Promise<string | null> {
  return JSON.parse((await visitor.get('/api/check_session')).text).user?.username ?? null
}
