import { createHmac } from 'node:crypto'
import { UsageError } from '../errors.ts'
import type { SessionHost } from '../http/exchange.ts'
import type { Checked, FactorFault, FactorSession } from './answer.ts'
import { changeFactor, type FactorChange } from './change-factor.ts'
import { webauthnLibrary } from './passkey-library.ts'
import {
  creationOptions,
  type PasskeyCreationOptions,
  type PasskeyRequestOptions,
  requestOptions,
} from './passkey-options.ts'
import { type Passkey, passkeyAmr, passkeyRecordId, readPasskey, writePasskey } from './passkey-record.ts'
import { type AssertionAnswer, readAssertion, readRegistration } from './passkey-response.ts'
import { type PasskeySite, type PasskeySiteOptions, passkeySite } from './passkey-site.ts'
import { judgeAssertion, judgeRegistration } from './passkey-verdict.ts'
import type { FactorRecord, FactorStore } from './store.ts'

/** How a challenge is made and taken back. */
export interface PasskeyChallengeOptions {
  /**
   * The id of a confirmed action, from `session.confirm`: the passkey then signs exactly that, and `session.redeem` spends
   * it. Default: a challenge of its own, which the check spends.
   */
  readonly challenge?: string
}

/** Somebody has a phone, a laptop and a few keys; a list without end only costs whoever reads it. */
const mostPerUser = 20

/** Passkeys, as second factor and as sole sign-in. Neither counts failures nor tells events: that is the caller's. */
export class Passkeys {
  readonly #store: FactorStore
  readonly #host: Pick<SessionHost, 'engine' | 'ring'>
  readonly #site: PasskeySite

  /** Throws a `UsageError` for an `rpId` or origins that cannot work. */
  constructor({
    store,
    host,
    ...site
  }: PasskeySiteOptions & { store: FactorStore; host: Pick<SessionHost, 'engine' | 'ring'> }) {
    this.#store = store
    this.#host = host
    this.#site = passkeySite(site)
  }

