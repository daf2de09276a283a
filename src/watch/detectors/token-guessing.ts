import type { Duration } from '../../session/duration.ts'
import { durationMs } from '../../session/duration.ts'
import type { Detector, Finding, Inquiry } from './detector.ts'
import { rate } from './rate.ts'

/** How guessing of tokens is recognised. */
export interface TokenGuessingTuning {
  /** So many different made-up tokens from one address that name a key of ours, as only somebody does who saw a token… */
  readonly most: number
  /** …or so many of those from all addresses together… */
  readonly mostTogether: number
  /** …or so many different keys that tokens from all addresses name and that are none of ours… */
  readonly mostKeys: number
  /** …or so many different tokens from one address that name no key of ours, as old cookies do. At most 256, all of them… */
  readonly mostUnknown: number
  /** …or so many from everywhere that were too many to be told one by one… */
  readonly mostEverywhere: number
  /** …in this time. */
  readonly within: Duration
}

/** Somebody tries tokens in bulk (CS-S6). */
export const tokenGuessing: Detector<TokenGuessingTuning> = {
  name: 'token-guessing',
  sees:
    'A burst of different tokens that this server never issued, from one address, or from so many together that no address stands ' +
    'out. No guess can be right: a token carries a tag of 128 bits. But somebody tries. A few are enough when they name a key of ours, ' +
    'which nobody does by mistake, or many different keys: old cookies name the one or two secrets that were removed. The same wrong ' +
    'token again and again is one token.',
  falseAlarms:
    'A school behind one address, on the morning after a server secret was removed while all its browsers hold tokens under it; ' +
    'two applications on one host with the same cookie name.',
  tuning:
    'Keep an old secret in `secrets` for as long as sessions live. Behind a proxy that hides its clients set `trustProxy`; ' +
    'where that is impossible, raise `mostUnknown`. Raise `mostKeys` when another application on the host uses the same cookie name.',
  defaults: { most: 5, mostTogether: 8, mostKeys: 8, mostUnknown: 40, mostEverywhere: 300, within: '1m' },
  hears: ['token.forged', 'events.suppressed'],
  start({ most, mostTogether, mostKeys, mostUnknown, mostEverywhere, within }, { spot }) {
    const withinMs = durationMs(within, 'within')
    const seconds = withinMs / 1_000
    const limitOf = (number: number) => Math.min(256, Math.ceil(number))
    const everywhere = (at: number, evidence: Finding['evidence']): Finding => ({
      ...{ severity: 'alert', subject: 'everywhere', at, sid: null, userId: null, origin: null },
      evidence: { ...evidence, seconds, from: 'many addresses' },
    })
    const inBulk = (by: number, at: number): Inquiry => {
      const all = rate('token-guessing:everywhere', by, at, withinMs)
      return {
        tally: all.tally,
        judge({ counts }) {
          const tokens = Math.round(all.of(counts))
          return tokens < mostEverywhere ? null : everywhere(at, { tokens })
        },
      }
    }
    return signal => {
      const { at, origin } = signal
      if (signal.type === 'events.suppressed') {
        return signal.suppressed === 'token.forged' ? inBulk(signal.count, at) : null
      }
      if (signal.type !== 'token.forged') return null
      const isOurs = signal.key === 'ours'
      const address = (origin && spot(origin).address) ?? 'unknown'
      const [fromHere, together] = [limitOf(isOurs ? most : mostUnknown), limitOf(isOurs ? mostTogether : mostKeys)]
      const member = signal.token.slice(0, 64)
      return {
        see: [
          { key: `token-guessing:${signal.key}:${address}`, member, at, windowMs: withinMs, most: fromHere },
          {
            ...{ key: `token-guessing:${signal.key}`, at, windowMs: withinMs, most: together },
            member: isOurs ? member : signal.named.slice(0, 64),
          },
        ],
        judge({ seen: [tokens = [], all = []] }) {
          if (tokens.length >= fromHere) {
            const evidence = { tokens: tokens.length, seconds, key: signal.key }
            return { severity: 'alert', subject: address, at, sid: null, userId: null, origin, evidence }
          }
          if (all.length < together) return null
          return everywhere(at, isOurs ? { tokens: all.length } : { keys: all.length })
        },
      }
    }
  },
}
