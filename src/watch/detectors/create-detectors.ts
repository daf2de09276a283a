import { type KeyObject, randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Deadline } from '../../session/deadline.ts'
import { durationMs } from '../../session/duration.ts'
import type { SessionEvent, SessionUse } from '../../session/events.ts'
import { RecentMap } from '../../session/recent-map.ts'
import type { Agents } from '../agents.ts'
import type { Detection } from '../detection.ts'
import type { WatchEvent } from '../events.ts'
import type { Geo } from '../geo.ts'
import type { Privacy } from '../privacy.ts'
import type { Windows } from '../store.ts'
import { ask } from './ask.ts'
import type { Finding, Inquiry, Outcome, Signal, SignalDetectorName } from './detector.ts'
import { createFacts } from './facts.ts'
import { createLessons } from './lessons.ts'
import { type DetectorOptions, usualLearning } from './options.ts'
import { startDetectors } from './start-detectors.ts'
import { UseFilter } from './use-filter.ts'

/** What {@link createDetectors} needs. */
export interface DetectorSetup {
  /** Which detectors are off and how the others are tuned. */
  readonly options: DetectorOptions | undefined
  /** What they remember, on all nodes together. */
  readonly windows: Windows
  /** Where addresses are; `null` when nobody knows. */
  readonly geo: Geo | null
  readonly agents: Agents
  readonly privacy: Privacy
  /** HMAC key, the same on all nodes: nothing is remembered of addresses and users but keyed hashes. */
  readonly key: KeyObject
  /** Now, epoch ms. */
  readonly clock: () => number
  /**
   * Gets what was found. One thing that goes on is told again at most every ten seconds by a node, unless it gets worse. What is
   * tentative may well be the user, whom the watch does not know enough: it is for the trail, and no alert.
   */
  readonly found: (detection: Detection, isTentative: boolean) => void
  /** Gets what belongs into the trail and is no finding. */
  readonly tell: (event: WatchEvent) => void
  /** Hears that the windows failed, or that signals were lost; once until it works again. */
  readonly trouble: (error: unknown) => void
  /** Most signals that wait for the windows; more are lost and counted. Default 10,000. */
  readonly mostWaiting?: number
  /** How long the windows may take for an answer, ms. Default 2,000. */
  readonly patienceMs?: number
}

/** Detectors at work. Nothing here ever throws into a request or waits for a store. */
export interface Detectors {
  /** Something happened. */
  event(event: SessionEvent): void
  /** A request used a session. Costs well under a microsecond while nothing about the session is new. */
  use(use: SessionUse): void
  /** Resolves when everything until now was looked at, or lost. */
  flush(): Promise<void>
  /** Looks at what waits and stops. */
  close(): Promise<void>
  /** How it is going, on this node. */
  stats(): DetectorStats
}

/** Numbers since this process began. */
export interface DetectorStats {
  /** Signals that wait. */
  readonly waiting: number
  /** Signals that were lost, because the windows failed or were too slow. */
  readonly lost: number
}

/** Starts the detectors. Throws a `UsageError` that names the option and the fix. */
export function createDetectors(setup: DetectorSetup): Detectors {
  return new RunningDetectors(setup)
}

/** Signals of one batch. A store that works synchronously holds up requests for as long as a batch takes. */
const mostAtOnce = 200
/** Questions that follow from answers: more than this is a mistake of a detector. */
const mostRounds = 4
/** Far below the second within which somebody should know, and long enough for many signals to share a transaction. */
const momentMs = 20
const quietMs = 10_000

class RunningDetectors implements Detectors {
  readonly #setup: DetectorSetup
  readonly #looks: ReturnType<typeof startDetectors>
  readonly #lessons: ReturnType<typeof createLessons>
  /** Signals that a detector found something in that is not tentative. */
  readonly #suspicious = new WeakSet<Signal>()
  readonly #filter = new UseFilter()
  readonly #deadline: Deadline
  readonly #mostWaiting: number
  readonly #toldAt = new RecentMap<number>(10_000)
  #waiting: Signal[] = []
  #work: Promise<void> | null = null
  #lost = 0
  #isTroubled = false
  #isHurried = false
  #endMoment: () => void = () => {}
  #isClosed = false

  constructor(setup: DetectorSetup) {
    const { key, agents, geo, options } = setup
    this.#setup = setup
    const facts = createFacts({
      ...{ key, agents, geo, relays: options?.relays ?? [] },
      learningMs: durationMs(options?.learning ?? usualLearning, 'detectors.learning'),
      hidesAgents: setup.privacy.userAgent('Mozilla/5.0') === null,
      node: randomBytes(8).toString('base64url'),
      trouble: error => this.#troubled(error),
    })
    this.#looks = startDetectors(options, facts)
    this.#lessons = createLessons(facts)
    this.#deadline = new Deadline(setup.patienceMs ?? 2_000)
    this.#mostWaiting = setup.mostWaiting ?? 10_000
  }

