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
export function levelOf(amr: readonly string[]): AssuranceLevel {
  const kinds = new Set(amr.map(method => factorKinds.get(method)).filter(kind => kind !== undefined))
  return amr.includes('mfa') || kinds.size >= 2 ? 2 : 1
}
