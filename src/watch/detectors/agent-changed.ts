import type { Detector } from './detector.ts'
import { sessionSpots } from './session-spots.ts'
import { agentChange, isSameNetwork } from './spot.ts'

/** How a changed user agent is judged. */
export interface AgentChangedTuning {
  /**
   * Whether an older version of the same browser counts, when the network changed with it: browsers are not set back, and a thief
   * often has the same browser in another version. Default `true`.
   */
  readonly setBack: boolean
}

/** A session does not move from one browser to another by itself (CS-T1: meaning, not bytes). */
export const agentChanged: Detector<AgentChangedTuning> = {
  name: 'agent-changed',
  sees:
    'A session of a signed-in user whose user agent means something else than before: another browser, operating system or kind of device; or an ' +
    'older version of the same browser from another network. Cookies do not move from browser to browser, so somebody copied ' +
    'them. An update of the browser is none, however the text changes; and a guest’s cookie is worth nothing to a thief.',
  falseAlarms:
    'Developers who switch to another device in their browser’s tools; extensions that change the user agent now and then. ' +
    'A phone that asks for the desktop page is recognised and left alone while it stays in its network, and so are the ' +
    'programs that fetch films and files with the browser’s cookies. A program that signs in with one HTTP library and calls with another.',
  tuning: 'Set `setBack: false` when people switch between release channels of a browser that share a profile.',
  defaults: { setBack: true },
  hears: ['session.used'],
  start:
    ({ setBack }, facts) =>
    signal => {
      if (signal.type !== 'session.used' || signal.userId === null) return null
      const { at, sid, userId, origin } = signal
      const spots = sessionSpots(signal, facts)
      return {
        see: [spots.sighting],
        judge({ seen: [seen = []] }) {
          const { now, isNew, others } = spots.read(seen)
          if (!isNew || now.agent === null) return null
          const before = others.filter(({ spot }) => spot.agent !== null)
          const [last] = before
          if (!last) return null
          const changes = before.map(({ spot }) => ({
            change: agentChange(spot, now),
            moved: !isSameNetwork(spot, now),
          }))
          // What the session was before, it may be again: only what fits none of its places is new.
          const isKnown = changes.some(
            ({ change, moved }) =>
              change === 'none' ||
              change === 'updated' ||
              (change === 'in-other-words' && !moved) ||
              (change === 'set-back' && !(setBack && moved)),
          )
          if (isKnown) return null
          const evidence = {
            before: facts.browserOf(last.spot),
            now: facts.browserOf(now),
            networkChanged: !isSameNetwork(last.spot, now),
          }
          return { severity: 'alert', subject: sid, at, sid, userId, origin, evidence }
        },
      }
    },
}
