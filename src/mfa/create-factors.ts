import { UsageError } from '../errors.ts'
import type { SessionHost } from '../http/exchange.ts'
import { hostOf, type Sessions } from '../http/sessions.ts'
import { durationMs } from '../session/duration.ts'
import type { EventDetail } from '../session/events.ts'
import { Turns } from '../session/turns.ts'
import type { Attempt, Checked, FactorAnswer, FactorSession } from './answer.ts'
import { AskedFactorStore } from './asked-factor-store.ts'
import type { FactorInfo, Factors, FactorsOptions, PasskeyAttempt } from './factors.ts'
import type { PasskeyCreationOptions, PasskeyRequestOptions } from './passkey-options.ts'
import { type PasskeyChallengeOptions, Passkeys } from './passkeys.ts'
import { describeRecoveryCodes, RecoveryCodes, recoveryCodeIn } from './recovery-codes.ts'
import type { FactorRecord, FactorStore } from './store.ts'
import { Throttle } from './throttle.ts'
import { sixDigits, Totp, type TotpEnrolment, type TotpWindow } from './totp.ts'

/** Second factors for the users of these sessions. Throws a `UsageError` that names the option and the fix. */
export function createFactors<Data extends object>(sessions: Sessions<Data>, options: FactorsOptions): Factors {
  const { host } = hostOf(sessions)
  const { store, issuer, totpWindow = 'current-and-previous', passkeys = false } = options
  if (!store) {
    throw new UsageError(
      "createFactors: store is missing: pass one, for example sqliteFactors('factors.db') from 'latchkey/mfa/stores/sqlite'.",
    )
  }
  assertIssuer(issuer)
  if (totpWindow !== 'current-and-previous' && totpWindow !== 'current') {
    throw new UsageError("createFactors: totpWindow is 'current-and-previous' (default) or 'current'.")
  }
  const timeoutMs = durationMs(options.storeTimeout ?? '2s', 'createFactors: storeTimeout')
  const asked = new AskedFactorStore(store, host.engine.events, timeoutMs)
  return new SecondFactors({
    host,
    store: asked,
    turns: Turns.of(store),
    issuer,
    totpWindow,
    passkeys: passkeys && new Passkeys({ store: asked, issuer, host, ...passkeys }),
  })
}

interface Parts {
  readonly host: SessionHost
  readonly store: FactorStore
  readonly turns: Turns
  readonly issuer: string
  readonly totpWindow: TotpWindow
  readonly passkeys: Passkeys | false
}

/** Whom an event is about, and from where. */
type Whom = Partial<Pick<Attempt, 'origin' | 'sid'>> & { readonly userId: string | null }

const longestLabel = 64

/** The throttle and the events stand around every check here, once for all kinds. */
class SecondFactors implements Factors {
  readonly #host: SessionHost
  readonly #store: FactorStore
  readonly #turns: Turns
  readonly #throttle: Throttle
  readonly #totp: Totp
  readonly #recoveryCodes: RecoveryCodes
  readonly #passkeys: Passkeys | false

  constructor({ host, store, turns, issuer, totpWindow, passkeys }: Parts) {
    const { ring, random } = host
    const now = () => host.engine.now()
    const corrupt = (userId: string) => this.#tell({ userId }, { type: 'record.corrupt' })
    this.#host = host
    this.#store = store
    this.#turns = turns
    this.#throttle = new Throttle(store, now)
    this.#totp = new Totp({ store, ring, random, now, issuer, window: totpWindow, corrupt })
    this.#recoveryCodes = new RecoveryCodes({ store, random, now, corrupt })
    this.#passkeys = passkeys
  }

