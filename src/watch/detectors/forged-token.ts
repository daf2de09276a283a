import type { Duration } from '../../session/duration.ts'
import { durationMs } from '../../session/duration.ts'
import type { AccessTokenFault } from '../../session/events.ts'
import type { Detector } from './detector.ts'
import { rate } from './rate.ts'

/** How forged tokens are recognised. */
export interface ForgedTokenTuning {
  /** So many different tokens that somebody made or changed, from one address… */
  readonly most: number
  /** …or so many refusals of access tokens that somebody made or changed… */
  readonly mostAccess: number
  /** …in this time. */
  readonly within: Duration
}

/** Few tokens, made by hand: flipped bits, foreign signatures, JWT tricks. */
export const forgedToken: Detector<ForgedTokenTuning> = {
  name: 'forged-token',
  sees:
    'One address that presents a few different tokens which somebody made or changed: session tokens that name a key of ours and ' +
    'were never issued, and access tokens with a foreign or no signature, of another kind, or malformed. It is slower than guessing, and usually ' +
    'a person.',
  falseAlarms:
    'An API client that was configured with the token of another service. Old cookies, of a secret that was removed, do not count.',
  tuning: 'Raise `mostAccess` while several services that share a host change their keys.',
  defaults: { most: 3, mostAccess: 5, within: '10m' },
  hears: ['token.forged', 'access-token.refused'],
  start({ most, mostAccess, within }, { spot }) {
    const withinMs = durationMs(within, 'within')
    const limit = Math.min(256, Math.ceil(most))
    return signal => {
      if (!signal.origin) return null
      const { at, sid, userId, origin } = signal
      const { address, agentText } = spot(origin)
      const subject = address ?? 'unknown'
      // Where addresses are not to be known, all clients would look like one.
      const client = address ?? `unknown:${agentText ?? ''}`
      const finding = { severity: 'warning', subject, at, sid, userId, origin } as const
      if (signal.type === 'token.forged' && signal.key === 'ours') {
        const member = signal.token.slice(0, 64)
        return {
          see: [{ key: `forged-token:${client}`, member, at, windowMs: withinMs, most: limit }],
          judge({ seen: [tokens = []] }) {
            return tokens.length < limit ? null : { ...finding, evidence: { kind: 'session', tokens: tokens.length } }
          },
        }
      }
      if (signal.type !== 'access-token.refused' || !made.has(signal.reason)) return null
      const refused = rate(`forged-token:access:${client}`, 1, at, withinMs)
      return {
        tally: refused.tally,
        judge({ counts }) {
          const tokens = Math.round(refused.of(counts))
          return tokens < mostAccess ? null : { ...finding, evidence: { kind: 'access', tokens, fault: signal.reason } }
        },
      }
    }
  },
}

/** Expired, ended and incomplete access tokens are what honest clients have; these are not. */
const made: ReadonlySet<AccessTokenFault> = new Set<AccessTokenFault>(['untrusted', 'malformed', 'misplaced'])
