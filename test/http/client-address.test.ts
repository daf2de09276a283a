import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { UsageError } from '../../src/errors.ts'
import {
  type ClientConnection,
  clientAddress,
  type RequestHeaders,
  type TrustProxy,
} from '../../src/http/client-address.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 300)

type Row = readonly [
  name: string,
  trustProxy: TrustProxy,
  peer: string | undefined,
  headers: RequestHeaders,
  encrypted: boolean,
  connection: Partial<ClientConnection>,
]

function check(rows: readonly Row[]) {
  for (const [name, trustProxy, peer, headers, encrypted, connection] of rows) {
    test(name, () => {
      const read = clientAddress(trustProxy)(peer, headers, encrypted)
      for (const [field, value] of Object.entries(connection))
        assert.equal(read[field as keyof ClientConnection], value, field)
    })
  }
}

const lies = {
  host: 'example.com',
  'x-forwarded-for': '1.1.1.1',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'evil.example',
  forwarded: 'for=2.2.2.2;proto=https;host=evil.example',
  'x-real-ip': '3.3.3.3',
  'true-client-ip': '4.4.4.4',
}

suite('T25, ASVS 4.1.3: without trust only the socket counts', () => {
  const socket = { address: '192.0.2.1', encrypted: false, host: 'example.com' }
  check([
    ['forwarding headers are ignored', false, '192.0.2.1', lies, false, socket],
    ['an address outside the trusted ranges is no proxy', ['10.0.0.0/8'], '192.0.2.1', lies, false, socket],
    ['a missing peer is no proxy', ['10.0.0.0/8'], undefined, lies, false, { ...socket, address: null }],
    [
      'IPv4 in IPv6 is plain IPv4',
      false,
      '::ffff:192.0.2.1',
      {},
      true,
      { address: '192.0.2.1', encrypted: true, host: null },
    ],
    ['an IPv6 address has no zone', false, 'fe80::1%eth0', {}, true, { address: 'fe80::1' }],
    ['a Unix socket has no address', false, undefined, {}, false, { address: null }],
    ['junk is no address', false, 'localhost', {}, false, { address: null }],
    [
      'an IPv6 address that only looks like IPv4 in IPv6 stays one',
      false,
      '::ffff:0:1.2.3.4',
      {},
      false,
      { address: '::ffff:0:1.2.3.4' },
    ],
  ])
})

suite('T25, ASVS 4.1.3: a number of proxies is exact', () => {
  const xff = (text: string | string[]) => ({ 'x-forwarded-for': text })
  check([
    ['one proxy: the last entry', 1, '10.0.0.1', xff('198.51.100.7'), false, { address: '198.51.100.7' }],
    [
      'one proxy: what the client wrote before does not count',
      1,
      '10.0.0.1',
      xff('1.1.1.1, 198.51.100.7'),
      false,
      { address: '198.51.100.7' },
    ],
    [
      'two proxies: the last entry but one',
      2,
      '10.0.0.1',
      xff('1.1.1.1, 198.51.100.7, 10.0.0.2'),
      false,
      { address: '198.51.100.7' },
    ],
    ['too few entries: unknown', 2, '10.0.0.1', xff('198.51.100.7'), false, { address: null }],
    ['no header: unknown', 1, '10.0.0.1', {}, false, { address: null }],
    ['an empty header: unknown', 1, '10.0.0.1', xff(''), false, { address: null }],
    ['an empty last entry: unknown', 1, '10.0.0.1', xff('198.51.100.7,'), false, { address: null }],
    [
      'several headers are one list',
      2,
      '10.0.0.1',
      xff(['1.1.1.1, 198.51.100.7', '10.0.0.2']),
      false,
      { address: '198.51.100.7' },
    ],
    ['behind a Unix socket', 1, undefined, xff('198.51.100.7'), false, { address: '198.51.100.7' }],
    ['Forwarded is ignored', 1, '10.0.0.1', { forwarded: 'for=198.51.100.7' }, false, { address: null }],
  ])
})

