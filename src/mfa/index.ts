/** Second factors: authenticator apps, passkeys, recovery codes, one throttle for them all, and known devices. */
export type { Attempt, FactorAnswer, FactorFault, FactorKind, FactorSession } from './answer.ts'
export { createFactors } from './create-factors.ts'
export type { FactorInfo, Factors, FactorsOptions, PasskeyAttempt } from './factors.ts'
export { type KnownDevices, knownDevices } from './known-devices.ts'
export type { PasskeyCreationOptions, PasskeyDescriptor, PasskeyRequestOptions } from './passkey-options.ts'
export type { PasskeyChallengeOptions } from './passkeys.ts'
export type { FactorRecord, FactorStore, FailureCount } from './store.ts'
export type { TotpEnrolment, TotpWindow } from './totp.ts'
