/** How strongly the user was authenticated: 0 anonymous, 1–3 as NIST SP 800-63B's AAL. */
export type AssuranceLevel = 0 | 1 | 2 | 3

/** Kinds of factors after RFC 8176: something the user knows, has or is. Two kinds make level 2 (NIST AAL2). */
const factorKinds: Record<string, 'knows' | 'has' | 'is'> = {
  pwd: 'knows',
  pin: 'knows',
  kba: 'knows',
  otp: 'has',
  hwk: 'has',
  swk: 'has',
  pop: 'has',
  sc: 'has',
  sms: 'has',
  tel: 'has',
  face: 'is',
  fpt: 'is',
  iris: 'is',
  retina: 'is',
  vbm: 'is',
}

/** The level that these methods (RFC 8176 values) reach: 1, or 2 for two kinds of factor. */
export function levelOf(amr: readonly string[]): AssuranceLevel {
  const kinds = new Set(amr.map(method => factorKinds[method]).filter(kind => kind !== undefined))
  return amr.includes('mfa') || kinds.size >= 2 ? 2 : 1
}
