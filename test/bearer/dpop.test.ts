import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import { Proofs, type ProvenRequest } from '../../src/bearer/dpop.ts'
import { ProofKeys, proofAlgorithms } from '../../src/bearer/proof-key.ts'
import { memoryReplays, type ProofReplays } from '../../src/bearer/proof-replays.ts'
import { StoreError, UsageError } from '../../src/errors.ts'
import { createProof, newProofKeys } from '../actors/dpop-client.ts'

const nonceKey = createSecretKey(randomBytes(32))
const now = Date.parse('2030-01-01T12:00:00Z')
const keys = await newProofKeys()
const call = { method: 'POST', url: 'https://api.example.com/token' }
const signIn = async (changes = {}): Promise<ProvenRequest> => ({
  ...call,
  proof: await createProof(keys, { ...call, now }, changes),
  accessToken: null,
  expectedThumbprint: null,
})

function fullMemory(): ProofReplays {
  const memory = memoryReplays({ max: 1 })
  memory.use('one', now + 600_000, now)
  return memory
}

describe('Proofs', () => {
  for (const lifetimeMs of [0, 999, 600_001, Number.NaN, Number.POSITIVE_INFINITY]) {
    it(`do not start with a lifetime of ${lifetimeMs} ms`, () => {
      assert.throws(() => new Proofs({ nonceKey, replays: memoryReplays(), lifetimeMs }), UsageError)
    })
  }

  it('live as long as they are told to', async () => {
    const proofs = new Proofs({ nonceKey, replays: memoryReplays(), lifetimeMs: 5_000 })
    assert.equal((await proofs.check(await signIn(), now + 5_000)).kind, 'proved')
    assert.equal((await proofs.check(await signIn(), now + 5_001)).kind, 'refused')
  })

  it('are checked at once where the memory is at hand', async () => {
    const proofs = new Proofs({ nonceKey, replays: memoryReplays() })
    const checked = proofs.check(await signIn(), now)
    assert.deepEqual(checked, { kind: 'proved', keyThumbprint: keys.thumbprint })
  })

  it('take algorithms that are the ones the challenge names', async () => {
    assert.deepEqual([...proofAlgorithms].sort(), ['ES256', 'Ed25519', 'EdDSA'])
    for (const algorithm of proofAlgorithms as ('ES256' | 'Ed25519' | 'EdDSA')[]) {
      const proof = await createProof(await newProofKeys(algorithm), { ...call, now })
      const proofs = new Proofs({ nonceKey, replays: memoryReplays() })
      assert.equal((await proofs.check({ ...(await signIn()), proof } as ProvenRequest, now)).kind, 'proved')
    }
  })

  const failures: readonly (readonly [what: string, use: ProofReplays['use']])[] = [
    ['is full', (...proof) => fullMemory().use(...proof)],
    [
      'throws',
      () => {
        throw new Error('out of order')
      },
    ],
    ['rejects', () => Promise.reject(new Error('out of order'))],
    ['rejects as a store', () => Promise.reject(new StoreError('out of order'))],
  ]
  for (const [what, use] of failures) {
    it(`are neither good nor bad when the memory ${what}: that is a 503, and told`, async () => {
      const told: unknown[] = []
      const proofs = new Proofs({ nonceKey, replays: { use }, tell: detail => told.push(detail) })
      const request = await signIn()
      await assert.rejects(async () => proofs.check(request, now), StoreError)
      assert.deepEqual(told, [{ type: 'store.failed', operation: 'use-proof' }])
    })
  }

  it('are not proved by a memory that answers anything else than first', async () => {
    for (const answer of [undefined, true, '', 'FIRST', Promise.resolve(1)]) {
      const proofs = new Proofs({ nonceKey, replays: { use: () => answer as 'replayed' } })
      assert.equal((await proofs.check(await signIn(), now)).kind, 'refused')
    }
  })

  it('that are bad never reach the memory', async () => {
    let uses = 0
    const replays: ProofReplays = { use: () => (uses++ === 0 ? 'first' : 'replayed') }
    const proofs = new Proofs({ nonceKey, replays, nonce: 'required' })
    const { proof: good, ...request } = await signIn({ claims: { nonce: proofs.newNonce(now) } })
    const bad = [
      await signIn(),
      await signIn({ claims: { htm: 'GET' } }),
      { ...request, proof: `${String(good).slice(0, -4)}AAAA` },
    ]
    for (const each of bad) await proofs.check(each as ProvenRequest, now)
    assert.equal(uses, 0)
    await proofs.check({ ...request, proof: good } as ProvenRequest, now)
    assert.equal(uses, 1)
  })
})

describe('ProofKeys', () => {
  it('compute the thumbprints that jose computes (RFC 7638)', async () => {
    for (const algorithm of ['ES256', 'Ed25519'] as const) {
      for (let each = 0; each < 20; each += 1) {
        const jwk = await exportJWK((await generateKeyPair(algorithm, { extractable: true })).publicKey)
        const read = new ProofKeys().read({ alg: algorithm, jwk: { use: 'sig', ...jwk } })
        assert.equal(read?.thumbprint, await calculateJwkThumbprint(jwk))
      }
    }
  })

  it('remember a key, and do not remember one under another algorithm', () => {
    const known = new ProofKeys()
    const header = { alg: 'ES256', jwk: keys.publicJwk }
    const first = known.read(header)
    assert.ok(first)
    assert.notEqual(known.read(header), first, 'not before it has signed something')
    known.remember(first)
    assert.equal(known.read(header), first)
    assert.equal(known.read({ ...header, alg: 'EdDSA' }), null)
    assert.equal(known.read({ ...header, jwk: { ...keys.publicJwk, d: 'AA' } }), null)
  })
})
