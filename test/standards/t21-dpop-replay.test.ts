import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { sqliteStore } from 'latchkey/stores/sqlite'
import type { Proofs } from '../../src/bearer/dpop.ts'
import { type ProofReplays, sharedReplays } from '../../src/bearer/proof-replays.ts'
import { createProof, type ProofKeyPair } from '../actors/dpop-client.ts'
import { mine, minute, now, other, outcome, proofFor, request, respelt, server } from '../actors/proof-server.ts'

describe('T21 DPoP: replay', () => {
  const root = mkdtempSync(join(tmpdir(), 'latchkey-dpop-'))
  after(() => rmSync(root, { recursive: true, force: true }))
  const twice = async (one: Proofs, two: Proofs) => {
    const proof = await proofFor(mine)
    return [outcome(await one.check({ ...request, proof }, now)), outcome(await two.check({ ...request, proof }, now))]
  }

  it('DP-1: on one node a proof works once', async () => {
    const node = server()
    assert.deepEqual(await twice(node, node), ['proved', 'replayed'])
  })

  it('DP-1: a jti works once per key, whatever else the proof says, and again under another key', async () => {
    const node = server()
    const check = async (keys: ProofKeyPair, url: string) => {
      const proof = await createProof(keys, { ...request, url, now }, { claims: { jti: 'one' } })
      return outcome(await node.check({ ...request, url, proof, expectedThumbprint: keys.thumbprint }, now))
    }
    assert.equal(await check(mine, 'https://api.example.com/a'), 'proved')
    assert.equal(await check(mine, 'https://api.example.com/b'), 'replayed')
    assert.equal(await check(other, 'https://api.example.com/b'), 'proved')
  })

  it('DP-1: a proof is remembered for as long as it would pass, to the millisecond', async () => {
    const node = server()
    const proof = await proofFor(mine, {}, now + 5_000)
    assert.equal(outcome(await node.check({ ...request, proof }, now)), 'proved')
    for (const later of [1, 1_000, minute, minute + 4_999, minute + 5_000]) {
      assert.equal(outcome(await node.check({ ...request, proof }, now + later)), 'replayed', `after ${later} ms`)
    }
    assert.equal(outcome(await node.check({ ...request, proof }, now + minute + 5_001)), 'untimely')
  })

  it('DP-1: a proof that was refused is not used up', async () => {
    const node = server()
    const proof = await proofFor(mine)
    assert.equal(outcome(await node.check({ ...request, method: 'PUT', proof }, now)), 'other-request')
    assert.equal(
      outcome(await node.check({ ...request, expectedThumbprint: other.thumbprint, proof }, now)),
      'other-key',
    )
    assert.equal(outcome(await node.check({ ...request, proof }, now)), 'proved')
  })

  it('DP-1: two nodes that remember for themselves each take the proof once', async () => {
    assert.deepEqual(await twice(server(), server()), ['proved', 'proved'])
  })

  it('DP-1: on two nodes that share a store a proof works once, also when both get it at once', async () => {
    const file = join(root, 'proofs.db')
    const stores = [sqliteStore(file), sqliteStore(file)]
    const [one, two] = stores.map(store => server({ replays: sharedReplays(store, { timeoutMs: minute }) }))
    assert.ok(one && two)
    assert.deepEqual(await twice(one, two), ['proved', 'replayed'])
    const proof = await proofFor(mine)
    const nodes = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : two))
    const outcomes = await Promise.all(nodes.map(async node => outcome(await node.check({ ...request, proof }, now))))
    assert.deepEqual(outcomes.sort(), ['proved', ...Array.from({ length: 19 }, () => 'replayed')])
    await Promise.all(stores.map(store => store.close()))
  })

  it('DP-3: the memory gets 22 characters, whatever the jti', async () => {
    const seen: string[] = []
    const replays: ProofReplays = { use: proof => (seen.push(proof) > 0 ? 'first' : 'replayed') }
    for (const jti of ['1', 'ü'.repeat(128), '\u0000', '../..']) {
      await server({ replays }).check({ ...request, proof: await proofFor(mine, { claims: { jti } }) }, now)
    }
    assert.equal(new Set(seen).size, 4)
    for (const proof of seen) assert.match(proof, /^[\w-]{21}[AQgw]$/)
  })
})

describe('T21 DPoP: nonces', () => {
  const node = server({ nonce: 'required' })
  const send = async (nonce: unknown, at: number, to = node) =>
    to.check({ ...request, proof: await proofFor(mine, { claims: { nonce } }, at) }, at)

  it('DP-1: a proof without a nonce is sent back with one, and passes with it', async () => {
    const first = await send(undefined, now)
    assert.equal(first.kind, 'use-nonce')
    assert.ok(first.kind === 'use-nonce')
    assert.equal(first.nonce, node.newNonce(now))
    assert.equal(outcome(await send(first.nonce, now)), 'proved')
  })

  it('DP-1: a nonce is good for at least two minutes and at most four', async () => {
    const handedOut = [now, now + minute, now + 2 * minute - 1]
    for (const at of handedOut) {
      const nonce = node.newNonce(at)
      assert.equal(outcome(await send(nonce, at + 2 * minute)), 'proved')
      assert.equal(outcome(await send(nonce, at + 4 * minute)), 'use-nonce')
    }
  })

  it('DP-1: all nodes with the same key agree on nonces, others do not', async () => {
    const twin = server({ nonce: 'required' })
    const stranger = server({ nonce: 'required', nonceKey: createSecretKey(randomBytes(32)) })
    assert.equal(outcome(await send(twin.newNonce(now), now)), 'proved')
    assert.equal(outcome(await send(stranger.newNonce(now), now)), 'use-nonce')
  })

  const good = node.newNonce(now)
  const downgrades: readonly (readonly [name: string, nonce: unknown])[] = [
    ['no nonce', undefined],
    ['an empty nonce', ''],
    ['null', null],
    ['a list with the nonce', [good]],
    ['a nonce of tomorrow', node.newNonce(now + 24 * 60 * minute)],
    ['a nonce of the next window', node.newNonce(now + 2 * minute)],
    ['a shortened nonce', good.slice(0, -1)],
    ['a lengthened nonce', `${good}A`],
    ['another spelling of the nonce', respelt(good)],
    ['a nonce in another case', good.toUpperCase()],
  ]
  for (const [name, nonce] of downgrades) {
    it(`DP-2: ${name} is no way around a required nonce`, async () => {
      assert.equal(outcome(await send(nonce, now)), 'use-nonce')
    })
  }

  it('DP-1: a proof with a good nonce still works only once', async () => {
    const proof = await proofFor(mine, { claims: { nonce: good } })
    assert.equal(outcome(await node.check({ ...request, proof }, now)), 'proved')
    assert.equal(outcome(await node.check({ ...request, proof }, now)), 'replayed')
  })

  it('where none is required, a nonce is not looked at', async () => {
    assert.equal(outcome(await send('from-another-server', now, server())), 'proved')
  })
})
