import type { Duration } from '../../session/duration.ts'
import { durationMs } from '../../session/duration.ts'
import type { Detector } from './detector.ts'
import { acquaintance } from './same-person.ts'
import { type PastSpot, type SpotHistory, sessionSpots } from './session-spots.ts'
import { agentChange, isMediaPlayer, isOtherCountry, isSameNetwork, type Spot } from './spot.ts'

/** How a session in two places is recognised. */
export interface TwoPlacesTuning {
  /** How often it must come back to a place that it left, when the browser is the same and the networks are in one country… */
  readonly returns: number
  /** …or in two countries, or in one network, where a phone asks for the desktop page and back… */
  readonly returnsAbroad: number
  /** …in this time. For two different browsers one return is enough. */
  readonly within: Duration
}

/** One session, two users at the same time: there, elsewhere, and there again. */
export const twoPlaces: Detector<TwoPlacesTuning> = {
  name: 'two-places',
  sees:
    'A session of a signed-in user that goes to and fro between two places. Somebody who moves is somewhere else from then on; owner and thief ' +
    'together jump back and forth. Between two different browsers, or two versions of one in two networks, one return is enough; between two ' +
    'networks, or a phone’s page and the desktop page in one network, it takes more, and networks that the user has been coming from for longer ' +
    'than a day, or a carrier’s network beside another one in the same country, say nothing: that is a phone at the edge of a wireless network. ' +
    'With one browser it is only written down while the watch is getting to know the user.',
  falseAlarms:
    'On the first day in a network: a VPN that connects and breaks down again and again, and an office with lines of two providers. A phone at ' +
    'the edge of a wireless network, while too few people sign in to tell carriers from other networks. Somebody who asks for the desktop page ' +
    'and back, again and again. Without a database of autonomous systems also a carrier that sends one phone through far-apart addresses.',
  tuning:
    'Raise `returns` when your people use the service on trains. Give the watch a database (`geo`): with it all addresses of one ' +
    'autonomous system are one network. Name relays of your own in `relays`.',
  defaults: { returns: 7, returnsAbroad: 3, within: '10m' },
  hears: ['session.used'],
  start({ returns, returnsAbroad, within }, facts) {
    const withinMs = durationMs(within, 'within')
    return signal => {
      if (signal.type !== 'session.used' || signal.userId === null) return null
      const { at, sid, userId, origin } = signal
      const spots = sessionSpots(signal, facts)
      return {
        see: [spots.sighting],
        judge({ seen: [seen = []] }) {
          const history = spots.read(seen)
          const between = returnedFrom(history, at - withinMs)
          if (!between) return null
          const { now } = history
          const change = agentChange(between.spot, now)
          // Here older than there: with two versions at once it is not one browser either.
          const isOtherAgent = change === 'other' || (change === 'set-back' && isFar(between.spot, now))
          const evidence = {
            here: facts.browserOf(now),
            there: facts.browserOf(between.spot),
            countries: [now.country ?? '?', between.spot.country ?? '?'],
          }
          const finding = { severity: 'alert', subject: sid, at, sid, userId, origin, evidence } as const
          if (isOtherAgent) return { ...finding, evidence: { ...evidence, returns: 1 } }
          // One return, however many nodes see it and however long it lasts: known by where else it was last, and when.
          const isPage = !isFar(between.spot, now)
          const member = `${between.lastAt.toString(36)} ${between.spot.near ?? ''}${isPage ? ' page' : ''}`
          const most = Math.ceil(Math.max(returns, returnsAbroad))
          return {
            see: [{ key: `two-places:${sid}`, member, at, windowMs: withinMs, most: Math.min(256, most) }],
            judge({ seen: [times = []] }) {
              const isStrange = isPage || isOtherCountry(between.spot, now)
              if (times.length < (isStrange ? returnsAbroad : returns)) return null
              const counted = { ...finding, evidence: { ...evidence, returns: times.length } }
              // In one network it is the browser that goes to and fro, which no edge of a network explains.
              if (isPage) return counted
              return acquaintance({ userId, at }, now, between.spot, facts, known => {
                if (known.isSettled || known.isPhone) return null
                return { ...counted, isTentative: known.isTentative }
              })
            },
          }
        },
      }
    }
  },
}

/** The place where the session was between two uses from where it is now; `null` when it did not come back from anywhere. */
function returnedFrom({ now, firstAt, others }: SpotHistory, since: number): PastSpot | null {
  const isApart = ({ spot }: PastSpot) => {
    const change = agentChange(spot, now)
    // Who asks for the desktop page does not do so again and again. What plays films does.
    const isOtherPage = change === 'in-other-words' && !isMediaPlayer(spot) && !isMediaPlayer(now)
    return change === 'other' || isOtherPage || isFar(spot, now)
  }
  const between = others.find(isApart)
  if (!between || between.lastAt < since) return null
  const hereSince = Math.min(firstAt, ...others.filter(other => !isApart(other)).map(other => other.firstAt))
  return hereSince < between.lastAt ? between : null
}

/**
 * Without a database neighbouring networks are taken for one, because carriers and companies have many. A carrier's customer
 * keeps one address of them for a while (RFC 6888 REQ-2), or there would be no telling.
 */
function isFar(a: Spot, b: Spot): boolean {
  const isKnown = a.asn !== null && b.asn !== null
  return !isSameNetwork(a, b) && (isKnown || a.wide !== b.wide)
}
