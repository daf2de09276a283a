/** Bearer sessions: short-lived access tokens (JWT) and refresh tokens, over the sessions of `createSessions`. */
export type { Endpoint, EndpointAnswer } from '../http/endpoint.ts'
export type { AccessToken } from './access-token.ts'
export { type Bearer, type BearerOptions, createBearer, type DpopOptions } from './bearer.ts'
export type { IntrospectionGuard } from './endpoints.ts'
export type { BearerSession, BearerSignInOptions, TokenAnswer } from './grants.ts'
export type { Introspection } from './inspection.ts'
export { keysFromFile } from './key-set.ts'
export {
  type MemoryReplaysOptions,
  memoryReplays,
  type ProofReplays,
  type ReplayStore,
  type SharedReplaysOptions,
  sharedReplays,
} from './proof-replays.ts'
export type { BearerRequirements } from './resource.ts'