  event(event: SessionEvent): void {
    if (this.#looks.has(event.type)) this.#take(event)
  }

  use(use: SessionUse): void {
    try {
      const used = this.#filter.pass(use)
      if (used) this.#take(used)
    } catch (error) {
      this.#troubled(error)
    }
  }

  async flush(): Promise<void> {
    this.#isHurried = true
    this.#endMoment()
    while (this.#work) await this.#work
    this.#isHurried = false
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.flush()
  }

  stats(): DetectorStats {
    return { waiting: this.#waiting.length, lost: this.#lost }
  }

  #take(signal: Signal): void {
    if (this.#isClosed) return
    if (this.#waiting.length >= this.#mostWaiting) {
      this.#lost += 1
      // An error is not made for each of a million.
      if (!this.#isTroubled) this.#troubled(new Error('More happens than the windows of the detectors take.'))
      return
    }
    this.#waiting.push(signal)
    this.#work ??= this.#drain().finally(() => {
      this.#work = null
    })
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#moment()
      const batch = this.#waiting.splice(0, mostAtOnce)
      try {
        await this.#look(batch)
        this.#isTroubled = false
        await this.#learn(batch)
      } catch (error) {
        // Whoever waits for the end does not wait for each batch to fail.
        const given = this.#isHurried ? this.#waiting.splice(0).length : 0
        this.#lose(batch.length + given, error)
      }
    }
  }

  /** What happens in one moment is asked together: a transaction costs more than what is written in it. Requests come in between. */
  async #moment(): Promise<void> {
    if (this.#isHurried || this.#waiting.length >= mostAtOnce) return nextTurn()
    await new Promise<void>(resolve => {
      this.#endMoment = resolve
      setTimeout(resolve, momentMs).unref()
    })
  }

  async #look(batch: readonly Signal[]): Promise<void> {
    let open: Question[] = []
    for (const signal of batch) {
      for (const { name, look } of this.#looks.get(signal.type) ?? []) {
        this.#settle({ name, signal }, () => look(signal), open)
      }
    }
    for (let round = 0; round < mostRounds && open.length > 0; round += 1) {
      const asked = open
      open = []
      const answers = await ask(
        this.#setup.windows,
        asked.map(({ inquiry }) => inquiry),
        this.#deadline,
      )
      for (const [index, question] of asked.entries()) {
        const held = answers[index]
        if (held) this.#settle(question, () => question.inquiry.judge(held), open)
      }
    }
  }

  /** Nothing is lost of what was judged already when it cannot be learned from. */
  async #learn(batch: readonly Signal[]): Promise<void> {
    try {
      const see = batch.flatMap(signal => this.#lessons(signal, this.#suspicious.has(signal)))
      if (see.length > 0) await ask(this.#setup.windows, [{ see, judge: () => null }], this.#deadline)
    } catch (error) {
      this.#troubled(error)
    }
  }

  /** Takes what came out to where it belongs. A detector that throws harms only itself. */
  #settle({ name, signal }: Asking, work: () => Outcome, open: Question[]): void {
    try {
      const outcome = work()
      if (outcome === null) return
      if ('judge' in outcome) open.push({ name, signal, inquiry: outcome })
      else if ('type' in outcome) this.#setup.tell(outcome)
      else if (name !== null) {
        if (!outcome.isTentative) this.#suspicious.add(signal)
        this.#report(name, outcome)
      }
    } catch (error) {
      this.#troubled(error)
    }
  }

  #report(detector: SignalDetectorName, finding: Finding): void {
    const { severity, subject, at, sid, userId, origin, evidence, isTentative = false } = finding
    const fingerprint = `${detector}:${subject}`
    const told = `${isTentative ? 'tentative' : severity} ${fingerprint}`
    const now = this.#setup.clock()
    const before = this.#toldAt.get(told)
    // Not so the other way round: a clock that was set back must not silence anything.
    if (before !== undefined && now >= before && now - before < quietMs) return
    this.#toldAt.set(told, now)
    const address = this.#setup.privacy.address(origin?.address ?? null)
    const detection = { detector, at, severity, sid, userId, address, fingerprint }
    this.#setup.found(
      { ...detection, evidence: isTentative ? { ...evidence, tentative: true } : evidence },
      isTentative,
    )
  }

  #lose(count: number, error: unknown): void {
    this.#lost += count
    this.#troubled(error)
  }

  #troubled(error: unknown): void {
    if (this.#isTroubled) return
    this.#isTroubled = true
    try {
      this.#setup.trouble(error)
    } catch {}
  }
}

/** Who asks, and about what. */
interface Asking {
  readonly name: SignalDetectorName | null
  readonly signal: Signal
}

interface Question extends Asking {
  readonly inquiry: Inquiry
}
