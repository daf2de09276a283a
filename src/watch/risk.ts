/**
 * How unlike a user a sign-in is, after Freeman, Jain, Dürmuth, Biggio and Giacinto, "Who Are You? A Statistical Approach to
 * Measuring User Authenticity" (NDSS 2016): the likelihood of this network and this browser among all users, by their likelihood
 * for this user.
 */

/** What is known of one feature of a sign-in, for example its country. */
export interface RiskLevel {
  /** How many earlier sign-ins of this user had the same value. */
  readonly user: number
  /** How many earlier sign-ins of all users had it. */
  readonly all: number
  /**
   * How readily honest people turn up with a new value: as many sign-ins as it takes until their own history weighs as much as
   * everybody's. Few for a country, many for an address.
   */
  readonly change: number
}

/** What is known of a sign-in. */
export interface RiskCounts {
  /** Earlier sign-ins of this user, and of all users. */
  readonly user: number
  readonly all: number
  /**
   * Features that lie in each other, from the widest to the narrowest: country, autonomous system, network, address; and
   * operating system, browser, user agent. Those of which nothing is known are left out.
   */
  readonly chains: readonly (readonly RiskLevel[])[]
}

/** So many sign-ins know a user as well as a thousand more. Otherwise the most faithful user's new phone were the greatest risk. */
const enough = 16

/**
 * The score: 1 means that the sign-in fits this user as well as anybody, 100 that it fits the crowd a hundred times better than
 * the user, 0.01 that it is very much the user. Of a user without history it is 1.
 *
 * Features in one chain are taken as depending on each other (who is in another country is in another network, too, which must
 * not count twice): each is looked at among the sign-ins that share the wider one. The user's own distribution is interpolated
 * with everybody's, so that a value never seen before has a likelihood, and a chain backs off to what is known of its wider level.
 */
export function riskScore({ user, all, chains }: RiskCounts): number {
  return chains.reduce((score, chain) => score * chainScore(user, all, chain), 1)
}

function chainScore(user: number, all: number, chain: readonly RiskLevel[]): number {
  let wider = { user, all }
  let score = 1
  for (const level of chain) {
    // One more of each kind, so that what nobody ever did is unlikely, and not impossible.
    const crowd = (level.all + 1) / (wider.all + 2)
    const scale = Math.min(1, enough / Math.max(1, wider.user))
    const own = (level.user * scale + level.change * crowd) / (wider.user * scale + level.change)
    score *= crowd / own
    wider = level
  }
  return score
}
