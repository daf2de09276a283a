import { type RiskCounts, type RiskLevel, riskScore } from '../risk.ts'
import type { Count } from '../store.ts'
import type { Detector } from './detector.ts'
import { isProgram, type Spot } from './spot.ts'

/** How risky sign-ins are recognised. */
export interface RiskySignInTuning {
  /** The score from which on a sign-in is risky. */
  readonly score: number
  /** So many sign-ins of the user are needed to know them. */
  readonly leastOfUser: number
  /** So many sign-ins of all users are needed to know the crowd. */
  readonly leastOfAll: number
}

/**
 * Thieves sign in by programs far more often than people who never did before. The paper has a term for it, the likelihood of an attack
 * given a value, which nobody knows here but for this one.
 */
const weightOfPrograms = 4

/** Months; who was away for longer begins anew. */
const forgetAfterMs = 180 * 24 * 3_600_000

/** The password was right, but everything else is somebody else's. */
export const riskySignIn: Detector<RiskySignInTuning> = {
  name: 'risky-sign-in',
  sees:
    'A sign-in that succeeded and is unlike this user: the likelihood of its network and its browser among all users, by their ' +
    'likelihood for this user (Freeman et al., NDSS 2016). A new country alone, a new phone alone, an update alone are not enough: ' +
    'it takes a browser and a country that are both new, or nearly. A program that is no browser weighs four times as much.',
  falseAlarms: 'The first sign-in with a new phone, abroad; the first with a new app there.',
  tuning:
    'Needs a database of countries and autonomous systems (`geo`): without one the score rarely gets so high. A lower `score` and ' +
    '`leastOfUser` judge people sooner, of whom little is known.',
  defaults: { score: 80, leastOfUser: 6, leastOfAll: 50 },
  hears: ['session.signed-in'],
  start({ score: least, leastOfUser, leastOfAll }, facts) {
    return signal => {
      const { at, sid, userId, origin } = signal
      if (userId === null || !origin) return null
      const spot = facts.spot(origin)
      const chains = featuresOf(spot)
      return {
        tally: questions(facts.hash('user', userId), chains, at),
        judge({ counts }) {
          const known = riskCounts(chains, counts)
          const weight = isProgram(spot) ? weightOfPrograms : 1
          if (known.user < leastOfUser / weight || known.all < leastOfAll || !isUnlikeInBoth(known)) return null
          const score = riskScore(known) * weight
          if (score < least) return null
          const evidence = {
            score: Math.round(score),
            signInsOfUser: known.user,
            new: newFeatures(chains, known),
            agent: facts.browserOf(spot),
            country: spot.country,
          }
          return { severity: 'warning', subject: sid ?? 'unknown', at, sid, userId, origin, evidence }
        },
      }
    }
  },
}

/** A value of this sign-in. Values contain the wider ones, so that the same browser on two systems is two. */
interface Feature {
  readonly name: string
  readonly value: string
  readonly change: number
}

function featuresOf(spot: Spot): readonly (readonly Feature[])[] {
  const { country, asn, near, address, agent, agentText } = spot
  const feature = (name: string, change: number, value: string | number | null) =>
    value === null ? [] : [{ name, change, value: String(value) }]
  const os = agent && `${agent.os ?? '?'} ${agent.device ?? '?'}`
  return [
    [
      ...feature('country', 0.5, country),
      ...feature('as', 5, asn === null ? null : `${country ?? '?'} ${asn}`),
      ...feature('network', 5, near),
      ...feature('address', 10, address),
    ],
    [
      ...feature('system', 1, os),
      ...feature('browser', 1, agent && `${os} ${agent.browser ?? '?'}`),
      ...feature('agent', 10, agentText),
    ],
  ]
}

/** Each counter is asked and added to in one step: what it was before is what is known of the user until now. */
function questions(user: string, chains: readonly (readonly Feature[])[], at: number): Count[] {
  const count = (key: string): Count => ({ key: `risk:${key}`, by: 1, at, forgetAfterMs })
  const features = chains
    .flat()
    .flatMap(({ name, value }) => [count(`${user}:${name}:${value}`), count(`all:${name}:${value}`)])
  return [count(user), count('all'), ...features]
}

function riskCounts(chains: readonly (readonly Feature[])[], counts: readonly number[]): RiskCounts {
  const [user = 0, all = 0, ...rest] = counts
  let next = 0
  const read = () => {
    const count = rest[next] ?? 0
    next += 1
    return count
  }
  return { user, all, chains: chains.map(chain => chain.map(({ change }) => ({ user: read(), all: read(), change }))) }
}

/**
 * A new carrier and a new phone together score as high as a thief abroad, and everybody has such a day. So it takes both: the widest
 * that is known of where they are, and their browser, seldom or never seen.
 */
function isUnlikeInBoth({ user, chains: [place = [], client = []] }: RiskCounts): boolean {
  const isRare = (level: RiskLevel | undefined) => level !== undefined && level.user * 50 <= user
  return isRare(place[0]) && isRare(client[1] ?? client[0])
}

function newFeatures(chains: readonly (readonly Feature[])[], known: RiskCounts): string[] {
  const levels = known.chains.flat()
  return chains.flat().flatMap(({ name }, index) => (levels[index]?.user === 0 ? [name] : []))
}
