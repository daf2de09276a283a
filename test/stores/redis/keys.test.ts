import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { newSid } from '../../../src/session/token.ts'
import { isSid, Keys, readUser, tagOf, tagOfUser, tags, writeUser } from '../../../src/stores/redis/keys.ts'
import { slotOf } from '../../../src/stores/redis/slots.ts'

const anyText = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map(code => String.fromCharCode(code)),
  maxLength: 256,
})

describe('keys in Redis', () => {
  it('every sid of a user has the tag of the user', () => {
    fc.assert(
      fc.property(anyText, userId => {
        const sid = newSid(randomBytes, userId)
        assert.equal(tagOf(sid), tagOfUser(userId))
        assert.ok(isSid(sid) && tags.includes(tagOf(sid)))
      }),
    )
  })

  it('there are 4096 tags, and an anonymous sid has one of them', () => {
    assert.equal(new Set(tags).size, 4096)
    for (let i = 0; i < 1000; i += 1) assert.ok(tags.includes(tagOf(newSid(randomBytes, null))))
  })

  it('CS-S3: a user id comes back from its key, and leaves nothing in it that means something to Redis', () => {
    fc.assert(
      fc.property(anyText, userId => {
        const written = writeUser(userId)
        assert.equal(readUser(written), userId)
        assert.match(written, /^[\w\-.!~*'()%]*$/)
      }),
    )
  })

  it('all keys of a user have one tag in braces, and a prefix is what they begin with', () => {
    const keys = new Keys('shop:')
    const sid = newSid(randomBytes, 'alice')
    const tag = tagOfUser('alice')
    assert.equal(keys.record(sid), `shop:{${tag}}:r:${sid}`)
    assert.equal(keys.user('al:{ice}'), `shop:{${tagOfUser('al:{ice}')}}:u:al%3A%7Bice%7D`)
    assert.equal(keys.tag(tag), `shop:{${tag}}:t`)
  })

  it('slots are those of Redis Cluster', () => {
    // CLUSTER KEYSLOT of Redis 7.0 answers these.
    assert.deepEqual([slotOf('123456789'), slotOf('foo'), slotOf('')], [12739, 12182, 0])
  })
})
