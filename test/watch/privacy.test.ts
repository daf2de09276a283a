import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { isIP } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { loadAgents } from '../../src/watch/agents.ts'
import { createPrivacy, type PrivacyOptions } from '../../src/watch/privacy.ts'
import { key, olderKey } from '../actors/trail.ts'

const agents = await loadAgents()
const chrome =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'

function privacy(options?: PrivacyOptions) {
  return createPrivacy(options, key, agents)
}

describe('addresses', () => {
  it('are written down in full when nothing is said', () => {
    assert.equal(privacy().address('192.0.2.1'), '192.0.2.1')
  })

  const truncated: readonly (readonly [address: string, network: string | null])[] = [
    ['192.0.2.1', '192.0.2.0/24'],
    ['255.255.255.255', '255.255.255.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['2001:db8:1::6', '2001:db8:1::/48'],
    ['2001:DB8:0001:0002::', '2001:db8:1::/48'],
    ['2001:db8::1', '2001:db8::/48'],
    ['::1', '::/48'],
    ['::', '::/48'],
    ['1::', '1::/48'],
    ['::2:3:4:5:6:7:8', '0:2:3::/48'],
    ['1:2::8', '1:2::/48'],
    ['64:ff9b::192.0.2.1', '64:ff9b::/48'],
    ['fe80::1%eth0', 'fe80::/48'],
    ['::ffff:192.0.2.1', '192.0.2.0/24'],
    ['', null],
    ['unknown', null],
    ['192.0.2.1:80', null],
    ['<script>', null],
  ]
  for (const [address, network] of truncated) {
    it(`truncated: ${address} is ${network}`, () => {
      assert.equal(privacy({ addresses: 'truncated' }).address(address), network)
    })
  }

  it('truncated: nothing of the rest is left, and all of a network look the same', () => {
    const { address } = privacy({ addresses: 'truncated' })
    fc.assert(
      fc.property(fc.ipV6(), text => {
        const network = address(text)
        if (network?.endsWith('/24')) return
        const [start = '', length] = network?.split('/') ?? []
        assert.deepEqual([isIP(start), length, start.endsWith('::')], [6, '48', true])
        assert.equal(address(start), network)
      }),
    )
  })

  it('hashed: the same for the same address, another for another, and nobody without the key can tell', () => {
    const { address } = privacy({ addresses: 'hashed' })
    assert.match(address('192.0.2.1') ?? '', /^h:[\w-]{22}$/)
    assert.equal(address('192.0.2.1'), address('192.0.2.1'))
    assert.notEqual(address('192.0.2.1'), address('192.0.2.2'))
    const other = createPrivacy({ addresses: 'hashed' }, olderKey, agents)
    assert.notEqual(address('192.0.2.1'), other.address('192.0.2.1'))
  })

  it('off: nothing is written down', () => {
    assert.equal(privacy({ addresses: 'off' }).address('192.0.2.1'), null)
  })

  it('what is unknown stays so', () => {
    for (const addresses of ['full', 'truncated', 'hashed', 'off'] as const) {
      assert.equal(privacy({ addresses }).address(null), null)
    }
  })
})

describe('user agents', () => {
  it('are cut to 256 characters', () => {
    assert.equal(privacy().userAgent('x'.repeat(1_000)), 'x'.repeat(256))
    assert.equal(privacy().userAgent(chrome), chrome)
  })

  it('family: the browser and the operating system, and nothing that the client wrote itself', () => {
    const { userAgent } = privacy({ userAgents: 'family' })
    assert.equal(userAgent(chrome), 'Chrome on Windows')
    assert.equal(userAgent('<script>alert(1)</script>\r\n'), 'unknown')
    assert.equal(userAgent(null), null)
  })

  it('off: nothing is written down', () => {
    assert.equal(privacy({ userAgents: 'off' }).userAgent(chrome), null)
  })
})

it('a choice that there is not is refused: a typing error must not store more', () => {
  for (const options of [{ addresses: 'trunkated' }, { userAgents: 'none' }, { addresses: 'toString' }]) {
    assert.throws(() => privacy(options as PrivacyOptions), { name: 'UsageError' })
  }
  assert.throws(() =>
    createPrivacy({ addresses: 'none' } as unknown as PrivacyOptions, createSecretKey(Buffer.alloc(32)), agents),
  )
})
