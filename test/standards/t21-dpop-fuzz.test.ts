import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ProvenRequest } from '../../src/bearer/dpop.ts'
import { createProof } from '../actors/dpop-client.ts'
import {
  byKey,
  edwards,
  forged,
  mine,
  now,
  other,
  outcome,
  partsOf,
  proofFor,
  request,
  server,
} from '../actors/proof-server.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 100)

describe('T21 DPoP: whatever comes', () => {
  const requests = fc.record({
    method: fc.constantFrom('GET', 'POST', 'get'),
    url: fc
      .tuple(
        fc.constantFrom('https://a.example', 'https://b.example', 'http://a.example', 'https://a.example:444'),
        fc.constantFrom('/', '/a', '/A', '/a/', '/a%2Fb', '/a/b', '/a//b', '/b'),
      )
      .map(parts => parts.join('')),
    accessToken: fc.constantFrom('token-1', 'token-2', null),
    keys: fc.constantFrom(mine, other, edwards),
  })
  type Call = typeof requests extends fc.Arbitrary<infer T> ? T : never
  const differs = (one: Call, two: Call) => (Object.keys(one) as (keyof Call)[]).some(part => one[part] !== two[part])
  const asked = ({ keys, ...call }: Call, proof: string, query: string) =>
    ({ ...call, url: `${call.url}${query}`, proof, expectedThumbprint: keys.thumbprint }) as ProvenRequest

  it('DP-1: a proof for one request is proved for it and for no other', async () => {
    await fc.assert(
      fc.asyncProperty(requests, requests, fc.constantFrom('', '?', '?a=/b'), async (one, two, query) => {
        const proof = await createProof(one.keys, { ...one, now })
        assert.equal(outcome(await server().check(asked(one, proof, query), now)), 'proved')
        assert.equal(
          (await server().check(asked(two, proof, query), now)).kind,
          differs(one, two) ? 'refused' : 'proved',
        )
      }),
      { numRuns },
    )
  })

  it('DP-1: a proof with one character changed, left out or added is refused', async () => {
    const node = server()
    const proof = await proofFor(mine)
    const character = fc.integer({ min: 0, max: 0xff }).map(code => String.fromCharCode(code))
    await fc.assert(
      fc.asyncProperty(
        fc.nat(proof.length - 1),
        fc.nat(1),
        fc.oneof(character, fc.constant('')),
        async (at, cut, text) => {
          const changed = proof.slice(0, at) + text + proof.slice(at + cut)
          fc.pre(changed !== proof)
          assert.equal((await node.check({ ...request, proof: changed }, now)).kind, 'refused')
        },
      ),
      { numRuns: numRuns * 10 },
    )
    assert.equal(outcome(await node.check({ ...request, proof }, now)), 'proved')
  })

  it('DP-1: no header makes it throw', async () => {
    const node = server()
    const text = fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 })
      .map(codes => String.fromCharCode(...codes))
    const parts = fc.array(
      fc.oneof(
        text,
        fc.json().map(json => Buffer.from(json).toString('base64url')),
      ),
      { maxLength: 5 },
    )
    const proofs = fc.oneof(
      text,
      parts.map(parts => parts.join('.')),
      fc.array(text, { maxLength: 3 }),
    )
    await fc.assert(
      fc.asyncProperty(proofs, async proof =>
        assert.equal((await node.check({ ...request, proof }, now)).kind, 'refused'),
      ),
      { numRuns: numRuns * 5 },
    )
  })

  it('DP-1: no JSON that somebody signs makes it throw', async () => {
    const node = server()
    const [goodHeader, goodClaims] = partsOf(await proofFor(mine))
    const mixed = (good: Record<string, unknown>) =>
      fc
        .record(Object.fromEntries(Object.keys(good).map(name => [name, fc.option(fc.jsonValue({ maxDepth: 2 }))])), {
          requiredKeys: [],
        })
        .map(changes => ({ ...good, ...changes }))
    await fc.assert(
      fc.asyncProperty(mixed(goodHeader), mixed(goodClaims), async (header, claims) => {
        const { kind } = await node.check({ ...request, proof: forged(header, claims, byKey(mine)) }, now)
        assert.ok(kind === 'refused' || kind === 'proved')
      }),
      { numRuns: numRuns * 3 },
    )
  })
})