  async list(userId: string): Promise<FactorInfo[]> {
    return (await this.#store.list(userId)).map(describe)
  }

  async required(userId: string): Promise<boolean> {
    return (await this.#store.list(userId)).some(isStrong)
  }

  async beginTotp(session: FactorSession, account: string): Promise<TotpEnrolment> {
    return this.#totp.begin(session, await signedIn(session), account)
  }

  async confirmTotp(session: FactorSession, ticket: string, code: string, label: string): Promise<FactorAnswer> {
    const whom = await signedIn(session)
    const sent = { ticket: textOf(ticket), code: textOf(code), label: labelOf(label) }
    return this.#add(whom, () => this.#totp.confirm(session, whom, sent))
  }

  async beginPasskey(session: FactorSession, account: string): Promise<PasskeyCreationOptions> {
    await signedIn(session)
    return this.#passkeysOn().begin(session, account)
  }

  async confirmPasskey(session: FactorSession, response: unknown, label: string): Promise<FactorAnswer> {
    const passkeys = this.#passkeysOn()
    const whom = await signedIn(session)
    return this.#add(whom, () => passkeys.confirm(session, response, labelOf(label)))
  }

  checkCode(attempt: Attempt, code: string): Promise<FactorAnswer> {
    return this.#attempt(attempt, async () => {
      const typed = textOf(code)
      const digits = sixDigits(typed)
      const recovery = recoveryCodeIn(typed)
      const { userId } = attempt
      if (digits !== null) return this.#totp.check(userId, await this.#store.list(userId), digits)
      if (recovery !== null) return this.#recoveryCodes.check(userId, await this.#store.list(userId), recovery)
      return { ok: false, factor: null, fault: 'malformed' }
    })
  }

  async passkeyChallenge(
    session: FactorSession,
    userId: string | null,
    options?: PasskeyChallengeOptions,
  ): Promise<PasskeyRequestOptions> {
    return this.#passkeysOn().challenge(session, userId, options)
  }

  async checkPasskey(
    session: FactorSession,
    attempt: PasskeyAttempt,
    response: unknown,
    options?: PasskeyChallengeOptions,
  ): Promise<FactorAnswer> {
    const { userId } = attempt
    const checked = await this.#passkeysOn().check(session, userId, response, options)
    // A challenge of the caller's was not spent here, so this may be an old answer sent again: it forgives nothing.
    return this.#judge(attempt, checked, options?.challenge === undefined)
  }

