import assert from 'node:assert/strict'

/*
 * What sessions should do, as simply as it can be said: no secrets, no store, no concurrency, one object per session and
 * one look-up from tokens to sessions. T14 plays random stories to this and to the real thing and compares.
 */

export const limits = {
  idleMs: 15 * 60_000,
  absoluteMs: 8 * 3_600_000,
  rotateMs: 10 * 60_000,
  graceMs: 30_000,
  inFlightMs: 60_000,
}

/** One session as the model knows it. */
export interface ModelSession {
  readonly userId: string | null
  readonly createdAt: number
  data: Record<string, unknown>
  lastSeenAt: number
  /** Grows with every write, as the real one's does: a request that finds it unchanged saves without a second look. */
  version: number
  current: { token: string; issuedAt: number }
  /** The token that the last rotation replaced; `seenAt`: when its successor first came. */
  predecessor: { token: string; seenAt: number | null } | null
  /** Tokens that a step-up killed, and when. */
  killed: Map<string, number>
  /** `by`: a sign-in took it over, and `successor` is the session that a replay ends. */
  over: { at: number; by: 'sign-in' | null; successor: ModelSession | null } | null
}

/** How a request gets in. `due`: what its answer will do to the token. */
export type Entry =
  | { readonly kind: 'nobody' | 'superseded' }
  | {
      readonly kind: 'in'
      readonly session: ModelSession
      readonly as: 'current' | 'predecessor'
      readonly due: 'rotate' | 'confirm' | null
      readonly version: number
    }

export type Admitted = Extract<Entry, { kind: 'in' }>

const nobody: Entry = { kind: 'nobody' }
const superseded: Entry = { kind: 'superseded' }

export class SessionModel {
  readonly sessions: ModelSession[] = []
  readonly #byToken = new Map<string, ModelSession>()

  /** Every token there ever was. */
  get tokens(): string[] {
    return [...this.#byToken.keys()]
  }

  sessionOf(token: string): ModelSession | undefined {
    return this.#byToken.get(token)
  }

  begin(userId: string | null, token: string | null, data: Record<string, unknown>, now: number): ModelSession {
    const session: ModelSession = {
      userId,
      createdAt: now,
      data,
      lastSeenAt: now,
      version: 1,
      current: { token: this.#issued(token), issuedAt: now },
      predecessor: null,
      killed: new Map(),
      over: null,
    }
    this.sessions.push(session)
    this.#byToken.set(session.current.token, session)
    return session
  }

  /** Somebody presents a token at the door. */
  enter(token: string | null, now: number, active = true): Entry {
    const session = token === null ? undefined : this.#byToken.get(token)
    if (!session || token === null) return nobody
    if (session.over) {
      if (session.over.by === null) return nobody
      if (now < session.over.at + limits.inFlightMs) return superseded
      this.#replayed(session, now)
      return nobody
    }
    const entry = this.#judge(session, token, now)
    if (entry.kind === 'nobody') this.#replayed(session, now)
    if (entry.kind === 'in' && active) session.lastSeenAt = now
    return entry
  }

  /** A request that was let in wants to write: the way it is in now, or `null` when it must be refused. */
  again(entry: Admitted, token: string, now: number): Admitted | null {
    const { session } = entry
    if (session.over) return null
    if (session.version === entry.version) return entry
    const again = this.#judge(session, token, now, true)
    return again.kind === 'in' ? again : null
  }

  /** A write that comes with a request's answer: `changes`, and what is due with the token. */
  write(
    entry: Admitted,
    changes: Record<string, unknown> | null,
    issued: string | null,
    now: number,
    active = true,
  ): void {
    const { session, due } = entry
    if (!changes && !due) return
    Object.assign(session.data, changes)
    session.version += 1
    if (active) session.lastSeenAt = now
    if (due === 'confirm' && session.predecessor) session.predecessor.seenAt ??= now
    if (due !== 'rotate') return
    if (session.predecessor) session.killed.set(session.predecessor.token, now)
    session.predecessor = { token: session.current.token, seenAt: null }
    this.#renew(session, issued, now)
  }

  /** A step-up: every token so far is dead. */
  replace(session: ModelSession, issued: string | null, now: number): void {
    for (const [token, at] of session.killed) {
      if (now < at + limits.inFlightMs) session.killed.set(token, now)
    }
    for (const old of [session.current, session.predecessor]) if (old) session.killed.set(old.token, now)
    session.predecessor = null
    session.version += 1
    session.lastSeenAt = now
    this.#renew(session, issued, now)
  }

  end(session: ModelSession, now: number): void {
    session.over ??= { at: now, by: null, successor: null }
  }

  /** A sign-in takes a session over. Nothing leads from a guest's session to the user's. */
  supersede(session: ModelSession, successor: ModelSession, now: number): void {
    session.over ??= { at: now, by: 'sign-in', successor: session.userId === null ? null : successor }
  }

  #judge(session: ModelSession, token: string, now: number, letIn = false): Entry {
    const { current, predecessor } = session
    if (now >= session.createdAt + limits.absoluteMs || now >= session.lastSeenAt + limits.idleMs) {
      this.end(session, now)
      return { kind: 'nobody' }
    }
    const graceOver = predecessor !== null && predecessor.seenAt !== null && now >= predecessor.seenAt + limits.graceMs
    const entry = (as: 'current' | 'predecessor', due: 'rotate' | 'confirm' | null): Entry => ({
      kind: 'in',
      session,
      as,
      due,
      version: session.version,
    })
    if (token === current.token) {
      const settled = !predecessor || graceOver
      if (predecessor?.seenAt === null) return entry('current', 'confirm')
      return entry('current', settled && now >= current.issuedAt + limits.rotateMs ? 'rotate' : null)
    }
    if (token === predecessor?.token) {
      if (!graceOver || letIn) return entry('predecessor', null)
      return now < (predecessor.seenAt ?? 0) + limits.inFlightMs ? superseded : nobody
    }
    const killedAt = session.killed.get(token)
    return killedAt !== undefined && now < killedAt + limits.inFlightMs ? superseded : nobody
  }

  #replayed(session: ModelSession, now: number): void {
    let target: ModelSession | null = session
    for (let hop = 0; target?.over?.successor && hop < 8; hop += 1) target = target.over.successor
    if (target && !target.over) this.end(target, now)
  }

  #renew(session: ModelSession, token: string | null, now: number): void {
    session.current = { token: this.#issued(token), issuedAt: now }
    this.#byToken.set(session.current.token, session)
  }

  #issued(token: string | null): string {
    assert.ok(token, 'a new token must come with the answer')
    assert.ok(!this.#byToken.has(token), 'a token is issued once')
    return token
  }
}
