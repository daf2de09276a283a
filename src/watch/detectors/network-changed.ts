import type { Duration } from '../../session/duration.ts'
import { durationMs } from '../../session/duration.ts'
import type { Detector } from './detector.ts'
import { sessionSpots } from './session-spots.ts'
import { agentChange, isOtherCountry, isSameNetwork, type Spot } from './spot.ts'

/** How a changed network is judged. */
export interface NetworkChangedTuning {
  /** Within this time since its last use a browser is not updated and taken to another network as well. */
  readonly within: Duration
}

/** People change networks all day. With the browser at the same moment they do not. */
export const networkChanged: Detector<NetworkChangedTuning> = {
  name: 'network-changed',
  sees:
    'A session of a signed-in user that changes network and browser in one step: another autonomous system in another country (without a database: ' +
    'another /16, or /32 of IPv6) and another user agent, be it only its version, shortly after it was used where it was ' +
    'before. A network that changes alone is written down as `session.seen-elsewhere` and is no alert.',
  falseAlarms: 'A browser that updates itself while a VPN connects or a phone leaves a wireless network.',
  tuning:
    'Without a database it cannot tell a VPN next door from one far away; a shorter `within` makes it quieter, a longer one ' +
    'catches thieves who wait.',
  defaults: { within: '15m' },
  hears: ['session.used'],
  start({ within }, facts) {
    const withinMs = durationMs(within, 'within')
    return signal => {
      if (signal.type !== 'session.used' || signal.userId === null) return null
      const { at, sid, userId, origin } = signal
      const spots = sessionSpots(signal, facts)
      return {
        see: [spots.sighting],
        judge({ seen: [seen = []] }) {
          const { now, isNew, others } = spots.read(seen)
          const [last] = others
          if (!isNew || !last || others.some(({ spot }) => !isElsewhere(spot, now))) return null
          const changes = others.map(({ spot }) => agentChange(spot, now))
          if (changes.includes('none')) return null
          const isOther = changes.every(change => change === 'other' || change === 'in-other-words')
          if (!isOther && at - last.lastAt > withinMs) return null
          const evidence = {
            before: facts.browserOf(last.spot),
            now: facts.browserOf(now),
            networks: [networkName(last.spot), networkName(now)],
            minutesSince: Math.round((at - last.lastAt) / 60_000),
          }
          return { severity: isOther ? 'alert' : 'warning', subject: sid, at, sid, userId, origin, evidence }
        },
      }
    }
  },
}

function isElsewhere(a: Spot, b: Spot): boolean {
  if (isSameNetwork(a, b)) return false
  const isLocated = a.country !== null && b.country !== null
  return isLocated ? isOtherCountry(a, b) : a.wide !== b.wide
}

function networkName({ asn, country }: Spot): string {
  return asn === null ? (country ?? 'unknown') : `AS${asn} ${country ?? ''}`.trim()
}
