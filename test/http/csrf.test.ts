import assert from 'node:assert/strict'
import { createHmac, createSecretKey, randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { UsageError } from '../../src/errors.ts'
import {
  csrfTokenFrom,
  judgeOrigin,
  mintCsrfToken,
  type OriginEvidence,
  type OriginVerdict,
  ownOrigins,
  verifyCsrfToken,
} from '../../src/http/csrf.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 300)

const post: OriginEvidence = {
  method: 'POST',
  secFetchSite: undefined,
  origin: undefined,
  host: 'example.com',
  encrypted: true,
}

type Row = readonly [name: string, request: Partial<OriginEvidence>, verdict: OriginVerdict]

suite('T07: judgeOrigin with Sec-Fetch-Site', () => {
  const rows: Row[] = [
    ['CSRF-1: our own page passes', { secFetchSite: 'same-origin' }, 'same-origin'],
    ['CSRF-1: the user passes', { secFetchSite: 'none' }, 'same-origin'],
    ['CSRF-1: another site is refused', { secFetchSite: 'cross-site' }, 'cross-site'],
    ['CSRF-1: a sibling subdomain is refused', { secFetchSite: 'same-site' }, 'cross-site'],
    ['CSRF-1, C10: an unknown word is refused', { secFetchSite: 'same-planet' }, 'cross-site'],
    ['CSRF-1: an empty value is refused', { secFetchSite: '' }, 'cross-site'],
    ['CSRF-1: another case is refused', { secFetchSite: 'Same-Origin' }, 'cross-site'],
    ['CSRF-1: two values are refused', { secFetchSite: 'same-origin, cross-site' }, 'cross-site'],
    [
      'CSRF-1: an own origin does not outweigh the header',
      { secFetchSite: 'cross-site', origin: 'https://example.com' },
      'cross-site',
    ],
    ['CSRF-6: GET passes as a safe method', { method: 'GET', secFetchSite: 'cross-site' }, 'safe-method'],
    ['CSRF-6: HEAD passes as a safe method', { method: 'HEAD', secFetchSite: 'cross-site' }, 'safe-method'],
    ['CSRF-6: OPTIONS passes as a safe method', { method: 'OPTIONS', secFetchSite: 'cross-site' }, 'safe-method'],
    ...['PUT', 'PATCH', 'DELETE', 'TRACE', 'CONNECT', 'QUERY', 'PROPFIND', 'get', 'Head', 'GET ', '', 'X-CUSTOM'].map(
      (method): Row => [
        `CSRF-1: ${JSON.stringify(method)} is no safe method`,
        { method, secFetchSite: 'cross-site' },
        'cross-site',
      ],
    ),
    [
      'CSRF-9: a login form on another site is refused, cookie or not',
      { secFetchSite: 'cross-site', origin: 'https://evil.example' },
      'cross-site',
    ],
  ]
  for (const [name, request, verdict] of rows) {
    test(name, () => assert.equal(judgeOrigin({ ...post, ...request }, ownOrigins()), verdict))
  }
})

suite('T07: judgeOrigin by Origin and Host', () => {
  const rows: Row[] = [
    ['CSRF-3: neither header leaves it open', {}, 'unknown'],
    ['CSRF-3: also for a method of its own', { method: 'X-CUSTOM' }, 'unknown'],
    ['CSRF-2: the same origin passes', { origin: 'https://example.com' }, 'same-origin'],
    ['CSRF-2: another origin is refused', { origin: 'https://evil.example' }, 'cross-site'],
    ['CSRF-2: null is refused', { origin: 'null' }, 'cross-site'],
    ['CSRF-2: an empty value is refused', { origin: '' }, 'cross-site'],
    ['CSRF-2: another scheme is refused', { origin: 'http://example.com' }, 'cross-site'],
    ['CSRF-2: the scheme follows the connection', { origin: 'http://example.com', encrypted: false }, 'same-origin'],
    ['CSRF-2: https is another origin than http', { origin: 'https://example.com', encrypted: false }, 'cross-site'],
    ['CSRF-2: another port is refused', { origin: 'https://example.com:8443' }, 'cross-site'],
    ['CSRF-2: the same port passes', { origin: 'https://example.com:8443', host: 'example.com:8443' }, 'same-origin'],
    [
      'CSRF-2: the default port is no port in Host',
      { origin: 'https://example.com', host: 'example.com:443' },
      'same-origin',
    ],
    ['CSRF-2: the default port is no port in Origin', { origin: 'https://example.com:443' }, 'same-origin'],
    [
      'CSRF-2: the default port of http is none for https',
      { origin: 'https://example.com', host: 'example.com:80' },
      'cross-site',
    ],
    ['CSRF-2: a host is the same in any case', { origin: 'https://Example.COM', host: 'eXample.com' }, 'same-origin'],
    ['CSRF-2: a scheme in another case is no Origin of a browser', { origin: 'HTTPS://example.com' }, 'cross-site'],
    ['CSRF-2: an IPv6 host passes', { origin: 'https://[::1]:8443', host: '[::1]:8443' }, 'same-origin'],
    ['CSRF-2: a trailing dot is another host', { origin: 'https://example.com.' }, 'cross-site'],
    ['CSRF-2: a subdomain is another host', { origin: 'https://www.example.com' }, 'cross-site'],
    ['CSRF-2: our host as a prefix is another host', { origin: 'https://example.com.evil.example' }, 'cross-site'],
    ['CSRF-2: our host as a suffix is another host', { origin: 'https://evil-example.com' }, 'cross-site'],
    ['CSRF-2, golang/go#78563: a user name is refused', { origin: 'https://evil@example.com' }, 'cross-site'],
    ['CSRF-2, golang/go#78563: an empty user name is refused', { origin: 'https://@example.com' }, 'cross-site'],
    [
      'CSRF-2: a user name in both is refused',
      { origin: 'https://a@example.com', host: 'a@example.com' },
      'cross-site',
    ],
    ['CSRF-2: a trailing slash is refused', { origin: 'https://example.com/' }, 'cross-site'],
    ['CSRF-2: a path is refused', { origin: 'https://example.com/a' }, 'cross-site'],
    ['CSRF-2: a query is refused', { origin: 'https://example.com?a' }, 'cross-site'],
    ['CSRF-2: a fragment is refused', { origin: 'https://example.com#a' }, 'cross-site'],
    ['CSRF-2: two values are refused', { origin: 'https://example.com, https://example.com' }, 'cross-site'],
    ['CSRF-2: values with a space are refused', { origin: 'https://example.com https://evil.example' }, 'cross-site'],
    ['CSRF-2: a host alone is refused', { origin: 'example.com' }, 'cross-site'],
    ['CSRF-2: another kind of scheme is refused', { origin: 'chrome-extension://example.com' }, 'cross-site'],
    ['CSRF-2: a tab that URL parsers remove is refused', { origin: 'https://exam\tple.com' }, 'cross-site'],
    ['CSRF-2: backslashes that URL parsers turn are refused', { origin: 'https:\\\\example.com' }, 'cross-site'],
    ['CSRF-2: a percent-encoded host is refused', { origin: 'https://ex%61mple.com' }, 'cross-site'],
    [
      'CSRF-2: an endless value is refused',
      { origin: `https://${'a'.repeat(300)}`, host: 'a'.repeat(300) },
      'cross-site',
    ],
    ['CSRF-2: junk in both is refused', { origin: 'https://', host: '' }, 'cross-site'],
    ['CSRF-2: without Host nothing matches', { origin: 'https://example.com', host: null }, 'cross-site'],
    ['CSRF-6: a safe method passes', { method: 'GET', origin: 'https://evil.example' }, 'safe-method'],
  ]
  for (const [name, request, verdict] of rows) {
    test(name, () => assert.equal(judgeOrigin({ ...post, ...request }, ownOrigins()), verdict))
  }
})

suite('T07: judgeOrigin with configured origins', () => {
  const own = ownOrigins(['https://example.com', 'https://app.example:8443'])
  const rows: Row[] = [
    ['CSRF-2: a configured origin passes', { origin: 'https://example.com' }, 'same-origin'],
    [
      'CSRF-2: a configured origin passes whatever Host says',
      { origin: 'https://example.com', host: '10.0.0.7:3000', encrypted: false },
      'same-origin',
    ],
    [
      'CSRF-2: a Host that fits the origin does not help',
      { origin: 'https://evil.example', host: 'evil.example' },
      'cross-site',
    ],
    [
      'CSRF-4: a configured origin passes from another site',
      { secFetchSite: 'cross-site', origin: 'https://app.example:8443' },
      'same-origin',
    ],
    [
      'CSRF-4: a configured origin passes from the same site',
      { secFetchSite: 'same-site', origin: 'https://example.com' },
      'same-origin',
    ],
    [
      'CSRF-4: without its port it is another',
      { secFetchSite: 'cross-site', origin: 'https://app.example' },
      'cross-site',
    ],
    ['CSRF-4: its subdomain is another', { secFetchSite: 'cross-site', origin: 'https://a.example.com' }, 'cross-site'],
    ['CSRF-4: with http it is another', { secFetchSite: 'cross-site', origin: 'http://example.com' }, 'cross-site'],
    ['CSRF-4: another site without Origin is refused', { secFetchSite: 'cross-site' }, 'cross-site'],
    ['CSRF-4: another site with null is refused', { secFetchSite: 'cross-site', origin: 'null' }, 'cross-site'],
    [
      'CSRF-4: a user name before it is refused',
      { secFetchSite: 'cross-site', origin: 'https://a@example.com' },
      'cross-site',
    ],
    ['CSRF-3: neither header leaves it open', {}, 'unknown'],
  ]
  for (const [name, request, verdict] of rows) {
    test(name, () => assert.equal(judgeOrigin({ ...post, ...request }, own), verdict))
  }

  test('CSRF-2: with any headers, only what a browser sends for our origin passes an unsafe method', () => {
    const piece = fc.constantFrom(
      'https://',
      'http://',
      'example.com',
      'evil.example',
      ':443',
      ':80',
      ':8443',
      '@',
      '/',
      '.',
      ' ',
      ',',
      'null',
      '\t',
    )
    const text = fc.oneof(
      fc.array(piece, { maxLength: 5 }).map(all => all.join('')),
      fc.string({ unit: 'binary' }),
      fc.webUrl(),
    )
    const request = fc.record({
      method: fc.oneof(fc.constantFrom('POST', 'PUT', 'DELETE'), fc.string()),
      secFetchSite: fc.option(fc.oneof(fc.constantFrom('same-origin', 'none', 'same-site', 'cross-site'), text), {
        nil: undefined,
      }),
      origin: fc.option(text, { nil: undefined }),
      host: fc.option(text, { nil: null }),
      encrypted: fc.boolean(),
    })
    const canonical = /^https:\/\/(?:example\.com(?::443)?|app\.example:8443)$/i
    fc.assert(
      fc.property(request, evidence => {
        const verdict = judgeOrigin(evidence, own)
        if (['GET', 'HEAD', 'OPTIONS'].includes(evidence.method)) return assert.equal(verdict, 'safe-method')
        if (['same-origin', 'none'].includes(evidence.secFetchSite ?? '')) return assert.equal(verdict, 'same-origin')
        if (evidence.secFetchSite === undefined && evidence.origin === undefined)
          return assert.equal(verdict, 'unknown')
        assert.equal(verdict, canonical.test(evidence.origin ?? '') ? 'same-origin' : 'cross-site')
      }),
      { numRuns },
    )
  })

  test('CSRF-2: without configured origins, what passes by Host is one origin to a URL parser too', () => {
    const label = fc.constantFrom('example.com', 'EXAMPLE.com', '[::1]', '10.0.0.1', 'a@b', 'x/y', '', 'a b')
    const port = fc.constantFrom('', ':443', ':80', ':8443', ':0', ':')
    fc.assert(
      fc.property(
        label,
        port,
        label,
        port,
        fc.constantFrom('http', 'https'),
        fc.boolean(),
        (host, p, other, q, scheme, encrypted) => {
          const origin = `${scheme}://${other}${q}`
          const verdict = judgeOrigin({ ...post, origin, host: host + p, encrypted }, ownOrigins())
          if (verdict === 'same-origin') {
            assert.equal(new URL(origin).origin, new URL(`${encrypted ? 'https' : 'http'}://${host}${p}`).origin)
          }
        },
      ),
      { numRuns },
    )
  })
})

suite('ownOrigins', () => {
  const accepted = [
    'https://example.com',
    'https://example.com:8080',
    'http://localhost:3000',
    'https://[::1]:8443',
    'https://xn--bcher-kva.example',
  ]
  for (const origin of accepted) {
    test(`CSRF-4: ${origin} is an origin`, () => assert.deepEqual([...ownOrigins([origin])], [origin]))
  }
  test('CSRF-4: none is fine', () => assert.equal(ownOrigins().size, 0))

  const refused: readonly (readonly [name: string, origin: unknown, suggestion: string])[] = [
    ['no scheme', 'example.com', 'https://example.com'],
    ['no host', 'https://', 'https://example.com'],
    ['a trailing slash', 'https://shop.example/', 'https://shop.example'],
    ['a path', 'https://shop.example/path', 'https://shop.example'],
    ['a query', 'https://shop.example?query=value', 'https://shop.example'],
    ['a fragment', 'https://shop.example#fragment', 'https://shop.example'],
    ['a user name', 'https://user@shop.example', 'https://shop.example'],
    ['an empty user name', 'https://@shop.example', 'https://shop.example'],
    ['a space in the host', 'https://ex ample.com', 'https://example.com'],
    ['nothing', '', 'https://example.com'],
    ['null', 'null', 'https://example.com'],
    ['a wildcard host', 'https://*.example.com', 'https://example.com'],
    ['a wildcard alone', '*', 'https://example.com'],
    ['an empty label', 'https://a..example', 'https://example.com'],
    ['an address in another spelling', 'https://127.1', 'https://127.0.0.1'],
    ['letters outside ASCII', 'https://bücher.example', 'https://xn--bcher-kva.example'],
    ['two in one', 'https://a.example,https://b.example', 'https://example.com'],
    ['another kind of scheme', 'ftp://example.com', 'https://example.com'],
    ['a port out of range', 'https://example.com:99999', 'https://example.com'],
    ['another type', 7, 'https://example.com'],
  ]
  for (const [name, origin, suggestion] of refused) {
    test(`CSRF-4: refused: ${name}`, () => {
      assert.throws(
        () => ownOrigins(['https://good.example', origin as string]),
        error =>
          error instanceof UsageError &&
          error.message.startsWith('csrf.origins:') &&
          error.message.includes(`for example '${suggestion}'`),
      )
    })
  }
  test('CSRF-4: a text instead of a list is refused', () => {
    assert.throws(() => ownOrigins('https://example.com' as unknown as string[]), UsageError)
  })
  test('CSRF-4: the default port and capitals are written as browsers send them', () => {
    assert.deepEqual([...ownOrigins(['https://Example.com:443'])], ['https://example.com'])
  })
})

suite('CSRF-7: the session-bound token', () => {
  const key = createSecretKey(randomBytes(32))
  const otherKey = createSecretKey(randomBytes(32))
  const mint = (binding = 'session-a') => mintCsrfToken(key, binding, randomBytes)
  const differently = (token: string, at: number) =>
    token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)

  test('a token is good for its own session and key', () => {
    assert.equal(verifyCsrfToken(key, 'session-a', mint()), true)
  })
  test('BREACH: every rendering differs, in every part, and all are good', () => {
    const tokens = Array.from({ length: 50 }, () => mint())
    assert.equal(new Set(tokens.map(token => token.slice(0, 20))).size, tokens.length)
    assert.equal(new Set(tokens.map(token => token.slice(-20))).size, tokens.length)
    assert.ok(tokens.every(token => verifyCsrfToken(key, 'session-a', token)))
  })
  test('ASVS 11.5.1: the random part is 16 bytes of the given source', () => {
    const sizes: number[] = []
    const token = mintCsrfToken(key, 'session-a', size => {
      sizes.push(size)
      return Buffer.alloc(size, 7)
    })
    assert.deepEqual(sizes, [16])
    assert.deepEqual(Buffer.from(token, 'base64url').subarray(0, 16), Buffer.alloc(16, 7))
  })

  const good = mint()
  const rows: readonly (readonly [name: string, token: unknown])[] = [
    ['of another session', mint('session-b')],
    ['of a session whose name only continues ours', mint('session-aa')],
    ['of no session', mint('')],
    ['under another key', mintCsrfToken(otherKey, 'session-a', randomBytes)],
    ['a character changed at the start', differently(good, 0)],
    ['a character changed in the middle', differently(good, 30)],
    ['a character changed at the end', differently(good, 63)],
    ['one character short', good.slice(0, -1)],
    ['one character long', `${good}A`],
    ['padded', `${good}=`],
    ['with a line break at the end', `${good}\n`],
    ['with a space before', ` ${good}`],
    ['in the other base64 alphabet', '+'.repeat(64)],
    ['with a space inside', `${good.slice(0, 32)} ${good.slice(33)}`],
    [
      'the proof without length prefix',
      (() => {
        const salt = randomBytes(16)
        return Buffer.concat([salt, createHmac('sha256', key).update('session-a').update(salt).digest()]).toString(
          'base64url',
        )
      })(),
    ],
    ['empty', ''],
    ['undefined', undefined],
    ['null', null],
    ['a number', 7],
    ['a list of the good one', [good]],
    ['an object that turns into the good one', { toString: () => good, length: 64 }],
    ['a String object', new String(good)],
    ['bytes', Buffer.from(good)],
  ]
  for (const [name, token] of rows) {
    test(`refused: ${name}`, () => assert.equal(verifyCsrfToken(key, 'session-a', token), false))
  }

  test('a good token has exactly one spelling, and nothing else is good', () => {
    const character = fc.constantFrom(...'ABCxyz019-_+/= \n\0é')
    fc.assert(
      fc.property(fc.nat(63), character, fc.anything(), (at, other, junk) => {
        const changed = good.slice(0, at) + other + good.slice(at + 1)
        assert.equal(verifyCsrfToken(key, 'session-a', changed), changed === good)
        assert.equal(verifyCsrfToken(key, 'session-a', junk), junk === good)
      }),
      { numRuns },
    )
  })
  test('no token of one binding is good for another', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        assert.equal(verifyCsrfToken(key, b, mint(a)), a === b)
      }),
      { numRuns },
    )
  })
})