suite('T25, ASVS 4.1.3: trusted ranges are walked from the right', () => {
  const lan = ['10.0.0.0/8', 'fd00::/8', '127.0.0.1']
  const xff = (text: string) => ({ 'x-forwarded-for': text })
  check([
    ['one proxy', lan, '10.0.0.1', xff('198.51.100.7'), false, { address: '198.51.100.7' }],
    [
      'what the client wrote does not count',
      lan,
      '10.0.0.1',
      xff('10.9.9.9, 198.51.100.7'),
      false,
      { address: '198.51.100.7' },
    ],
    [
      'several proxies',
      lan,
      '127.0.0.1',
      xff('1.1.1.1, 198.51.100.7, 10.0.0.3, fd00::2'),
      false,
      { address: '198.51.100.7' },
    ],
    ['a peer in IPv6 spelling', lan, '::ffff:10.0.0.1', xff('198.51.100.7'), false, { address: '198.51.100.7' }],
    [
      'an entry in IPv6 spelling',
      lan,
      '10.0.0.1',
      xff('198.51.100.7, ::ffff:a00:2'),
      false,
      { address: '198.51.100.7' },
    ],
    ['an address just outside a range', lan, '11.0.0.1', xff('198.51.100.7'), false, { address: '11.0.0.1' }],
    ['a single address is a range of one', lan, '127.0.0.2', xff('198.51.100.7'), false, { address: '127.0.0.2' }],
    ['a client inside the ranges', lan, '10.0.0.1', xff('10.0.0.8'), false, { address: '10.0.0.8' }],
    ['a probe of the proxy itself', lan, '10.0.0.1', {}, false, { address: '10.0.0.1' }],
    [
      'junk after trusted entries: unknown',
      lan,
      '10.0.0.1',
      xff('198.51.100.7, junk, 10.0.0.2'),
      false,
      { address: null },
    ],
    [
      'junk that the client wrote does not count',
      lan,
      '10.0.0.1',
      xff('junk, , 198.51.100.7'),
      false,
      { address: '198.51.100.7' },
    ],
    [
      'a client cannot hide behind a long header',
      lan,
      '10.0.0.1',
      xff(`${'10.0.0.1,'.repeat(2000)}198.51.100.7`),
      false,
      { address: '198.51.100.7' },
    ],
    [
      'an entry that is only read in part: unknown',
      lan,
      '10.0.0.1',
      // 2,049 characters: the cut leaves 98.51.100.71, somebody else.
      xff(`198.51.100.71${',10.0.0.1'.repeat(224)}${',10.0.0.11'.repeat(2)}`),
      false,
      { address: null },
    ],
    [
      'a chain that never ends: unknown',
      lan,
      '10.0.0.1',
      xff('10.0.0.1,'.repeat(2000).slice(0, -1)),
      false,
      { address: null },
    ],
  ])
})

