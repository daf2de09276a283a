import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { describe, it } from 'node:test'
import { pooledRandomBytes } from '../../src/session/random.ts'

describe('random bytes', () => {
  it('gives exactly as many as asked, whatever was taken before', () => {
    for (let size = 0; size <= 3_000; size += 7) assert.equal(pooledRandomBytes(size).length, size)
  })

  it('7.2.3: never gives a byte twice, nor one that was not drawn', () => {
    const chunks = Array.from({ length: 20_000 }, (_, index) => pooledRandomBytes(8 + (index % 41)).toString('hex'))
    const eights = chunks.flatMap(chunk => chunk.match(/.{16}/g) ?? [])
    assert.equal(new Set(eights).size, eights.length, 'eight equal bytes would be one chance in 2^28 here')
    assert.ok(!eights.includes('00'.repeat(8)), 'a wiped part of the pool')
  })

  it('writing into what was given changes nothing that is given later', () => {
    const first = pooledRandomBytes(16)
    first.fill(0xff)
    assert.ok(!pooledRandomBytes(16).equals(first))
  })

  it('7.2.3: every byte comes from the system’s CSPRNG', t => {
    const { randomFillSync, randomBytes } = crypto
    let drawn = 0
    t.mock.method(crypto, 'randomFillSync', ((buffer: Buffer) => {
      drawn += buffer.length
      return randomFillSync(buffer)
    }) as typeof randomFillSync)
    t.mock.method(crypto, 'randomBytes', ((size: number) => {
      drawn += size
      return randomBytes(size)
    }) as typeof randomBytes)
    const guessable = t.mock.method(Math, 'random')
    syncBuiltinESMExports()
    try {
      let given = 0
      for (let size = 1; size < 2_000; size += 3) given += pooledRandomBytes(size).length
      assert.ok(drawn + 8_192 >= given, `${drawn} drawn, ${given} given`)
      assert.equal(guessable.mock.callCount(), 0)
    } finally {
      t.mock.restoreAll()
      syncBuiltinESMExports()
    }
  })
})
