/** A server that checks DPoP proofs, a request that needs one, and proofs for it, honest and forged. */
import assert from 'node:assert/strict'
import { createSecretKey, KeyObject, randomBytes, sign } from 'node:crypto'
import { type CheckedProof, Proofs, type ProofsOptions, type ProvenRequest } from '../../src/bearer/dpop.ts'
import { memoryReplays } from '../../src/bearer/proof-replays.ts'
import { createProof, newProofKeys, type ProofChanges, type ProofKeyPair } from './dpop-client.ts'

const nonceKey = createSecretKey(randomBytes(32))
export const now = Date.parse('2030-01-01T12:00:00Z')
export const minute = 60_000

export const server = (options: Partial<ProofsOptions> = {}) =>
  new Proofs({ nonceKey, replays: memoryReplays(), ...options })

/** `proved`, `use-nonce`, or what is wrong. */
export function outcome(checked: CheckedProof): string {
  if (checked.kind !== 'refused') return checked.kind
  assert.equal(checked.reason, 'invalid_dpop_proof')
  return checked.fault
}

export const [mine, other, edwards] = await Promise.all([newProofKeys(), newProofKeys(), newProofKeys('Ed25519')])

export type BoundRequest = Extract<ProvenRequest, { accessToken: string }>
export const request: Omit<BoundRequest, 'proof'> = {
  method: 'GET',
  url: 'https://api.example.com/courses?page=2',
  accessToken: 'an.access.token',
  expectedThumbprint: mine.thumbprint,
}
export const proofFor = (keys: ProofKeyPair, changes: ProofChanges = {}, at = now) =>
  createProof(keys, { ...request, now: at }, changes)

/** A proof from parts that no honest library would sign. `signature` is over whatever the header says it is. */
export function forged(header: unknown, claims: unknown, signature: (data: Buffer) => Buffer): string {
  const encode = (part: unknown) =>
    Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
  const signed = `${encode(header)}.${encode(claims)}`
  return `${signed}.${signature(Buffer.from(signed)).toString('base64url')}`
}
export const byKey = (keys: ProofKeyPair) => (data: Buffer) =>
  sign('sha256', data, { key: KeyObject.from(keys.privateKey), dsaEncoding: 'ieee-p1363' })
export const partsOf = (proof: string) =>
  proof
    .split('.')
    .slice(0, 2)
    .map(part => JSON.parse(Buffer.from(part, 'base64url').toString()))
/** The same 32 bytes, in a spelling that a forgiving decoder takes. */
export const respelt = (text: string) => text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) + 1)