suite('T25: entries are addresses or nothing', () => {
  const entries: readonly (readonly [entry: string, address: string | null])[] = [
    ['198.51.100.7', '198.51.100.7'],
    [' \t198.51.100.7 ', '198.51.100.7'],
    ['198.51.100.7:4711', '198.51.100.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:80', 'fe80::1'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['[::FFFF:198.51.100.7]:80', '198.51.100.7'],
    ['::ffff:c633:6407', '198.51.100.7'],
    ['0:0:0:0:0:ffff:198.51.100.7', '198.51.100.7'],
    ['unknown', null],
    ['_hidden', null],
    ['localhost', null],
    ['198.51.100', null],
    ['198.51.100.256', null],
    ['198.051.100.7', null],
    ['0xc6.51.100.7', null],
    ['3325256711', null],
    ['198.51.100.7/32', null],
    ['198.51.100.7:', null],
    ['198.51.100.7:port', null],
    ['[198.51.100.7]', null],
    ['[2001:db8::1', null],
    ['2001:db8::1]:80', null],
    ['"198.51.100.7"', null],
    ['for=198.51.100.7', null],
    ['198.51.100.7 evil', null],
    ['198.51.100.7\0', null],
    ['<script>', null],
    [`fe80::1%${'a'.repeat(100)}`, null],
  ]
  for (const [entry, address] of entries) {
    test(`${JSON.stringify(entry)} is ${address ?? 'unknown'}`, () => {
      assert.equal(clientAddress(1)('10.0.0.1', { 'x-forwarded-for': entry }, false).address, address)
    })
  }
})

suite('T25, ASVS 4.1.3: scheme and host of trusted proxies', () => {
  const proto = (text: string) => ({ 'x-forwarded-for': '198.51.100.7, 10.0.0.2', 'x-forwarded-proto': text })
  const host = (text: string | undefined, own?: string) => ({
    host: own,
    'x-forwarded-for': '198.51.100.7',
    'x-forwarded-host': text,
  })
  check([
    ['https', 1, '10.0.0.1', proto('https'), false, { encrypted: true }],
    ['https in capitals', 1, '10.0.0.1', proto('HTTPS'), false, { encrypted: true }],
    ['http outweighs an encrypted link from the proxy', 1, '10.0.0.1', proto('http'), true, { encrypted: false }],
    ['no header: the socket counts', 1, '10.0.0.1', {}, true, { encrypted: true }],
    ['junk is not encrypted', 1, '10.0.0.1', proto('junk'), true, { encrypted: false }],
    ['one value was set by the outermost proxy', 2, '10.0.0.1', proto('https'), false, { encrypted: true }],
    [
      'of two values the outermost trusted proxy wrote the first',
      2,
      '10.0.0.1',
      proto('https, http'),
      false,
      { encrypted: true },
    ],
    ['of two values only the last is from a proxy', 1, '10.0.0.1', proto('https, http'), false, { encrypted: false }],
    ['too few values are not encrypted', 3, '10.0.0.1', proto('https, https'), true, { encrypted: false }],
    [
      'trusted ranges count the proxies on the way',
      ['10.0.0.0/8'],
      '10.0.0.1',
      proto('https, http'),
      false,
      { encrypted: true },
    ],
    ['an untrusted peer is not believed', ['10.0.0.0/8'], '11.0.0.1', proto('https'), false, { encrypted: false }],

    ['the forwarded host', 1, '10.0.0.1', host('shop.example:8443', 'internal'), false, { host: 'shop.example:8443' }],
    [
      'without a forwarded host that of the request',
      1,
      '10.0.0.1',
      host(undefined, 'internal'),
      false,
      { host: 'internal' },
    ],
    [
      'a malformed forwarded host: unknown',
      1,
      '10.0.0.1',
      host('evil@shop.example', 'internal'),
      false,
      { host: null },
    ],
    ['a host is in lower case', false, '10.0.0.1', { host: 'Shop.Example' }, false, { host: 'shop.example' }],
    ['an IPv6 host', false, '10.0.0.1', { host: '[::1]:8443' }, false, { host: '[::1]:8443' }],
    ['HTTP/2: the authority', false, '10.0.0.1', { ':authority': 'shop.example' }, false, { host: 'shop.example' }],
    ...[
      '',
      'a b',
      'a/b',
      'a@b',
      'a?b',
      'a#b',
      'a\\b',
      'a,b',
      'a\tb',
      '<b>',
      'a:b',
      'a:',
      '.',
      '..',
      'é',
      '[::1',
      '%61',
      'a'.repeat(301),
    ].map(
      (bad): Row => [
        `a hostile Host is unknown: ${JSON.stringify(bad.slice(0, 20))}`,
        false,
        '10.0.0.1',
        { host: bad },
        false,
        { host: null },
      ],
    ),
  ])
})

suite('T23: trustProxy is checked', () => {
  const refused: readonly (readonly [name: string, trustProxy: unknown])[] = [
    ['everybody', true],
    ['zero', 0],
    ['a negative number', -1],
    ['a fraction', 1.5],
    ['NaN', Number.NaN],
    ['more proxies than anybody has', 33],
    ['nobody in particular', []],
    ['a text instead of a list', '10.0.0.0/8'],
    ['null', null],
    ['a name', ['loopback']],
    ['a host', ['proxy.example']],
    ['every IPv4 address', ['0.0.0.0/0']],
    ['every IPv6 address', ['::/0']],
    ['a prefix too long for IPv4', ['10.0.0.0/33']],
    ['a prefix too long for IPv6', ['fd00::/129']],
    ['no prefix after the slash', ['10.0.0.0/']],
    ['an address with zone', ['fe80::1%eth0']],
    ['IPv4 written as IPv6', ['::ffff:10.0.0.0/104']],
    ['a good one before a bad one', ['10.0.0.0/8', '']],
    ['a number in a list', [1]],
  ]
  for (const [name, trustProxy] of refused) {
    test(`refused: ${name}`, () => {
      assert.throws(
        () => clientAddress(trustProxy as TrustProxy),
        error => error instanceof UsageError && /^trustProxy/.test(error.message),
      )
    })
  }
})

suite('T25, ASVS 4.1.3: for any headers', () => {
  const lan = ['10.0.0.0/8', '::1', 'fd00::/8']
  const piece = fc.oneof(
    fc.constantFrom(
      '10.0.0.1',
      '198.51.100.7',
      '::1',
      '[::1]:80',
      'fd00::2',
      'junk',
      ',',
      ', ',
      '',
      '%',
      'https',
      'http',
      'a.example',
      '::ffff:10.0.0.1',
    ),
    fc.ipV4(),
    fc.ipV6(),
    fc.string({ unit: 'binary' }),
  )
  const text = fc.array(piece, { maxLength: 12 }).map(all => all.join(','))
  const value = fc.option(fc.oneof(text, fc.array(text, { maxLength: 3 })), { nil: undefined })
  const headers = fc.record({
    host: value,
    'x-forwarded-for': value,
    'x-forwarded-proto': value,
    'x-forwarded-host': value,
    forwarded: value,
  })
  const peer = fc.option(piece, { nil: undefined })
  const trust = fc.constantFrom<TrustProxy>(false, 1, 2, 5, lan)

  test('the address is one in its canonical spelling or null, the host has only harmless characters', () => {
    fc.assert(
      fc.property(trust, peer, headers, fc.boolean(), (trustProxy, remote, all, encrypted) => {
        const { address, host } = clientAddress(trustProxy)(remote, all, encrypted)
        assert.ok(address === null || (isIP(address) !== 0 && !/%|^::ffff:[0-9.]+$/.test(address)))
        assert.ok(host === null || /^[a-z0-9_.:[\]-]+$/.test(host))
      }),
      { numRuns },
    )
  })

  test('without trust nothing but the socket and Host decides', () => {
    const untrusted = fc.constantFrom<TrustProxy>(false, lan)
    fc.assert(
      fc.property(untrusted, headers, fc.boolean(), (trustProxy, all, encrypted) => {
        const read = clientAddress(trustProxy)
        assert.deepEqual(read('192.0.2.1', all, encrypted), read('192.0.2.1', { host: all.host }, encrypted))
      }),
      { numRuns },
    )
  })

  test('what a client puts before the entries of our proxies changes nothing', () => {
    const chains: readonly (readonly [TrustProxy, string])[] = [
      [1, '198.51.100.7'],
      [2, '198.51.100.7, 10.0.0.2'],
      [lan, '198.51.100.7'],
      [lan, '198.51.100.7, 10.0.0.2, fd00::2'],
    ]
    fc.assert(
      fc.property(fc.constantFrom(...chains), text, fc.nat(3000), ([trustProxy, chain], lie, padding) => {
        const forwardedFor = `${lie}${' '.repeat(padding)},${chain}`
        const { address } = clientAddress(trustProxy)('10.0.0.1', { 'x-forwarded-for': forwardedFor }, false)
        assert.equal(address, '198.51.100.7')
      }),
      { numRuns },
    )
  })
})