  renewRecoveryCodes(userId: string): Promise<string[]> {
    return this.#turns.run([userId], async () => {
      if (!(await this.required(userId))) {
        throw new UsageError(
          'renewRecoveryCodes: this user has no second factor that codes could stand in for. Set one up first.',
        )
      }
      const codes = await this.#recoveryCodes.renew(userId)
      this.#tell({ userId }, { type: 'factor.added', factor: 'recovery' })
      return codes
    })
  }

  remove(userId: string, factorId: string): Promise<boolean> {
    return this.#turns.run([userId], async () => {
      const record = await this.#store.find(textOf(factorId))
      if (record?.userId !== userId || !(await this.#store.remove(record.id))) return false
      this.#tell({ userId }, { type: 'factor.removed', factor: record.kind })
      // After the factor: had this failed in between, the codes would be left, which are good for nothing alone.
      const left = await this.#store.list(userId)
      const codes = left.find(({ kind }) => kind === 'recovery')
      if (codes && !left.some(isStrong) && (await this.#store.remove(codes.id)))
        this.#tell({ userId }, { type: 'factor.removed', factor: 'recovery' })
      return true
    })
  }

  removeUser(userId: string): Promise<number> {
    return this.#turns.run([userId], async () => {
      const records = await this.#store.list(userId)
      const removed = await this.#store.removeUser(userId)
      for (const { kind } of records) this.#tell({ userId }, { type: 'factor.removed', factor: kind })
      await this.#throttle.forgive(userId)
      return removed
    })
  }

  forgive(userId: string): Promise<void> {
    return this.#throttle.forgive(userId)
  }

  ping(): Promise<void> {
    return this.#store.ping()
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  /**
   * Known devices and all others take turns among themselves: attempts in step conflict less in the store, and nobody
   * elsewhere can keep the owner's device waiting behind a crowd.
   */
  async #attempt(attempt: Attempt, check: () => Promise<Checked>): Promise<FactorAnswer> {
    const { userId, device } = attempt
    assertUser(userId)
    const side = device === null ? 'unknown' : 'known'
    return this.#turns.run([JSON.stringify([side, userId])], async () => {
      const waitMs = await this.#throttle.admit(userId, side)
      if (waitMs === 0) return this.#judge(attempt, await check(), true)
      const seconds = Math.ceil(waitMs / 1000)
      this.#tell(attempt, { type: 'factor.throttled', seconds })
      return { outcome: 'wait', seconds }
    })
  }

  /** Tells what came out. A success forgives all failures before it, also those that were counted for it in advance. */
  async #judge(attempt: PasskeyAttempt, checked: Checked, forgives: boolean): Promise<FactorAnswer> {
    if (!checked.ok || checked.userId !== (attempt.userId ?? checked.userId)) return this.#refuse(attempt, checked)
    const { userId, factor, amr } = checked
    // The factor is spent, so its user is let in; that a count stayed behind was told as an event.
    if (forgives) await this.#throttle.forgive(userId).catch(() => {})
    this.#tell({ ...attempt, userId }, { type: 'factor.passed', factor })
    return { outcome: 'passed', userId, factor, amr: [...amr] }
  }

  async #add(whom: Whom & { readonly userId: string }, confirm: () => Promise<Checked>): Promise<FactorAnswer> {
    return this.#turns.run([whom.userId], async () => {
      const checked = await confirm()
      if (!checked.ok) return this.#refuse(whom, checked)
      const { userId, factor, amr } = checked
      this.#tell(whom, { type: 'factor.added', factor })
      return { outcome: 'passed', userId, factor, amr: [...amr] }
    })
  }

  #refuse(whom: Whom, { factor, ...checked }: Checked): FactorAnswer {
    const fault = checked.ok ? 'unknown' : checked.fault
    this.#tell(whom, { type: 'factor.refused', factor, fault })
    return { outcome: 'refused' }
  }

  #tell({ userId, sid = null, origin = null }: Whom, detail: EventDetail): void {
    this.#host.engine.events.emit(sid, userId, origin, detail)
  }

  #passkeysOn(): Passkeys {
    if (this.#passkeys) return this.#passkeys
    throw new UsageError(
      "createFactors: passkeys are off. Turn them on: passkeys: { rpId: 'campus.example', origins: ['https://campus.example'] }.",
    )
  }
}

/** A factor that stands on its own. Recovery codes only stand in for one. */
function isStrong({ kind }: FactorRecord): boolean {
  return kind !== 'recovery'
}

function describe(record: FactorRecord): FactorInfo {
  const { id, kind, label, createdAt, lastUsedAt } = record
  const codes = kind === 'recovery' ? describeRecoveryCodes(record) : { codesLeft: null, createdAt }
  return { id, kind, label, lastUsedAt, ...codes }
}

/** Only a complete sign-in may change factors: not a pending one, not a locked session (T14). */
async function signedIn(session: FactorSession): Promise<{ sid: string; userId: string }> {
  await session.load()
  const { id, userId } = session
  if (id !== null && userId !== null) return { sid: id, userId }
  throw new UsageError('Nobody is signed in whose factors could be set up: put requireUser() in front of this route.')
}

/** What a form sends may be anything, or missing. */
function textOf(sent: unknown): string {
  return typeof sent === 'string' ? sent : ''
}

function labelOf(sent: unknown): string {
  return textOf(sent).trim().slice(0, longestLabel).toWellFormed()
}

function assertUser(userId: unknown): void {
  if (typeof userId === 'string' && userId.length >= 1 && userId.length <= 256) return
  throw new UsageError('attempt.userId must be who passed the first factor (session.pending) or who is signed in.')
}

function assertIssuer(issuer: unknown): void {
  if (typeof issuer === 'string' && /^[^:]{1,64}$/u.test(issuer) && issuer.trim() !== '' && issuer.isWellFormed())
    return
  throw new UsageError("createFactors: issuer is what apps show, 1 to 64 characters without colon, such as 'Campus'.")
}
