import type { Request } from 'express'
import type { Sessions } from 'latchkey'
import type { FactorAnswer, Factors } from 'latchkey/mfa'
import { jsonField, textField } from './fields.ts'
import type { KnownDevice } from './known-device.ts'
import type { Notices } from './notices.ts'
import type { PasswordSignIn } from './password-sign-in.ts'
import { tooManySignIns } from './problem.ts'
import { wasSentTwice } from './sent-twice.ts'
import type { SessionOf } from './session-data.ts'
import type { User, Users } from './users.ts'

/** What came of a proof. `amr` is for `stepUp` or `redeem`; all that was wrong is one answer. */
export type Proof =
  | { readonly outcome: 'passed'; readonly amr: readonly string[] }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'wait'; readonly seconds: number }

/** What a form asks for. */
export interface ProofForm {
  /** Whether a code is asked for beside the password. */
  readonly hasSecondFactor: boolean
  /** Whether a passkey may answer instead of both; with `challenge`, it signs that. `null`: there is none to ask for. */
  readonly passkeyOptions: { readonly challenge: string | null } | null
  /** What was wrong the last time, or `null`. */
  readonly problem: string | null
}

/** What is proved. */
export interface ProvingOptions {
  /** The id of a confirmed action, from `session.confirm`: a passkey then signs exactly that. */
  readonly challenge?: string
}

/** The one way in which somebody who is signed in, or locked out of an idle session, proves again who they are. */
export interface Proving {
  /** What to ask this user for, for `proofFields()`. `problem`: `problemOfProof()` of the last try. */
  form(userId: string, options?: ProvingOptions & { problem?: string | null }): Promise<ProofForm>
  /**
   * Verifies the fields of a form that `proofFields()` made. Password and, where a second factor is set up, a code; or a
   * passkey instead of both. What it takes follows from the account, never from the form (TA-3).
   */
  check(request: Request, userId: string, options?: ProvingOptions): Promise<Proof>
}

const refused: Proof = { outcome: 'refused' }

/** Proofs by Campus's passwords and Latchkey's factors, each behind its throttle. */
export function createProving(parts: {
  readonly users: Users
  readonly signIn: PasswordSignIn
  readonly factors: Factors
  readonly sessions: Pick<Sessions, 'find'>
  /** Whether passkeys can be used: not without an address for them, nor where a challenge cannot be kept. */
  readonly passkeys: boolean
  readonly device: KnownDevice
  readonly notices: Notices
  readonly sessionOf: SessionOf
  readonly clock: () => number
}): Proving {
  const { users, signIn, factors, passkeys, device, notices, sessionOf } = parts

  const checkPassword = async (request: Request, userId: string): Promise<Proof> => {
    const password = textField(request.body, 'password') ?? ''
    const { address } = device.facts(request)
    const answer = await signIn({ username: userId, password, address, session: sessionOf(request) })
    if (answer.outcome === 'wrong') return refused
    return answer.outcome === 'wait' ? answer : { outcome: 'passed', amr: ['pwd'] }
  }

  const checkPasskey = async (request: Request, user: User, options: ProvingOptions): Promise<Proof> => {
    const response = jsonField(request.body, 'passkey')
    const answer = await factors.checkPasskey(
      sessionOf(request),
      device.attempt(request, user.username),
      response,
      options,
    )
    if (answer.outcome !== 'passed') return proofOf(answer)
    if (answer.amr.includes('mfa')) return proofOf(answer)
    // A key without a check of its user is one factor: it stands in for the code, not for the password.
    const password = await checkPassword(request, user.username)
    return password.outcome === 'passed' ? { outcome: 'passed', amr: ['pwd', ...answer.amr] } : password
  }

  return {
    async form(userId, { challenge = null, problem = null } = {}) {
      const kinds = (await factors.list(userId)).map(({ kind }) => kind)
      const hasPasskey = passkeys && kinds.includes('passkey')
      const hasSecondFactor = kinds.includes('totp') || kinds.includes('passkey')
      return { hasSecondFactor, passkeyOptions: hasPasskey ? { challenge } : null, problem }
    },

    async check(request, userId, options = {}) {
      const user = await users.find(userId)
      if (user === null) return refused
      if (passkeys && (textField(request.body, 'passkey') ?? '') !== '') return checkPasskey(request, user, options)
      // Asked before the password is looked at: when the store cannot say, nothing is tried (and nothing is let pass).
      const needsCode = await factors.required(userId)
      const password = await checkPassword(request, userId)
      if (password.outcome !== 'passed' || !needsCode) return password
      const code = textField(request.body, 'code') ?? ''
      const answer = proofOf(await factors.checkCode(device.attempt(request, userId), code))
      if (answer.outcome === 'passed') return { outcome: 'passed', amr: [...password.amr, ...answer.amr] }
      if (answer.outcome === 'refused' && !(await wasSentTwice(parts, sessionOf(request), userId)))
        await notices.secondFactorFailed(userId, device.facts(request))
      return answer
    },
  }
}

/** What to tell somebody whose proof did not pass: never which part of it was wrong. */
export function problemOfProof(proof: Exclude<Proof, { outcome: 'passed' }>): string {
  if (proof.outcome === 'refused') return 'That was not right. Please try again.'
  const { title, advice } = tooManySignIns(proof.seconds)
  return `${title}. ${advice}`
}

/** The status of the page that says so. */
export function statusOfProof(proof: Exclude<Proof, { outcome: 'passed' }>): 401 | 429 {
  return proof.outcome === 'wait' ? 429 : 401
}

function proofOf(answer: FactorAnswer): Proof {
  return answer.outcome === 'passed' ? { outcome: 'passed', amr: answer.amr } : answer
}
