import { type Deadlines, never, pauseAfter, phaseAt, warningLength } from './deadlines.ts'
import { showWarning, type Warning } from './dialog.ts'
import { markPasswords, readChanges, restore } from './form-fields.ts'
import { forget, importKeys, keep, takeOut } from './kept-forms.ts'
import { showRestored } from './notice.ts'
import { type Answer, ask, extend, leadsTo, refreshForms, signOut } from './requests.ts'
import type { SessionStatus } from './status.ts'
import { openTabs, type Telling } from './tabs.ts'
import { english, type Texts } from './texts.ts'

/** What a page says about itself. Addresses are of its own origin. */
export interface WatchOptions {
  /** What the server said when it made the page. Default: it is asked at once. */
  readonly status?: SessionStatus
  /** Answers GET with the status, or 401. Must be no activity. */
  readonly statusUrl: string
  /** Takes POST with the header `X-CSRF-Token`, which is activity, and answers the new status. */
  readonly extendUrl: string
  /** Takes POST with the form field `csrf_token`, and signs out. */
  readonly signOutUrl: string
  /** Where to sign in again; `returnTo` is added. Where to unlock, for sessions that lock. */
  readonly signInUrl: string
  /** Milliseconds between a warning and what it warns of. Default a minute; never more than half of the idle time. */
  readonly warnBefore?: number
  /** Texts in another language. Default: English. */
  readonly texts?: Partial<Texts>
}

/** A watch that goes on until the page is left. */
export interface Watch {
  /** Stops watching: no timer, no listener, no dialog. */
  stop(): void
}

/** How long to sleep at most: a laptop's sleep stops timers, and not every awakening is an event. */
const longestNapMs = 20_000

/**
 * Warns the user of a page before their session ends, keeps what they typed when it ends, and takes the page away then;
 * all of that in every tab at once. A page for nobody only keeps its forms' CSRF tokens fresh.
 */
