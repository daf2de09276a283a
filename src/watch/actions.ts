import { UsageError } from '../errors.ts'
import { RecentMap } from '../session/recent-map.ts'
import { sentences } from './alert-text.ts'
import type { Action, Detection, DetectorName } from './detection.ts'
import type { WatchEvent, WatchEventDetail } from './events.ts'
import { pause, pauseAfter, systemTimers, type Timers } from './timers.ts'

/** What actions need of sessions. */
export interface ActingSessions {
  /** Whether sessions can be ended from elsewhere; see `Sessions.revocable`. */
  readonly revocable: boolean
  /** Ends a session; resolves to whether it was alive. */
  end(sid: string): Promise<boolean>
  /** Asks a session's user to prove again who they are; resolves to whether it was alive. */
  lock(sid: string): Promise<boolean>
  /** A live session, or `null`. */
  find(sid: string): Promise<unknown>
}

/** What {@link createActions} works with. */
export interface ActionsParts {
  /** The policy; `alert` for every detector that is not in it. */
  readonly actions: Partial<Readonly<Record<DetectorName, Action>>> | undefined
  /** Tell what would be done and do nothing. */
  readonly dryRun: boolean
  /** Whose sessions. */
  readonly sessions: ActingSessions
  /** Now, epoch ms. */
  readonly clock: () => number
  /** Writes an event down. */
  readonly tell: (event: WatchEvent) => void
  /** Default: the real ones. */
  readonly timers?: Timers
}

const ranks: Record<Action, number> = { record: 0, alert: 1, reauthenticate: 2, end: 3 }

/** Detectors go on hitting while an action is under way, and for requests that were; that is one action. */
const sameMomentMs = 10_000
const mostRemembered = 10_000
const mostTries = 4
const firstPauseMs = 250
const longestPauseMs = 2_000

/** What the policy says about a detector. */
export function actionFor(actions: ActionsParts['actions'], detector: DetectorName): Action {
  return actions?.[detector] ?? 'alert'
}

/** Whether a detector's findings become alerts. All are in the trail. */
export function deservesAlert(actions: ActionsParts['actions'], detector: DetectorName): boolean {
  return ranks[actionFor(actions, detector)] >= ranks.alert
}

/**
 * Makes the function that does about a detection what the policy says, and tells the outcome. It never rejects, and
 * what failed is tried a few times: a session that is to end must not live on because the store was away for a moment.
 *
 * Throws a `UsageError` for a policy that names no detector or no action, that acts on sessions that cannot be ended,
 * or on what every stranger can cause in somebody else's session.
 */
export function createActions(parts: ActionsParts): (detection: Detection) => Promise<void> {
  const { actions, dryRun, sessions, clock, tell, timers = systemTimers } = parts
  assertSound(parts)
  const acted = new RecentMap<number>(mostRemembered)

  async function carryOut(action: 'reauthenticate' | 'end', sid: string): Promise<Outcome> {
    for (let tries = 1; ; tries += 1) {
      try {
        if (dryRun) return (await sessions.find(sid)) === null ? 'nothing-to-do' : 'dry-run'
        return (await (action === 'end' ? sessions.end(sid) : sessions.lock(sid))) ? 'done' : 'nothing-to-do'
      } catch (error) {
        if (tries === mostTries || error instanceof UsageError) return 'failed'
        await pause(timers, pauseAfter(tries, firstPauseMs, longestPauseMs))
      }
    }
  }

  return async detection => {
    const { detector, sid, userId } = detection
    const action = actionFor(actions, detector)
    if (action !== 'reauthenticate' && action !== 'end') return
    // Without a session one key serves the whole detector: an attack must not fill the trail with what was not done
    // about it.
    const key = `${action} ${sid ?? detector}`
    const last = acted.get(key)
    if (last !== undefined && Math.abs(clock() - last) < sameMomentMs) return
    acted.set(key, clock())
    const outcome = sid === null ? 'nothing-to-do' : await carryOut(action, sid)
    if (outcome === 'failed') acted.delete(key)
    tell({ at: clock(), sid, userId, origin: null, type: 'action.taken', detector, action, outcome })
  }
}

type Outcome = Extract<WatchEventDetail, { type: 'action.taken' }>['outcome']

function assertSound({ actions = {}, sessions }: ActionsParts): void {
  for (const [detector, action] of Object.entries(actions)) {
    if (!Object.hasOwn(sentences, detector))
      throw new UsageError(
        `actions.${detector}: there is no such detector. There are ${Object.keys(sentences).join(', ')}.`,
      )
    if (!Object.hasOwn(ranks, action))
      throw new UsageError(
        `actions['${detector}'] is ${JSON.stringify(action)}: write 'record', 'alert', 'reauthenticate' or 'end'.`,
      )
    if (ranks[action] > ranks.alert && detector === 'csrf-probing')
      throw new UsageError(
        `actions['csrf-probing'] is '${action}': any page on the web could sign your users out by sending forged requests from their browsers. Write 'alert'.`,
      )
    if (ranks[action] > ranks.alert && !sessions.revocable)
      throw new UsageError(
        `actions['${detector}'] is '${action}', but these sessions cannot be ended from elsewhere: pass sealedStore({ revocations: … }) a store, or write 'alert'.`,
      )
  }
}