suite('csrfTokenFrom', () => {
  const inherited = Object.create({ csrf_token: 't' })
  const trap = {
    get csrf_token(): string {
      throw new Error('a getter ran')
    },
  }
  const list = Object.assign(['x'], { csrf_token: 't' })
  const bare = Object.assign(Object.create(null), { csrf_token: 't' })
  type Headers = Parameters<typeof csrfTokenFrom>[0]
  const rows: readonly (readonly [name: string, headers: Headers, body: unknown, token: string | null])[] = [
    ['nothing', {}, undefined, null],
    ['the header X-CSRF-Token', { 'x-csrf-token': 't' }, undefined, 't'],
    ['the header X-CSRFToken', { 'x-csrftoken': 't' }, undefined, 't'],
    ['the form field', {}, { csrf_token: 't' }, 't'],
    ['the form field of an object without prototype, as parsers make it', {}, bare, 't'],
    ['the first header before the second', { 'x-csrf-token': 'a', 'x-csrftoken': 'b' }, { csrf_token: 'c' }, 'a'],
    ['a header before the field', { 'x-csrftoken': 'b' }, { csrf_token: 'c' }, 'b'],
    ['an empty header gives way to the field', { 'x-csrf-token': '' }, { csrf_token: 'c' }, 'c'],
    ['several values of a header are refused', { 'x-csrf-token': ['a', 'b'] }, { csrf_token: 'c' }, null],
    ['several values of the field are refused', {}, { csrf_token: ['a', 'a'] }, null],
    ['an empty field is none', {}, { csrf_token: '' }, null],
    ['a field of another type is none', {}, { csrf_token: 7 }, null],
    ['a field in another case is none', {}, { CSRF_TOKEN: 't' }, null],
    ['an inherited field is none', {}, inherited, null],
    ['a field of __proto__ is none', {}, JSON.parse('{"__proto__":{"csrf_token":"t"}}'), null],
    ['a getter does not run', {}, trap, null],
    ['a list is no form', {}, list, null],
    ['a text is no form', {}, 'csrf_token=t', null],
    ['null is no form', {}, null, null],
    ['CSRF-8: a cookie is no proof', { cookie: 'csrf_token=t; x-csrf-token=t' }, undefined, null],
    [
      'CSRF-8: the address is no place for a token',
      { referer: 'https://example.com/?csrf_token=t', ':path': '/?csrf_token=t' },
      undefined,
      null,
    ],
  ]
  for (const [name, headers, body, token] of rows) {
    test(name, () => assert.equal(csrfTokenFrom(headers, body), token))
  }

  test('any body gives a text that is its own field, or nothing', () => {
    const field = fc.oneof(fc.string(), fc.anything())
    const body = fc.oneof(
      fc.anything({ withNullPrototype: true }),
      fc.record({ csrf_token: field }, { requiredKeys: [] }),
    )
    fc.assert(
      fc.property(body, any => {
        const token = csrfTokenFrom({}, any)
        if (token === null) return
        assert.ok(typeof any === 'object' && any !== null && Object.hasOwn(any, 'csrf_token'))
        assert.equal((any as { csrf_token: unknown }).csrf_token, token)
      }),
      { numRuns },
    )
  })
})
