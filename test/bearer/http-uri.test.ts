import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { isSameTarget } from '../../src/bearer/http-uri.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 300)
const asked = 'https://api.example.com/a/b'

type Row = readonly [name: string, htu: string, asked: string, same: boolean]

const rows: Row[] = [
  ['equal addresses are the same', asked, asked, true],
  ['the query does not count', `${asked}?x=1`, `${asked}?y=2`, true],
  ['the fragment does not count', `${asked}#x`, asked, true],
  ['a question mark in the fragment is fragment', `${asked}#?/../x`, asked, true],
  ['a query right after the host is a query', 'https://api.example.com?x=/a', 'https://api.example.com/', true],
  ['the case of scheme and host does not count', 'HTTPS://API.Example.COM/a/b', asked, true],
  ['the default port of https does not count', 'https://api.example.com:443/a/b', asked, true],
  ['the default port of http does not count', 'http://api.example.com/', 'http://api.example.com:80/', true],
  ['an empty port is the default port', 'https://api.example.com:/a/b', asked, true],
  ['no path is the path /', 'https://api.example.com', 'https://api.example.com/', true],
  ['an escaped letter is the letter', 'https://api.example.com/%61/%62', asked, true],
  ['an escaped letter in the request is the letter', asked, 'https://api.example.com/%61/b', true],
  ['an escaped tilde is a tilde', 'https://h/%7Ea', 'https://h/~a', true],
  ['the case of an escape does not count', 'https://h/%c3%a9', 'https://h/%C3%A9', true],
  ['dot segments of the proof are resolved', 'https://api.example.com/x/../a/./b', asked, true],
  ['escaped dot segments of the proof are resolved', 'https://api.example.com/x/%2e%2E/a/b', asked, true],
  ['dots at the end leave a slash', 'https://h/a/b/..', 'https://h/a/', true],
  ['dots beyond the root stay at the root', 'https://h/../../a', 'https://h/a', true],
  ['IPv6 hosts work', 'https://[2001:DB8::1]:8443/a', 'https://[2001:db8::1]:8443/a', true],
  ['an empty segment is a segment', 'https://h/a//b', 'https://h/a//b', true],

  ['another path is another', 'https://api.example.com/a/c', asked, false],
  ['a longer path is another', `${asked}/c`, asked, false],
  ['a slash at the end counts', `${asked}/`, asked, false],
  ['a doubled slash counts', 'https://api.example.com/a//b', asked, false],
  ['the case of the path counts', 'https://api.example.com/A/b', asked, false],
  ['another host is another', 'https://api.example.org/a/b', asked, false],
  ['a subdomain is another', 'https://x.api.example.com/a/b', asked, false],
  ['a dot after the host counts', 'https://api.example.com./a/b', asked, false],
  ['another port is another', 'https://api.example.com:8443/a/b', asked, false],
  ['the port of the other scheme counts', 'https://api.example.com:80/a/b', asked, false],
  ['http is not https', 'http://api.example.com/a/b', asked, false],
  ['an escaped slash is no slash', 'https://api.example.com/a%2Fb', asked, false],
  ['an escaped question mark is no question mark', 'https://api.example.com/a/b%3Fx', asked, false],
  ['an escaped percent sign is not escaped twice', 'https://h/%2561', 'https://h/a', false],
  ['an escape that escapes nothing is no address', 'https://h/%6', 'https://h/%6', false],
  ['a user name is refused', 'https://me@api.example.com/a/b', asked, false],
  ['a host in front of an at sign is refused', 'https://api.example.com:x@evil.example/a/b', asked, false],
  ['a backslash is no slash', 'https:\\\\api.example.com\\a\\b', asked, false],
  ['a backslash before an at sign is refused', 'https://api.example.com\\@evil.example/a/b', asked, false],
  ['a tab is not skipped', 'https://api.example.com/a\t/b', asked, false],
  ['a space at the end is not skipped', `${asked} `, asked, false],
  ['a line break is refused, even on both sides', `${asked}\n`, `${asked}\n`, false],
  ['letters beyond ASCII are refused, even on both sides', 'https://h/é', 'https://h/é', false],
  ['a host beyond ASCII is refused', 'https://api。example.com/a/b', asked, false],
  ['another scheme is refused', 'ftp://h/a', 'ftp://h/a', false],
  ['no scheme is refused', '//h/a', '//h/a', false],
  ['a path alone is refused', '/a/b', '/a/b', false],
  ['nothing is refused', '', '', false],
  // Routers take such a path as it is; see the comment on isSameTarget.
  ['dot segments of the request are refused', 'https://h/public', 'https://h/admin/../public', false],
  ['escaped dot segments of the request are refused', 'https://h/public', 'https://h/admin/%2e%2e/public', false],
  ['dot segments are refused even when both have them', 'https://h/a/../b', 'https://h/a/../b', false],
]

suite('DP-1: the address of a proof', () => {
  for (const [name, htu, asked, same] of rows) test(name, () => assert.equal(isSameTarget(htu, asked), same))

  const piece = fc.constantFrom(
    'a',
    'A',
    'b',
    '~',
    '%61',
    '%2F',
    '%2f',
    '%25',
    '%7E',
    '/',
    '/',
    '.',
    '..',
    '?',
    '#',
    ':',
    '%',
  )
  const path = fc.array(piece, { maxLength: 12 }).map(pieces => `/${pieces.join('')}`)

  const anyText = fc
    .array(fc.integer({ max: 0xffff, min: 0 }), { maxLength: 80 })
    .map(codes => String.fromCharCode(...codes))

  test('what the browsers’ parser keeps apart is kept apart, but for escapes of letters', () => {
    // An independent reading: decode exactly the escapes of unreserved characters, then let the platform parse.
    const reading = (path: string) => {
      const decoded = path.replace(/%(41|61|62|7[eE]|2[eE])/g, text => decodeURIComponent(text))
      return new URL(`https://h${decoded}`).pathname.replace(/%[0-9a-f]{2}/gi, text => text.toUpperCase())
    }
    fc.assert(
      fc.property(path, path, (one, other) => {
        if (isSameTarget(`https://h${one}`, `https://h${other}`)) assert.equal(reading(one), reading(other))
      }),
      { numRuns: numRuns * 10 },
    )
  })

  test('an address without dots and broken escapes is the same as itself, whatever its query', () => {
    fc.assert(
      fc.property(path, path, (path, query) => {
        const plain = path.split(/[?#]/)[0] ?? ''
        fc.pre(!/%(?![0-9a-f]{2})/i.test(plain) && !plain.split('/').some(segment => /^\.{1,2}$/.test(segment)))
        assert.ok(isSameTarget(`https://h${plain}`, `https://h${plain}?${query}`))
      }),
      { numRuns },
    )
  })

  test('no text makes it throw, and a text of 100,000 characters takes no time', () => {
    fc.assert(
      fc.property(anyText, text => {
        isSameTarget(text, `https://h/${text}`)
        isSameTarget(`https://${text}`, asked)
      }),
      { numRuns },
    )
    for (const piece of ['a.', '%41', '../', ':', '[', '//', '%']) {
      isSameTarget(`https://${piece.repeat(50_000)}`, `https://h/${piece.repeat(50_000)}`)
    }
  })
})
