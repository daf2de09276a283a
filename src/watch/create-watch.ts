import { UsageError } from '../errors.ts'
import type { SessionHost } from '../http/exchange.ts'
import { hostOf, type Sessions } from '../http/sessions.ts'
import { durationMs } from '../session/duration.ts'
import type { RequestOrigin, SessionEvent, SessionUse } from '../session/events.ts'
import { RecentMap } from '../session/recent-map.ts'
import { createActions, deservesAlert } from './actions.ts'
import { type Agents, loadAgents } from './agents.ts'
import { Alerts } from './alerts.ts'
import type { Detection, DetectorName } from './detection.ts'
import { createDetectors, type Detectors } from './detectors/create-detectors.ts'
import type { AuditEvent, WatchEvent } from './events.ts'
import { keepHouse } from './housekeeping.ts'
import { MinuteCounts } from './minute-counts.ts'
import { createPrivacy, type Privacy, type PrivacyOptions } from './privacy.ts'
import type { Alert, AlertQuery, Point, TrailPage, TrailQuery } from './store.ts'
import { systemTimers, within } from './timers.ts'
import { Trail } from './trail.ts'
import type { SeriesName, Watch, WatchOptions, WatchStats } from './watch.ts'

/**
 * Starts to watch over sessions: writes down what happens, looks for attacks, raises alerts and acts on them. Requests never
 * wait for it. Throws a `UsageError` that names the option and the fix, and rejects when the store cannot be used.
 */
export async function createWatch<Data extends object>(
  sessions: Sessions<Data>,
  options: WatchOptions,
): Promise<Watch> {
  if (!options?.store) {
    throw new UsageError(
      "createWatch: store is missing: pass one, for example sqliteWatch('watch.db') from 'latchkey/watch/stores/sqlite'.",
    )
  }
  const { maxQueued = defaultMaxQueued } = options
  if (!(Number.isInteger(maxQueued) && maxQueued >= 100 && maxQueued <= 1_000_000)) {
    throw new UsageError('createWatch: maxQueued must be a whole number from 100 to 1,000,000.')
  }
  const retentionMs =
    options.retention === false ? null : durationMs(options.retention ?? '90d', 'createWatch: retention')
  const watch = new RunningWatch({
    sessions,
    host: hostOf(sessions).host,
    options,
    maxQueued,
    retentionMs,
    agents: await loadAgents(),
  })
  await watch.open()
  return watch
}

const defaultMaxQueued = 10_000
const minuteMs = 60_000
/** How often counts go to the store, and the number of sessions is taken. */
const countEveryMs = 10_000
/** How long the store may take for what nobody needs at once, ms: one that hangs must not hold up the end of the process. */
const storePatienceMs = 5_000

interface Parts {
  readonly sessions: Sessions<never> | Sessions
  readonly host: SessionHost
  readonly options: WatchOptions
  readonly maxQueued: number
  readonly retentionMs: number | null
  readonly agents: Agents
}

class RunningWatch implements Watch {
  readonly #sessions: Parts['sessions']
  readonly #options: WatchOptions
  readonly #retentionMs: number | null
  readonly #clock: () => number
  readonly #trail: Trail
  readonly #detectors: Detectors
  readonly #alerts: Alerts
  readonly #act: (detection: Detection) => Promise<void>
  readonly #counts: MinuteCounts
  readonly #hide: ((origin: RequestOrigin) => RequestOrigin) | null
  readonly #privacy: Privacy
  readonly #listeners = new Set<(event: AuditEvent) => void>()
  readonly #hits = new Map<DetectorName, number>()
  /** Detections that are only recorded, by fingerprint: each once a minute is enough. */
  readonly #recorded = new RecentMap<number>(1_000)
  /** What detections are still followed by. */
  readonly #following = new Set<Promise<unknown>>()
  readonly #stop: (() => void)[] = []
  #countedMinute = 0
  #closing: Promise<void> | null = null

