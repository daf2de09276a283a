import type {
  EventDetail,
  EventListener,
  EventType,
  RequestOrigin,
  SessionEvent,
  SessionUse,
  UseObserver,
} from './events.ts'

/** Kinds of events that a client can cause at will and therefore in a flood. */
const provocable: ReadonlySet<EventType> = new Set<EventType>([
  'token.forged',
  'token.replayed',
  'token.used-after-end',
  'token.misplaced',
  'access-token.refused',
  'proof.refused',
  'cookie.duplicated',
  'request.refused',
  'sign-in.refused',
  'sign-in.failed',
  'factor.refused',
  'factor.throttled',
  'record.corrupt',
  'store.failed',
])
const mostPerSecond = 100

/** Hands events to listeners: a listener that throws harms nobody, and a flood is counted instead of logged (CS-L2). */
export class EventStream {
  readonly #clock: () => number
  readonly #listeners = new Set<EventListener>()
  readonly #observers = new Set<UseObserver>()
  readonly #windows = new Map<EventType, { second: number; count: number }>()

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** Adds a listener; the returned function removes it. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Adds an observer of uses; the returned function removes it. */
  observe(observer: UseObserver): () => void {
    this.#observers.add(observer)
    return () => this.#observers.delete(observer)
  }

  /** Whether anybody wants to know of uses. */
  get observed(): boolean {
    return this.#observers.size > 0
  }

  /** Tells every observer that a session was used. */
  tellUse(use: SessionUse): void {
    for (const observer of this.#observers) {
      // As below: a broken one harms nobody.
      try {
        observer(use)
      } catch {}
    }
  }

  /** Tells every listener. */
  emit(sid: string | null, userId: string | null, origin: RequestOrigin | null, detail: EventDetail): void {
    if (this.#listeners.size === 0) return
    const at = this.#clock()
    if (provocable.has(detail.type) && !this.#admit(detail.type, at)) return
    this.#deliver({ at, sid, userId, origin, ...detail })
  }

  /** Reports what was suppressed and not yet said. */
  flush(): void {
    for (const [type, window] of this.#windows) this.#report(type, window)
    this.#windows.clear()
  }

  #admit(type: EventType, at: number): boolean {
    const second = Math.floor(at / 1000)
    let window = this.#windows.get(type)
    if (window?.second !== second) {
      if (window) this.#report(type, window)
      window = { second, count: 0 }
      this.#windows.set(type, window)
    }
    window.count += 1
    return window.count <= mostPerSecond
  }

  #report(type: EventType, window: { count: number }): void {
    const count = window.count - mostPerSecond
    if (count <= 0) return
    this.#deliver({
      at: this.#clock(),
      sid: null,
      userId: null,
      origin: null,
      type: 'events.suppressed',
      suppressed: type,
      count,
    })
  }

  #deliver(event: SessionEvent): void {
    for (const listener of this.#listeners) {
      // A broken logger must neither stop a request nor grant anything, nor end the process (ASVS 16.5.4).
      try {
        const heard: unknown = listener(event)
        if (heard instanceof Promise) heard.catch(ignore)
      } catch {}
    }
  }
}

function ignore(): void {}
