import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { Cookie, CookieJar } from 'tough-cookie'
import { UsageError } from '../../src/errors.ts'
import { duplicated, findCookie } from '../../src/http/cookie-header.ts'
import {
  appendSetCookie,
  maxCookieAgeSeconds,
  maxCookieBytes,
  type SessionCookieOptions,
  sessionCookie,
} from '../../src/http/set-cookie.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 300)

/** Options as a program without types could pass them. */
const untyped = (options: object) => options as SessionCookieOptions

suite('sessionCookie', () => {
  const written: readonly (readonly [name: string, options: SessionCookieOptions, header: string])[] = [
    [
      'ASVS 3.3.1, 3.3.3, 3.3.4, CK-8, WSTG-SESS-02: the default is host-only, Secure, HttpOnly, Lax, for the whole site',
      {},
      '__Host-Http-sid=v; Path=/; Secure; HttpOnly; SameSite=Lax',
    ],
    [
      'WSTG-SESS-02: Strict on request',
      { sameSite: 'strict' },
      '__Host-Http-sid=v; Path=/; Secure; HttpOnly; SameSite=Strict',
    ],
    ['another name keeps the prefix', { name: 'shop' }, '__Host-Http-shop=v; Path=/; Secure; HttpOnly; SameSite=Lax'],
    [
      'ASVS 3.3.1: a shared domain falls back to __Secure-',
      { domain: 'example.com' },
      '__Secure-sid=v; Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax',
    ],
    [
      'a shared domain may narrow the path',
      { domain: 'example.com', path: '/shop' },
      '__Secure-sid=v; Path=/shop; Domain=example.com; Secure; HttpOnly; SameSite=Lax',
    ],
    [
      'ASVS 3.3.2: None with its confirmation',
      { sameSite: 'none', insecureSameSiteNone: true },
      '__Host-Http-sid=v; Path=/; Secure; HttpOnly; SameSite=None',
    ],
    [
      'plain HTTP drops Secure and prefix, and nothing else',
      { insecureHttp: true },
      'sid=v; Path=/; HttpOnly; SameSite=Lax',
    ],
  ]
  for (const [name, options, header] of written) {
    test(name, () => assert.equal(sessionCookie(options).set('v'), header))
  }

  test('WSTG-SESS-01d: without a life the cookie is transient, with one it has Max-Age', () => {
    const cookie = sessionCookie()
    assert.doesNotMatch(cookie.set('v'), /Max-Age|Expires/)
    assert.equal(cookie.set('v', 60), '__Host-Http-sid=v; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax')
  })

  const refused: readonly (readonly [name: string, options: object, message: RegExp])[] = [
    ['CK-1: no empty name', { name: '' }, /cookie\.name/],
    ['CK-1: no semicolon in the name', { name: 'a;b' }, /cookie\.name/],
    ['CK-1: no equals sign in the name', { name: 'a=b' }, /cookie\.name/],
    ['CK-1: no space in the name', { name: 'a b' }, /cookie\.name/],
    ['CK-1: no line break in the name', { name: 'a\r\nb' }, /cookie\.name/],
    ['CK-1: no trailing line break in the name', { name: 'a\n' }, /cookie\.name/],
    ['CK-1: no letter outside ASCII in the name', { name: 'sïd' }, /cookie\.name/],
    ['CK-1: no name of another type', { name: 7 }, /cookie\.name/],
    ['a name has at most 64 characters', { name: 'a'.repeat(65) }, /cookie\.name/],
    [
      'ASVS 3.3.3: a name that brings its own prefix is told to leave it out',
      { name: '__Host-sid' },
      /without prefix: use 'sid'/,
    ],
    ['CK-7: also in another case', { name: '__hOsT-hTTp-id' }, /without prefix: use 'id'/],
    ['CK-7: also __Http-', { name: '__Http-id' }, /without prefix: use 'id'/],
    ['ASVS 3.3.3: another path without domain', { path: '/app' }, /cookie\.path must be '\/'/],
    ['CK-3: a path over 1024 bytes', { domain: 'example.com', path: `/${'a'.repeat(1024)}` }, /cookie\.path/],
    ['CK-1: a path that smuggles an attribute', { domain: 'example.com', path: '/;Domain=com' }, /cookie\.path/],
    ['a path that is none', { domain: 'example.com', path: 'shop' }, /cookie\.path/],
    ['a domain with leading dot', { domain: '.example.com' }, /cookie\.domain/],
    ['a domain with port', { domain: 'example.com:443' }, /cookie\.domain/],
    ['a domain that is an address', { domain: '127.0.0.1' }, /cookie\.domain/],
    ['a domain of one label', { domain: 'localhost' }, /cookie\.domain/],
    ['CK-1: a domain that smuggles an attribute', { domain: 'example.com; Secure=no' }, /cookie\.domain/],
    ['an empty domain', { domain: '' }, /cookie\.domain/],
    ['CK-12: an unknown SameSite', { sameSite: 'Lax' }, /cookie\.sameSite must be 'lax'/],
    ['CK-12: SameSite switched off', { sameSite: false }, /cookie\.sameSite must be 'lax'/],
    ['CK-12: SameSite by an inherited name', { sameSite: 'constructor' }, /cookie\.sameSite must be 'lax'/],
    ['ASVS 3.3.2: None without its confirmation', { sameSite: 'none' }, /insecureSameSiteNone/],
    ['ASVS 3.3.2: a confirmation of nothing', { insecureSameSiteNone: true }, /insecureSameSiteNone/],
    [
      'ASVS 3.3.2: None without HTTPS',
      { sameSite: 'none', insecureSameSiteNone: true, insecureHttp: true },
      /insecureHttp/,
    ],
  ]
  for (const [name, options, message] of refused) {
    test(`refused: ${name}`, () => {
      assert.throws(
        () => sessionCookie(untyped(options)),
        error => error instanceof UsageError && message.test(error.message),
      )
    })
  }

  test('impossible options do not compile', () => {
    // @ts-expect-error __Host- demands Path=/
    assert.throws(() => sessionCookie({ path: '/app' }))
    // @ts-expect-error None needs its confirmation
    assert.throws(() => sessionCookie({ sameSite: 'none' }))
    // @ts-expect-error lower case only
    assert.throws(() => sessionCookie({ sameSite: 'Lax' }))
  })

  test('ASVS 3.3.5, CK-3: name and value of 4096 bytes are written, of 4097 refused', () => {
    const cookie = sessionCookie()
    const largest = 'v'.repeat(maxCookieBytes - cookie.name.length)
    assert.ok(cookie.set(largest).startsWith(`${cookie.name}=${largest};`))
    assert.throws(
      () => cookie.set(`${largest}v`),
      error => error instanceof UsageError && /4097 bytes/.test(error.message) && !error.message.includes('vvvv'),
    )
  })

  const lives: readonly (readonly [seconds: number, allowed: boolean])[] = [
    [1, true],
    [maxCookieAgeSeconds, true],
    [maxCookieAgeSeconds + 1, false],
    [0, false],
    [-1, false],
    [1.5, false],
    [Number.NaN, false],
    [Number.POSITIVE_INFINITY, false],
  ]
  for (const [seconds, allowed] of lives) {
    test(`CK-5: a life of ${seconds} seconds is ${allowed ? 'written' : 'refused'}`, () => {
      const set = () => sessionCookie().set('v', seconds)
      if (allowed) assert.match(set(), new RegExp(`; Max-Age=${seconds};`))
      else assert.throws(set, UsageError)
    })
  }

  const forbidden = ['\r', '\n', '\0', ' ', '\t', '"', ',', ';', '\\', '\x7f', 'é', '\u2028', '🍪']
  for (const character of forbidden) {
    test(`CK-1: ${JSON.stringify(character)} in a value is refused, and the message does not tell the value`, () => {
      for (const value of [`secret${character}`, `${character}secret`]) {
        assert.throws(
          () => sessionCookie().set(value),
          error => error instanceof UsageError && !error.message.includes('secret'),
        )
      }
    })
  }

  // RFC 6265bis 4.1.1, written out independently of the code.
  const grammar =
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]+=[\x21\x23-\x2B\x2D-\x3A\x3C-\x5B\x5D-\x7E]*(; (Max-Age=[1-9][0-9]*|Path=\/[\x20-\x3A\x3C-\x7E]*|Domain=[a-z0-9.-]+|Secure|HttpOnly|SameSite=(Lax|Strict|None)))+$/

  test('CK-1: whatever goes in, what comes out matches the grammar and holds no attribute twice, or it is refused', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.base64String())
    const options = fc.record(
      {
        name: fc.oneof(text, fc.constant('sid')),
        domain: fc.oneof(text, fc.constant('example.com')),
        path: fc.oneof(
          text.map(tail => `/${tail}`),
          fc.constant('/'),
        ),
        sameSite: fc.oneof(text, fc.constantFrom('lax', 'strict', 'none')),
        insecureSameSiteNone: fc.boolean(),
        insecureHttp: fc.boolean(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(
        options,
        text,
        fc.option(fc.oneof(fc.double(), fc.integer()), { nil: undefined }),
        (any, value, life) => {
          let header: string
          try {
            header = sessionCookie(untyped(any)).set(value, life)
          } catch (error) {
            assert.ok(error instanceof UsageError)
            return
          }
          assert.match(header, grammar)
          const attributes = header
            .split('; ')
            .slice(1)
            .map(attribute => attribute.split('=')[0])
          assert.equal(new Set(attributes).size, attributes.length)
        },
      ),
      { numRuns },
    )
  })
})

