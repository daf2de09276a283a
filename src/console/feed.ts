import type { SessionEvent, Sessions } from '../index.ts'
import type { Watch } from '../watch/index.ts'
import type { OpenStream } from './contract.ts'
import { heartbeat, newsText, type Position } from './feed-text.ts'
import { type Judge, Listener, type Listening } from './listener.ts'
import { Declined } from './problem.ts'
import { TrailFollower } from './trail-follower.ts'

/** What the feed runs on. */
export interface FeedParts extends Judge {
  /** The sessions of those who listen. */
  readonly sessions: Pick<Sessions<object>, 'revocable' | 'find' | 'subscribe'>
  /** What they listen to. */
  readonly watch: Pick<Watch, 'entries' | 'alerts'>
  /** These four: see `FeedOptions`. */
  readonly askEveryMs: number
  readonly checkEveryMs: number
  readonly most: number
  readonly mostOfSession: number
}

const heartbeatMs = 15_000
/** What a browser's `EventSource` waits before it asks again, ms. */
const beginning = 'retry: 2000\n: here we go\n\n'

/**
 * The live feed: one question to the store for everybody who listens, and for each of them, all the while, whether they still
 * may. Nothing runs while nobody listens.
 */
export class Feed {
  readonly #parts: FeedParts
  readonly #listeners = new Set<Listener>()
  readonly #follower: TrailFollower
  #stop: (() => void) | null = null
  #closed = false

  constructor(parts: FeedParts) {
    this.#parts = parts
    this.#follower = new TrailFollower({
      ...parts,
      everyMs: parts.askEveryMs,
      tell: news => {
        const text = newsText(news)
        for (const listener of this.#listeners) listener.send(text)
      },
    })
  }

  /** A stream for somebody who may listen now, going on after a position; throws when there are too many. */
  open(who: Listening, position: Position | null): OpenStream {
    this.#assertRoom(who.sid)
    return receiver => {
      try {
        // Others may have come between the question and the answer's head.
        this.#assertRoom(who.sid)
      } catch {
        receiver.end()
        return () => {}
      }
      const listener = new Listener(who, this.#parts, receiver, gone => this.#left(gone))
      this.#listeners.add(listener)
      this.#run()
      listener.send(beginning)
      this.#catchUp(listener, position).catch(() => listener.end(null))
      return () => listener.leave()
    }
  }

  /** Ends all streams, and lets nobody in any more. */
  close(): void {
    this.#closed = true
    for (const listener of this.#listeners) listener.end(null)
  }

  #assertRoom(sid: string): void {
    const { most, mostOfSession } = this.#parts
    if (this.#closed) throw new Declined(503, 'closing', 'The server is stopping.', { 'retry-after': '5' })
    const own = [...this.#listeners].filter(listener => listener.sid === sid).length
    if (own < mostOfSession && this.#listeners.size < most) return
    const message = 'Too many consoles follow the feed already. Close one of them.'
    throw new Declined(429, 'too-many-listeners', message, { 'retry-after': '30' })
  }

  /** Looks once more as soon as the stream is there, because the session may have ended on the way here. */
  async #catchUp(listener: Listener, position: Position | null): Promise<void> {
    await listener.check()
    await this.#follower.begin()
    const missed = newsText(await this.#follower.since(position?.at ?? this.#parts.clock()))
    if (missed !== '') listener.send(missed)
  }

  #left(listener: Listener): void {
    this.#listeners.delete(listener)
    if (this.#listeners.size > 0) return
    this.#follower.stop()
    this.#stop?.()
    this.#stop = null
  }

  #run(): void {
    if (this.#stop !== null) return
    const each = (ms: number, work: (listener: Listener) => unknown) =>
      setInterval(() => {
        for (const listener of this.#listeners) work(listener)
      }, ms).unref()
    const checks = each(this.#parts.checkEveryMs, listener => listener.check())
    const beats = each(heartbeatMs, listener => listener.send(heartbeat))
    const unsubscribe = this.#parts.sessions.subscribe((event: SessionEvent) => {
      for (const listener of this.#listeners) if (listener.concerns(event)) void listener.check()
    })
    this.#stop = () => {
      clearInterval(checks)
      clearInterval(beats)
      unsubscribe()
    }
  }
}
