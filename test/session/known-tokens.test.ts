import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { createKeyRing } from '../../src/session/key-ring.ts'
import { KnownTokens, type OpenedBody, remember } from '../../src/session/known-tokens.ts'
import { newSecret, newSid, writeToken } from '../../src/session/token.ts'

const ring = createKeyRing([randomBytes(32).toString('base64url')])
const newToken = () => writeToken(ring.newest, newSid(randomBytes, null), newSecret(randomBytes))

describe('tokens seen lately', () => {
  it('the same token gives the same object, with what was remembered in it', () => {
    const tokens = new KnownTokens(ring)
    const text = newToken()
    assert.equal(tokens.read(text), tokens.read(text))
  })

  it('a forged token is null every time', () => {
    const tokens = new KnownTokens(ring)
    const forged = newToken().replace(/.$/, last => (last === 'A' ? 'Q' : 'A'))
    assert.equal(tokens.read(forged), null)
    assert.equal(tokens.read(forged), null)
  })

  it('it remembers at most as many as it should, the ones used lately, and forgets the others', () => {
    const most = 100
    const tokens = new KnownTokens(ring, most)
    const regular = newToken()
    const known = tokens.read(regular)
    const once = Array.from({ length: 10 * most }, newToken)
    const objects = once.map(text => {
      assert.equal(tokens.read(regular), known, 'whoever comes often is never forgotten')
      return tokens.read(text)
    })
    // Reading is what keeps a token, so look from the newest to the oldest and stop at the first that was forgotten.
    let remembered = 0
    for (let at = once.length - 1; at >= 0; at -= 1) {
      if (tokens.read(once[at] ?? '') !== objects[at]) break
      remembered += 1
    }
    assert.ok(remembered >= most / 2 - 1 && remembered <= most, `${remembered} of at most ${most}`)
  })

  it('an opened body is remembered only up to 4,096 characters', () => {
    const known = new KnownTokens(ring).read(newToken())
    assert.ok(known)
    const opened = (length: number) => ({ text: 'x'.repeat(length) }) as OpenedBody
    remember(known, opened(4_096))
    assert.equal(known.memo?.text.length, 4_096)
    remember(known, opened(4_097))
    assert.equal(known.memo, null)
  })
})
