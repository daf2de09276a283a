import type { Duration } from '../../session/duration.ts'
import { durationMs } from '../../session/duration.ts'
import type { Detector, Signal } from './detector.ts'
import { rate } from './rate.ts'
import { subjectOf } from './subject.ts'

/** How forged requests are recognised. */
export interface CsrfProbingTuning {
  /** So many requests of one client (address and user agent) that the CSRF defence refused… */
  readonly most: number
  /** …or so many clients that another site sent here, in {@link clientsWithin}… */
  readonly mostClients: number
  /** …or so many refusals from everywhere, of which most were too many to be told one by one… */
  readonly mostEverywhere: number
  /** …in this time. */
  readonly within: Duration
  /** For how long such clients are counted: at night a trap waits longer for its visitors. */
  readonly clientsWithin: Duration
}

/** Somebody looks for a door that takes forged requests, or a page somewhere sends people’s browsers here. */
export const csrfProbing: Detector<CsrfProbingTuning> = {
  name: 'csrf-probing',
  sees:
    'One client whose requests are refused again and again as forged, which is somebody who tries; and several clients that the same ' +
    'thing happens to with requests from another site, which is a trap that works on your people.',
  falseAlarms:
    'A page of yours that forgot the CSRF token; a payment service that posts back to you, until you put its path into `csrf.exempt`; ' +
    'a tab from before the last sign-in, once.',
  tuning: 'Mend the page or exempt the path. Raise `most` while you roll the defence out with `insecureReportOnly`.',
  defaults: { most: 5, mostClients: 5, mostEverywhere: 2_000, within: '10m', clientsWithin: '1h' },
  hears: ['request.refused', 'events.suppressed'],
  start({ most, mostClients, mostEverywhere, within, clientsWithin }, facts) {
    const withinMs = durationMs(within, 'within')
    const clientsWithinMs = durationMs(clientsWithin, 'clientsWithin')
    return signal => {
      const { at, sid, userId, origin } = signal
      const everybody = { severity: 'alert', at, sid: null, userId: null, origin: null } as const
      if (signal.type === 'events.suppressed' && signal.suppressed === 'request.refused') {
        const all = rate('csrf-probing:everywhere', signal.count, at, withinMs)
        return {
          tally: all.tally,
          judge({ counts }) {
            const refusals = Math.round(all.of(counts))
            if (refusals < mostEverywhere) return null
            return { ...everybody, severity: 'warning', subject: 'everywhere', evidence: { refusals } }
          },
        }
      }
      if (!isForged(signal) || !origin) return null
      const { address, agentText } = facts.spot(origin)
      // Where addresses are not to be known, all clients would look like one.
      const client = address === null ? sid : `${address}:${agentText ?? ''}`
      if (client === null) return null
      const refused = rate(`csrf-probing:${client}`, 1, at, withinMs)
      const isCrossSite = signal.type === 'request.refused' && signal.reason === 'csrf-cross-site'
      const seen = {
        key: 'csrf-probing:clients',
        member: client,
        at,
        windowMs: clientsWithinMs,
        most: Math.min(256, mostClients),
      }
      return {
        tally: refused.tally,
        see: isCrossSite ? [seen] : [],
        judge({ counts, seen: [clients = []] }) {
          const requests = Math.round(refused.of(counts))
          if (requests >= most) {
            const subject = address ?? subjectOf(signal, facts)
            return { severity: 'alert', subject, at, sid, userId, origin, evidence: { requests } }
          }
          if (clients.length < mostClients) return null
          return { ...everybody, subject: 'other-site', evidence: { clients: clients.length } }
        },
      }
    }
  },
}

function isForged(signal: Signal): boolean {
  return signal.type === 'request.refused' && signal.reason.startsWith('csrf-')
}