suite('T03: a conforming cookie jar', () => {
  const https = 'https://app.example.com/shop/cart'
  const scopes: readonly (readonly [name: string, options: SessionCookieOptions, url: string])[] = [
    ['host-only', {}, https],
    ['strict', { sameSite: 'strict' }, https],
    ['shared domain', { domain: 'example.com' }, https],
    ['shared domain with path', { domain: 'example.com', path: '/shop' }, https],
    ['plain HTTP', { insecureHttp: true }, 'http://localhost:3000/'],
  ]
  for (const [name, options, url] of scopes) {
    test(`CK-8, CK-6: keeps the cookie (${name}), sends it back as it was, and loses it by the deletion`, async () => {
      const jar = new CookieJar(undefined, { prefixSecurity: 'strict' })
      const cookie = sessionCookie(options)
      await jar.setCookie(cookie.set('token-1', 60), url)
      await jar.setCookie(cookie.set('token-2'), url)
      assert.equal(findCookie(await jar.getCookieString(url), cookie.name), 'token-2')
      await jar.setCookie(cookie.clear(), url)
      assert.equal(await jar.getCookieString(url), '')
    })
  }

  test('CK-6: the deletion differs from the cookie only in value and life', () => {
    for (const [, options] of scopes) {
      const cookie = sessionCookie(options)
      const written = Cookie.parse(cookie.set('x'))
      const deleted = Cookie.parse(cookie.clear())
      assert.equal(deleted?.maxAge, 0)
      assert.ok(deleted.expires instanceof Date && deleted.expires.getTime() === 0)
      for (const field of ['key', 'domain', 'path', 'secure', 'httpOnly', 'sameSite'] as const) {
        assert.equal(deleted[field], written?.[field], field)
      }
    }
  })

  test('CK-8: a sibling cannot plant a cookie of our name', async () => {
    const jar = new CookieJar(undefined, { prefixSecurity: 'strict' })
    const planted = '__Host-Http-sid=evil; Domain=example.com; Path=/; Secure; HttpOnly'
    await assert.rejects(jar.setCookie(planted, 'https://evil.example.com/'))
    assert.equal(await jar.getCookieString(https), '')
  })
})