  /** What the browser needs to make a passkey for the signed-in user; `account` is the name that prompts show. */
  async begin(session: FactorSession, account: string): Promise<PasskeyCreationOptions> {
    // Not needed yet: that it is missing must show before the user is asked.
    await webauthnLibrary()
    await session.load()
    const { userId } = session
    if (userId === null) {
      throw new UsageError('There is nobody to make a passkey for: put requireUser() in front of this route.')
    }
    const own = await this.#passkeysOf(userId)
    if (own.length >= mostPerUser) throw tooMany()
    const handle = this.#handleFor(userId, own)
    const challenge = await session.challenge('passkey-registration', { userId, handle })
    return creationOptions(this.#site, { handle, account, own }, challenge)
  }

  /** Adds the passkey that the browser made. The challenge in the response is spent, whatever comes out. */
  async confirm(session: FactorSession, response: unknown, label: string): Promise<Checked> {
    const library = await webauthnLibrary()
    await session.load()
    const { userId } = session
    const answer = readRegistration(response)
    if (!answer) return refused('malformed')
    if (userId === null) return refused('challenge')
    // Computed anew: had the user's passkeys changed since, the authenticator would keep another handle than we do.
    const own = await this.#passkeysOf(userId)
    const handle = this.#handleFor(userId, own)
    const { challenge } = answer.clientData
    if (!(await session.answer(challenge, 'passkey-registration', { userId, handle }))) return refused('challenge')
    if (own.length >= mostPerUser) throw tooMany()

    const verdict = await judgeRegistration(library, this.#site, answer)
    if (typeof verdict === 'string') return refused(verdict)
    const body = writePasskey({ ...verdict, userHandle: handle })
    if (body === null) return refused('malformed')
    const id = passkeyRecordId(answer.credentialId)
    const times = { createdAt: this.#host.engine.now(), lastUsedAt: null }
    const record: FactorRecord = { id, userId, kind: 'passkey', version: 1, label, ...times, body }
    // A passkey that is there already, whoever's it is, keeps its owner (WebAuthn 7.1).
    if ((await this.#store.create(record)) === 'exists') return refused('used')
    return { ok: true, userId, factor: 'passkey', amr: passkeyAmr(verdict, true) }
  }

  /** What the browser needs to use a passkey: one of this user's, or with `null` any that it has for this site. */
  async challenge(
    session: FactorSession,
    userId: string | null,
    options: PasskeyChallengeOptions = {},
  ): Promise<PasskeyRequestOptions> {
    await webauthnLibrary()
    const own = userId === null ? null : await this.#passkeysOf(userId)
    const { challenge = await session.challenge('passkey', userId) } = options
    return requestOptions(this.#site, own, challenge)
  }

  /** Checks what the browser answered. The challenge in it is spent, whatever comes out, unless it is the caller's. */
  async check(
    session: FactorSession,
    userId: string | null,
    response: unknown,
    options: PasskeyChallengeOptions = {},
  ): Promise<Checked> {
    const library = await webauthnLibrary()
    const answer = readAssertion(response)
    if (!answer) return refused('malformed')
    const { challenge } = answer.clientData
    const expected = options.challenge
    const isOurs = expected === undefined ? await session.answer(challenge, 'passkey', userId) : challenge === expected
    if (!isOurs) return refused('challenge')

    const record = await this.#find(answer, userId)
    const passkey = record && this.#read(record)
    if (!passkey) return refused('unknown')
    // Alone, the handle is what the authenticator says about whose passkey it is (WebAuthn 7.2).
    const handleIsRight = answer.userHandle === passkey.userHandle || (answer.userHandle === null && userId !== null)
    if (!handleIsRight) return refused('wrong')
    const verdict = await judgeAssertion(library, this.#site, answer, passkey, userId === null)
    if (typeof verdict === 'string') return refused(verdict)
    const noted = await changeFactor(this.#store, record, newest => this.#used(newest, verdict))
    if (noted !== 'accepted') return refused(noted)
    return { ok: true, userId: record.userId, factor: 'passkey', amr: passkeyAmr(verdict, verdict.userVerified) }
  }

  async #find({ credentialId }: AssertionAnswer, userId: string | null): Promise<FactorRecord | null> {
    const record = await this.#store.find(passkeyRecordId(credentialId))
    if (record?.kind !== 'passkey') return null
    return userId === null || record.userId === userId ? record : null
  }

  /**
   * A passkey after this use, judged by what the use before it left. A counter that does not grow means that the key exists
   * twice (WebAuthn 6.1.1): this use is refused, and the stored counter stays.
   */
  #used(
    newest: FactorRecord,
    { counter, backedUp }: Pick<Passkey, 'counter' | 'backedUp'>,
  ): FactorChange | FactorFault {
    const passkey = this.#read(newest)
    if (!passkey) return 'unknown'
    if ((counter > 0 || passkey.counter > 0) && counter <= passkey.counter) return 'used'
    return { lastUsedAt: this.#host.engine.now(), body: JSON.stringify({ ...passkey, counter, backedUp }) }
  }

  async #passkeysOf(userId: string): Promise<Passkey[]> {
    const records = await this.#store.list(userId)
    return records.filter(({ kind }) => kind === 'passkey').flatMap(record => this.#read(record) ?? [])
  }

  /** What a record holds. A damaged one is told, and lets nobody in; the user's others go on working. */
  #read(record: FactorRecord): Passkey | null {
    const passkey = readPasskey(record)
    if (!passkey) this.#host.engine.events.emit(null, record.userId, null, { type: 'record.corrupt' })
    return passkey
  }

  /**
   * The opaque name of a user towards authenticators, which may show it to whoever finds one: no name, no id of ours.
   * One for all passkeys of a user, also when the server's keys change: an authenticator keeps one per site and handle.
   */
  #handleFor(userId: string, own: readonly Passkey[]): string {
    const made = createHmac('sha256', this.#host.ring.newest.factorKey).update(
      JSON.stringify(['passkey user handle', userId]),
    )
    return own[0]?.userHandle ?? made.digest('base64url')
  }
}

function refused(fault: FactorFault): Checked {
  return { ok: false, factor: 'passkey', fault }
}

function tooMany(): UsageError {
  return new UsageError(`A user may have ${mostPerUser} passkeys: offer no more, and have one removed first.`)
}
