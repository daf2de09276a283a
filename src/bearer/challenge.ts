/*
 * The header `WWW-Authenticate` of refused requests: RFC 6750 section 3 (Bearer), RFC 9449 section 7.1 (DPoP), RFC 9470
 * (step-up).
 */

/** What a challenge says beside its scheme. All of it is ours: nothing of the request is ever repeated. */
export type ChallengeParameters = Readonly<Record<string, string | number>>

/** Which schemes a resource accepts. */
export interface AcceptedSchemes {
  /** Plain tokens. */
  readonly bearer: boolean
  /** Bound ones: the algorithms of proofs, or `null` when proofs are not taken. */
  readonly proofAlgorithms: readonly string[] | null
}

/** The header's value: a challenge for each scheme that is accepted, with the same parameters. */
export function challenge(accepted: AcceptedSchemes, parameters: ChallengeParameters = {}): string {
  const challenges: string[] = []
  const { bearer, proofAlgorithms } = accepted
  if (bearer) challenges.push(one('Bearer', parameters))
  if (proofAlgorithms) challenges.push(one('DPoP', { ...parameters, algs: proofAlgorithms.join(' ') }))
  return challenges.join(', ')
}

function one(scheme: string, parameters: ChallengeParameters): string {
  const written = Object.entries(parameters).map(([name, value]) => `${name}=${quoted(value)}`)
  return written.length === 0 ? scheme : `${scheme} ${written.join(', ')}`
}

function quoted(value: string | number): string {
  return typeof value === 'number' ? String(value) : `"${value.replace(/["\\]/g, '\\$&')}"`
}