suite('appendSetCookie', () => {
  const ours = '__Host-Http-sid=new; Path=/'
  const rows: readonly (readonly [name: string, existing: number | string | string[] | undefined, result: string[]])[] =
    [
      ['the first cookie stands alone', undefined, [ours]],
      ['a cookie of the application stays before ours', 'theme=dark', ['theme=dark', ours]],
      ['several cookies of the application keep their order', ['a=1; Path=/', 'b=2'], ['a=1; Path=/', 'b=2', ours]],
      ['CK-2: an earlier one of our name is replaced', '__Host-Http-sid=old; Max-Age=9', [ours]],
      ['CK-2: several earlier ones are replaced', ['__Host-Http-sid=1', 'a=1', '__Host-Http-sid=2'], ['a=1', ours]],
      ['CK-2: also one with space around the name, which browsers trim', '\t __Host-Http-sid =old', [ours]],
      ['CK-7: one in another case is another cookie', '__host-http-sid=x', ['__host-http-sid=x', ours]],
      ['our name in a value of another cookie is another cookie', 'a=__Host-Http-sid=x', ['a=__Host-Http-sid=x', ours]],
      ['our name in an attribute is another cookie', 'a; __Host-Http-sid=x', ['a; __Host-Http-sid=x', ours]],
      ['a number, which Node allows as a header, stays', 5, ['5', ours]],
      ['no earlier cookies in a list', [], [ours]],
    ]
  for (const [name, existing, result] of rows) {
    test(name, () => {
      const before = structuredClone(existing)
      assert.deepEqual(appendSetCookie(existing, ours), result)
      assert.deepEqual(existing, before, 'the list that is passed in is not changed')
    })
  }

  test('CK-2: whatever a response had, one cookie of our name is left: the last', () => {
    const cookie = sessionCookie()
    const any = fc.oneof(
      fc.string(),
      fc.string().map(value => `${cookie.name}=${value}`),
    )
    fc.assert(
      fc.property(fc.array(any), existing => {
        const all = appendSetCookie(existing, cookie.set('v'))
        assert.equal(all.at(-1), cookie.set('v'))
        assert.notEqual(findCookie(all.map(text => text.split(';')[0]).join('; '), cookie.name), duplicated)
      }),
      { numRuns },
    )
  })
})
