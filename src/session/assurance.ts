/** How strongly the user was authenticated: 0 anonymous, 1–3 as NIST SP 800-63B's AAL. */
export type AssuranceLevel = 0 | 1 | 2 | 3

/**
 * Kinds of factors after RFC 8176: something the user knows, has or is. Two kinds make level 2 (NIST AAL2). A map, because
 * methods may come from an identity provider, and an object would find a kind for `constructor`, too.
 */
const factorKinds: ReadonlyMap<string, 'knows' | 'has' | 'is'> = new Map([
  ...['pwd', 'pin', 'kba'].map(method => [method, 'knows'] as const),
  ...['otp', 'hwk', 'swk', 'pop', 'sc', 'sms', 'tel'].map(method => [method, 'has'] as const),
  ...['face', 'fpt', 'iris', 'retina', 'vbm'].map(method => [method, 'is'] as const),
])

/** The level that these methods (RFC 8176 values) reach: 1, or 2 for two kinds of factor. */
export function levelOf(amr: readonly string[]): 1 | 2 {
  const kinds = new Set(amr.map(method => factorKinds.get(method)).filter(kind => kind !== undefined))
  return amr.includes('mfa') || kinds.size >= 2 ? 2 : 1
}

/** One thing that the user proved: `auth_time` of each factor. */
export interface FactorProof {
  /** What, as an RFC 8176 value such as `pwd`, `otp` or `hwk`. */
  readonly method: string
  /** When, for the last time, epoch ms. */
  readonly at: number
  /** The level that what was proved at that time reached, all together. */
  readonly aal: Exclude<AssuranceLevel, 0>
}

/** What somebody proved at one time: methods (RFC 8176), and the level where the application knows better than they tell. */
export interface Proved {
  readonly amr: readonly string[]
  readonly aal?: Exclude<AssuranceLevel, 0>
}

/** The level that was reached by what was proved at one time. */
export function levelProved({ amr, aal }: Proved): Exclude<AssuranceLevel, 0> {
  return aal ?? levelOf(amr)
}

/** `proofs` with what was proved now; it takes the place of what the same methods proved before, unless that reached more. */
export function withProved(proofs: readonly FactorProof[], proved: Proved, now: number): readonly FactorProof[] {
  const methods = new Set(proved.amr)
  const aal = levelProved(proved)
  return [
    ...proofs.filter(before => !methods.has(before.method) || before.aal > aal),
    ...Array.from(methods, method => ({ method, at: now, aal })),
  ]
}

/** The level that was reached by what was proved since then; 0 by nothing. */
export function levelSince(proofs: readonly FactorProof[], since: number): AssuranceLevel {
  let most: AssuranceLevel = 0
  const methods: string[] = []
  for (const { method, at, aal } of proofs) {
    if (at < since) continue
    methods.push(method)
    if (aal > most) most = aal
  }
  if (methods.length < 2) return most
  return Math.max(most, levelOf(methods)) as AssuranceLevel
}

/** The last instant from which on what was proved reached this level, epoch ms; `null` where it never did. */
export function levelReachedAt(proofs: readonly FactorProof[], level: AssuranceLevel): number | null {
  const reached = proofs.filter(({ at }) => levelSince(proofs, at) >= level).map(({ at }) => at)
  return reached.length === 0 ? null : Math.max(...reached)
}

/** By which methods the user proved who they are, each once. */
export function methodsOf(proofs: readonly FactorProof[]): string[] {
  return [...new Set(proofs.map(({ method }) => method))]
}

/** When the user last proved anything, epoch ms; `null` where nothing was ever proved. */
export function authenticatedAt(proofs: readonly FactorProof[]): number | null {
  let last: number | null = null
  for (const { at } of proofs) if (last === null || at > last) last = at
  return last
}
