import type { Session, SessionEvent, Sessions } from '../index.ts'
import type { FeedEvent } from './api.ts'
import type { Receiver } from './contract.ts'
import { eventText } from './feed-text.ts'

/** Whose feed it is, as it was when it began. */
export interface Listening {
  /** The session as it was loaded then. */
  readonly session: Session<object>
  /** The public id of the session. */
  readonly sid: string
  /** Its user. */
  readonly userId: string
  /** Until when what was proved is fresh enough, epoch ms. */
  readonly freshUntil: number
}

/** What a listener's right to listen is judged by. */
export interface Judge {
  /** How sessions are now. */
  readonly sessions: Pick<Sessions<object>, 'revocable' | 'find'>
  /** See `ConsoleOptions.administrator`. */
  readonly administrator: (session: Session<object>) => boolean | Promise<boolean>
  /** Now, epoch ms. */
  readonly clock: () => number
}

type OverReason = Extract<FeedEvent, { event: 'over' }>['data']['reason']
/** `silent`: who listens has to ask anew, and is then judged by the token that they have by now. */
type Verdict = 'goes on' | 'silent' | OverReason

/** How long it may take to learn whether somebody may still listen, ms. */
const patienceMs = 5_000

/**
 * One client that follows the feed. The stream outlives the request that began it, so the right to see it is looked at again and
 * again: by the session's public id, because the token may have been replaced since, and an old one must not be shown around.
 */
export class Listener {
  /** The public id of the session. */
  readonly sid: string
  readonly #who: Listening
  readonly #judge: Judge
  readonly #receiver: Receiver
  readonly #left: (listener: Listener) => void
  readonly #provedAt: number | null
  #isOver = false
  #checking: 'no' | 'yes' | 'again' = 'no'

  constructor(who: Listening, judge: Judge, receiver: Receiver, left: (listener: Listener) => void) {
    this.sid = who.sid
    this.#who = who
    this.#judge = judge
    this.#receiver = receiver
    this.#left = left
    this.#provedAt = who.session.authenticatedAt
  }

  /** Sends; a client that is gone or too slow has lost its place. */
  send(text: string): void {
    if (!this.#isOver && !this.#receiver.send(text)) this.leave()
  }

  /** The client has gone. */
  leave(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#left(this)
  }

  /** Ends the stream; with a reason, the page learns that there is no use in asking again. */
  end(reason: OverReason | null): void {
    if (this.#isOver) return
    if (reason !== null) this.send(eventText({ event: 'over', data: { reason } }))
    if (this.#isOver) return
    this.leave()
    this.#receiver.end()
  }

  /** Whether an event of this process is about this session, so that it is to be looked at now. */
  concerns({ type, sid, userId }: SessionEvent): boolean {
    if (type === 'sessions.ended-all') return userId === null || userId === this.#who.userId
    return (type === 'session.ended' || type === 'session.locked') && sid === this.sid
  }

  /** Looks whether this client may still listen. Never rejects; what happens while it looks is looked at, too. */
  async check(): Promise<void> {
    if (this.#isOver) return
    if (this.#checking !== 'no') {
      this.#checking = 'again'
      return
    }
    this.#checking = 'yes'
    // An outage never means "signed in", nor does an application that never answers: who asks again is told.
    const verdict = await inTime(this.#verdict()).catch(() => 'silent' as const)
    const again = (this.#checking as string) === 'again'
    this.#checking = 'no'
    if (verdict !== 'goes on') this.end(verdict === 'silent' ? null : verdict)
    else if (again) await this.check()
  }

  async #verdict(): Promise<Verdict> {
    const { sessions, administrator, clock } = this.#judge
    const { session, sid, userId, freshUntil } = this.#who
    const now = clock()
    if (sessions.revocable) {
      const info = await sessions.find(sid)
      if (info === null || info.userId !== userId) return 'signed-out'
      if (info.locked || info.aal < 2) return 'not-fresh'
      // Proved again since, in another tab: by the token of now, not of then.
      if (now >= freshUntil && info.authenticatedAt !== this.#provedAt) return 'silent'
    } else if (now >= Math.min(session.idleExpiresAt ?? 0, session.absoluteExpiresAt ?? 0)) {
      return 'silent'
    }
    if (now >= freshUntil) return 'not-fresh'
    return (await administrator(session)) ? 'goes on' : 'signed-out'
  }
}

/** Settles as the work does, or says that nobody could tell in time. */
function inTime(work: Promise<Verdict>): Promise<Verdict> {
  const late = Promise.withResolvers<Verdict>()
  const timer = setTimeout(() => late.resolve('silent'), patienceMs).unref()
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}
