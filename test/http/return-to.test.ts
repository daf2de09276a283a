import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { safeReturnTo } from '../../src/http/return-to.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 300)
const fallback = '/dashboard'
const own = 'https://own.example'

suite('T25, ASVS 3.7.2: safeReturnTo', () => {
  const kept: readonly (readonly [name: string, value: string])[] = [
    ['the front page', '/'],
    ['a path', '/orders/12'],
    ['a query', '/search?q=a+b&sort=%C3%A9'],
    ['an address inside a query', '/login?next=https%3A%2F%2Fevil.example%2F'],
    ['a double slash inside a query', '/proxy?u=https://evil.example'],
    ['a query in another character set', '/search?q=%E9'],
    ['a line break inside a query, encoded', '/note?text=a%0Ab'],
    ['a fragment', '/orders#last'],
    ['encoded letters', '/caf%C3%A9'],
    ['a dot segment', '/a/../b'],
    ['a colon', '/a:b'],
    ['an at sign', '/@alice'],
    ['2,048 characters', `/${'a'.repeat(2047)}`],
  ]
  for (const [name, value] of kept) {
    test(`kept: ${name}`, () => assert.equal(safeReturnTo(value, fallback), value))
  }

  const refused: readonly (readonly [name: string, value: unknown])[] = [
    ['nothing', ''],
    ['no text', undefined],
    ['several values', ['/a', '/b']],
    ['an object that turns into a path', { toString: () => '/a' }],
    ['a relative path', 'orders'],
    ['an address', 'https://evil.example/'],
    ['another host by two slashes', '//evil.example'],
    ['another host by three slashes', '///evil.example'],
    ['another host by slash and backslash', '/\\evil.example'],
    ['another host by two backslashes', '\\\\evil.example'],
    ['a backslash anywhere', '/a\\b'],
    ['a backslash in the query', '/a?b\\c'],
    ['a scheme without slashes', 'https:evil.example'],
    ['a script', 'javascript:alert(1)'],
    ['a script in another case after a space', ' JavaScript:alert(1)'],
    ['data', 'data:text/html,x'],
    ['user name and host', 'https://own.example@evil.example/'],
    ['a host after our origin', '@evil.example'],
    ['a port after our origin', ':80/'],
    ['a dot after our origin', '.evil.example'],
    ['an encoded second slash', '/%2fevil.example'],
    ['encoded slashes', '/%2f%2Fevil.example'],
    ['an encoded backslash', '/%5cevil.example'],
    ['an encoded backslash in capitals', '/%5Cevil.example'],
    ['an encoded backslash after a segment', '/a/%5c%5cevil.example'],
    ['a tab that browsers remove', '/\t/evil.example'],
    ['a line break that browsers remove', '/\n/evil.example'],
    ['an encoded tab', '/%09/evil.example'],
    ['an encoded line break', '/%0d%0aSet-Cookie:a=b'],
    ['an encoded space at the start', '/%20/evil.example'],
    ['a leading space', ' /a'],
    ['a trailing line break', '/a\n'],
    ['a line break that splits the header', '/a\r\nSet-Cookie: sid=x'],
    ['NUL', '/a\0'],
    ['DEL', '/a\x7f'],
    ['a raw letter outside ASCII, which no header carries', '/café'],
    ['a full-width slash', '/\uff0fevil.example'],
    ['a dot segment before two slashes', '/..//evil.example'],
    ['a current-directory segment before two slashes', '/.//evil.example'],
    ['an encoded dot segment before two slashes', '/%2e%2e//evil.example'],
    ['an encoded question mark before two slashes', '/%3f//evil.example'],
    ['a malformed escape', '/%zz'],
    ['an escape that is no UTF-8', '/%ff'],
    ['2,049 characters', `/${'a'.repeat(2048)}`],
  ]
  for (const [name, value] of refused) {
    test(`refused: ${name}`, () => assert.equal(safeReturnTo(value, fallback), fallback))
  }

  const decoded = (text: string) => {
    try {
      return decodeURIComponent(text)
    } catch {
      return text
    }
  }
  const pieces = [
    '/',
    '//',
    '\\',
    '%2f',
    '%2F',
    '%5c',
    '%09',
    '%0a',
    '%00',
    '%2e',
    '..',
    '.',
    '?',
    '#',
    '%3f',
    '%23',
    '@',
    ':',
  ]
  const hostile = fc
    .array(
      fc.oneof(fc.constantFrom(...pieces, 'evil.example', '\t', '\n', ' ', 'https:', '%25', '\uff0f'), fc.string()),
      { maxLength: 12 },
    )
    .map(all => all.join(''))
  const anyInput = fc.oneof(
    hostile,
    hostile.map(text => `/${text}`),
    fc.webUrl(),
    fc.string({ unit: 'binary' }),
    fc.anything(),
  )

  test('whatever comes in, what comes out leads to our origin, also after one percent-decoding', () => {
    fc.assert(
      fc.property(anyInput, value => {
        const result = safeReturnTo(value, fallback)
        for (const target of [result, decoded(result)]) {
          const url = new URL(target, own)
          assert.equal(url.origin, own)
          // The parsed path is safe to send on as well: dot segments have not moved two slashes to its start.
          assert.doesNotMatch(url.pathname, /^\/[/\\]/)
        }
      }),
      { numRuns },
    )
  })

  test('what comes out can stand in a header, and a kept value stays kept', () => {
    fc.assert(
      fc.property(anyInput, value => {
        const result = safeReturnTo(value, fallback)
        assert.match(result, /^[\x21-\x7e]+$/)
        assert.equal(safeReturnTo(result, '/other'), result)
      }),
      { numRuns },
    )
  })
})