export function watchSession(options: WatchOptions): Watch {
  const texts = { ...english, ...options.texts }
  const listening = new AbortController()
  let tabs = openTabs(hear)

  /** For whom this page was made; `undefined` until the server said so. */
  let owner: string | null | undefined
  let keys: readonly CryptoKey[] = []
  let subject: string | null = null
  let csrfToken = ''
  let deadlines: Deadlines = { askedAt: 0, idleIn: null, endsIn: null, warnMs: 0 }
  let longestIdleMs = 0

  let timer: ReturnType<typeof setTimeout> | undefined
  let busy = false
  /** Whether something may have changed since the server was asked: 1 can wait until somebody looks, 2 cannot. */
  let stale = 2
  let failures = 0
  let retryAt = 0

  let warning: Warning | null = null
  let extendingFailed = false
  let sawEnd = false
  let onPurpose = false

  function tick(): void {
    clearTimeout(timer)
    if (busy || listening.signal.aborted) return
    const now = Date.now()
    const { name, since, until } = phaseAt(now, deadlines)
    const guess = name !== 'quiet' && deadlines.askedAt < since
    const asks = guess || stale > 1 || (stale && (warning || !document.hidden))
    if (asks && now >= retryAt) return void talk()

    sawEnd &&= name === 'end'
    // Past the deadline and without an answer the page does not know, so it says nothing.
    const kind = guess || sawEnd || name === 'quiet' || name === 'over' ? null : name
    if (warning?.kind !== kind) withdraw()
    if (kind) warning ??= showWarning(kind, texts, extendingFailed, out => answered(kind, out))
    warning?.count(Math.ceil((until - now) / 1_000))
    const next = warning ? (until - now) % 1_000 || 1_000 : until - now
    timer = setTimeout(tick, Math.min(next, asks ? retryAt - now : longestNapMs))
  }

  /** Asks the server, or extends the session. */
  async function talk(extending = false): Promise<void> {
    const wasStale = stale
    busy = true
    stale = 0
    const askedAt = Date.now()
    const answer = await (extending ? extend(options.extendUrl, csrfToken) : ask(options.statusUrl))
    busy = false
    if (listening.signal.aborted) return
    extendingFailed = extending && !answer
    if (answer) {
      failures = retryAt = 0
      await learn(answer, askedAt)
      if (extending) tell()
    } else {
      // An extension may have been refused for its token, so a new one is asked for.
      stale = Math.max(stale, wasStale, Number(extending))
      retryAt = Date.now() + pauseAfter(++failures)
    }
    tick()
  }

  async function learn(status: NonNullable<Answer>, askedAt: number): Promise<void> {
    subject = null
    if ('csrfToken' in status) {
      csrfToken = status.csrfToken
      refreshForms(csrfToken)
      if (status.signedIn && !status.locked) subject = status.subject
    }
    const first = owner === undefined
    if (first) {
      owner = subject
      tell()
    }
    if (!owner) return
    if (owner !== subject) return leave()
    onPurpose = false
    const { idleIn, endsIn, formKeys } = status as SessionStatus
    longestIdleMs = Math.max(longestIdleMs, idleIn ?? never)
    const warnMs = warningLength(options.warnBefore ?? 60_000, longestIdleMs)
    deadlines = { askedAt, idleIn, endsIn, warnMs }
    if (first) await begin(formKeys)
  }

  async function begin(formKeys: readonly string[]): Promise<void> {
    markPasswords()
    try {
      keys = await importKeys(formKeys)
      const changes = await takeOut(address(), keys)
      if (changes && restore(changes)) showRestored(texts)
    } catch {
      // No storage, or a key that is none: the page does without.
    }
  }

  /** The page is over: keeps what was typed, forgets the keys, and goes to sign in. */
  async function leave(): Promise<void> {
    tell()
    stop()
    try {
      const changes = readChanges()
      if (onPurpose) forget(0)
      else if (keys[0] && changes) await keep(address(), keys[0], changes)
    } catch {
      // Storage is full or forbidden: what was typed is lost, and the page must go all the same.
    }
    keys = []
    const to = new URL(options.signInUrl, location.href)
    if (to.pathname !== location.pathname) to.searchParams.set('returnTo', address())
    location.replace(to)
  }

  function answered(kind: 'idle' | 'end', out: boolean): void {
    warning = null
    if (out) signOut(options.signOutUrl, csrfToken)
    else if (kind === 'idle') void talk(true)
    else {
      sawEnd = true
      tick()
    }
  }

  function withdraw(): void {
    warning?.withdraw()
    warning = null
  }

  function tell(): void {
    tabs.tell({ subject, onPurpose })
  }

  function hear(telling: Telling): void {
    const changed = telling.subject !== subject
    // Between two pages for nobody there is no news.
    if (!changed && !subject) return
    // What may end this page cannot wait.
    stale = changed ? 2 : stale || 1
    onPurpose ||= telling.onPurpose
    tick()
  }

  function stop(): void {
    listening.abort()
    clearTimeout(timer)
    withdraw()
    tabs.close()
  }

  function askAnew(): void {
    stale = 2
    retryAt = 0
    tick()
  }

  // Events of the document get here, too.
  const on: typeof addEventListener = (type: string, listener: EventListenerOrEventListenerObject) =>
    addEventListener(type, listener, listening)
  on('visibilitychange', tick)
  on('focus', tick)
  on('online', askAnew)
  on('pageshow', ({ persisted }) => {
    // Back from the memory for the back button, where it heard nothing.
    if (!persisted) return
    tabs = openTabs(hear)
    askAnew()
  })
  on('pagehide', () => {
    // By now the answer to the sign-out is here.
    if (onPurpose) tabs.tell({ subject: null, onPurpose })
    tabs.close()
  })
  on('submit', event => {
    if (event.defaultPrevented || !leadsTo(event.target, options.signOutUrl)) return
    onPurpose = true
    forget(0)
    // A slow answer is no reason to warn of what the user just asked for.
    clearTimeout(timer)
    timer = setTimeout(tick, longestNapMs)
  })

  if (options.status) {
    stale = 0
    void learn(options.status, Date.now()).then(tick)
  } else tick()
  return { stop }
}

function address(): string {
  return location.pathname + location.search
}