  constructor({ sessions, host, options, maxQueued, retentionMs, agents }: Parts) {
    const { store, windows = store, sinks = [], notifiers = [], actions, dryRun = false, geo = null } = options
    const { id: keyId, watchKey: key } = host.ring.newest
    const clock = () => host.engine.now()
    const tell = (event: WatchEvent) => this.#write(event)
    const privacy = createPrivacy(options.privacy, key, agents)
    this.#hide = hiding(options.privacy ?? {})
    this.#privacy = privacy
    this.#sessions = sessions
    this.#options = options
    this.#retentionMs = retentionMs
    this.#clock = clock
    this.#trail = new Trail({
      ...{ store, sinks, key, keyId, clock, privacy, retentionMs, maxQueued },
      random: host.random,
      keyOf: id => host.ring.find(id)?.watchKey ?? null,
      trouble: (sink, what) => this.#found(trouble(clock(), sink, what)),
    })
    this.#alerts = new Alerts({ store, notifiers, clock, random: host.random, tell })
    this.#act = createActions({ actions, dryRun, sessions, clock, tell })
    this.#detectors = createDetectors({
      ...{ options: options.detectors, windows, geo, agents, privacy, key, clock, tell },
      found: (detection, isTentative) => this.#found(detection, isTentative),
      trouble: () => this.#found(trouble(clock(), 'windows', 'failed')),
    })
    this.#counts = new MinuteCounts(store)
  }

  async open(): Promise<void> {
    await this.#trail.open()
    const event = (event: SessionEvent) => this.#happened(event)
    this.#stop.push(
      this.#sessions.subscribe(event),
      this.#sessions.observe(use => this.#detectors.use(this.#hidden(use))),
    )
    const timer = setInterval(() => this.#now(), countEveryMs).unref()
    this.#stop.push(() => clearInterval(timer))
  }

  entries(query: TrailQuery): Promise<TrailPage> {
    return this.#options.store.entries(query)
  }

  alerts(query: AlertQuery): Promise<{ readonly alerts: readonly Alert[]; readonly next: string | null }> {
    return this.#options.store.alerts(query)
  }

  alert(id: string): Promise<Alert | null> {
    return this.#options.store.alert(id)
  }

  countAlerts(): Promise<{ readonly open: number; readonly acknowledged: number }> {
    return this.#options.store.countAlerts()
  }

  acknowledge(id: string, by: string): Promise<Alert | null> {
    return this.#alerts.acknowledge(id, by)
  }

  closeAlert(id: string, by: string): Promise<Alert | null> {
    return this.#alerts.close(id, by)
  }

  operatorActed(operation: 'end-session' | 'end-user' | 'end-everybody', target: string, by: string): void {
    this.#write({
      at: this.#clock(),
      sid: operation === 'end-session' ? target : null,
      userId: operation === 'end-user' ? target : null,
      origin: null,
      ...{ type: 'operator.acted', operation, target, by },
    })
  }

  points(names: readonly SeriesName[], fromMinute: number, toMinute: number): Promise<Point[]> {
    return this.#options.store.points(names, fromMinute, toMinute)
  }

  subscribe(listener: (event: AuditEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  stats(): WatchStats {
    return {
      ...this.#trail.stats(),
      hits: Object.fromEntries(this.#hits),
      signals: this.#detectors.stats(),
      detections: this.#alerts.stats,
    }
  }

  async flush(): Promise<void> {
    await this.#detectors.flush()
    while (this.#following.size > 0) await Promise.all(this.#following)
    await this.#alerts.flush()
    await inTime(this.#counts.flush()).catch(ignore)
    await this.#trail.flush()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const stop of this.#stop) stop()
    await this.flush()
    await this.#detectors.close()
    await this.#alerts.stop()
    await this.#trail.close()
    await inTime(this.#options.store.close())
  }

  #happened(event: SessionEvent): void {
    this.#write(event)
    const { origin } = event
    this.#detectors.event(this.#hide && origin ? { ...event, origin: this.#hide(origin) } : event)
  }

  /** Writes down what happened, counts it and tells whoever listens. */
  #write(event: AuditEvent): void {
    this.#trail.write(event)
    this.#counts.count(event)
    if (this.#listeners.size === 0) return
    const told = this.#asWritten(event)
    for (const listener of this.#listeners) {
      // A broken listener harms nobody.
      try {
        listener(told)
      } catch {}
    }
  }

  /** The event with no more of its origin than the trail has. */
  #asWritten(event: AuditEvent): AuditEvent {
    const { origin } = event
    if (!origin) return event
    const { address, userAgent } = origin
    const kept = { address: this.#privacy.address(address), userAgent: this.#privacy.userAgent(userAgent) }
    return { ...event, origin: kept }
  }

  /** A use as the detectors may see it. */
  #hidden(use: SessionUse): SessionUse {
    const hide = this.#hide
    return hide ? { ...use, client: hide(use.client), origin: () => hide(use.origin()) } : use
  }

  #found(detection: Detection, isTentative = false): void {
    const { detector } = detection
    this.#hits.set(detector, (this.#hits.get(detector) ?? 0) + 1)
    if (!isTentative && deservesAlert(this.#options.actions, detector)) {
      this.#follow(this.#alerts.raise(detection))
      this.#follow(this.#act(detection))
    } else {
      this.#record(detection)
    }
  }

  #record({ detector, at, sid, userId, fingerprint, evidence }: Detection): void {
    const told = `${evidence.tentative === true ? 'tentative ' : ''}${fingerprint}`
    const last = this.#recorded.get(told)
    if (last !== undefined && Math.abs(at - last) < minuteMs) return
    this.#recorded.set(told, at)
    this.#write({ at, sid, userId, origin: null, type: 'detector.hit', detector, alert: null, evidence })
  }

  #follow(work: Promise<unknown>): void {
    const done = work.catch(ignore).finally(() => this.#following.delete(done))
    this.#following.add(done)
  }

  /** Now and then: the counts go to the store, and what is over is removed. */
  #now(): void {
    this.#follow(inTime(this.#counts.flush()))
    const minute = Math.floor(this.#clock() / minuteMs)
    if (minute === this.#countedMinute) return
    this.#countedMinute = minute
    this.#follow(inTime(this.#takeNumber(minute)))
    const { store, windows = store } = this.#options
    this.#follow(inTime(keepHouse({ store, windows, retentionMs: this.#retentionMs }, this.#clock())))
  }

  async #takeNumber(minute: number): Promise<void> {
    if (!this.#sessions.listable) return
    await this.#options.store.put([{ name: 'sessions.active', minute, value: await this.#sessions.count() }])
  }
}

/** The watch itself is in trouble: what it should see may go unseen. */
function trouble(at: number, sink: string, what: 'dropped' | 'failed'): Detection {
  return {
    ...{ detector: 'trail-trouble', severity: 'alert', at, sid: null, userId: null, address: null },
    fingerprint: `trail-trouble ${sink}`,
    evidence: { sink, what },
  }
}

/** Takes out what must not be kept, for detectors keep it for a while; `null` when they may see everything. */
function hiding({ addresses, userAgents }: PrivacyOptions): ((origin: RequestOrigin) => RequestOrigin) | null {
  if (addresses !== 'off' && userAgents !== 'off') return null
  return ({ address, userAgent }) => ({
    address: addresses === 'off' ? null : address,
    userAgent: userAgents === 'off' ? null : userAgent,
  })
}

function inTime<T>(work: Promise<T>): Promise<T> {
  return within(systemTimers, storePatienceMs, work)
}

function ignore(): void {}
