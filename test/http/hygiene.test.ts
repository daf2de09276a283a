import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { Refusal } from 'latchkey'
import {
  type AlsoCleared,
  cacheControlFor,
  type ExistingHeader,
  mergeVary,
  signOutHeaders,
} from '../../src/http/hygiene.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 300)
const anyHeader = fc.oneof(
  fc.constant(undefined),
  fc.nat(),
  fc.string(),
  fc.array(fc.string()),
  fc.array(
    fc.constantFrom('no-store', 'PRIVATE', 'public', 'max-age=60', 'Cookie', '*', '', 'private="a, no-store, b"'),
  ),
)

suite('mergeVary', () => {
  const rows: readonly (readonly [name: string, existing: ExistingHeader, merged: string])[] = [
    ['ASVS 14.2.2: without a header it is ours alone', undefined, 'Cookie'],
    ['an empty header is like none', '', 'Cookie'],
    ['the names of the application stay', 'Accept-Encoding', 'Accept-Encoding, Cookie'],
    ['a name is never there twice', 'Cookie, Accept', 'Cookie, Accept'],
    ['a name is never there twice, whatever its case', 'accept, COOKIE', 'accept, COOKIE'],
    ['a longer name is another name', 'Cookie2', 'Cookie2, Cookie'],
    ['a list of headers is one list', ['Accept', 'Origin, Cookie'], 'Accept, Origin, Cookie'],
    ['a star stays', '*', '*'],
    ['a star among others stays alone', 'Accept, *', '*'],
  ]
  for (const [name, existing, merged] of rows) {
    test(name, () => assert.equal(mergeVary(existing, 'Cookie'), merged))
  }

  test('CSRF-10: a refusal varies on what it was decided by', () => {
    const { vary } = new Refusal('csrf-cross-site', 'no').headers
    assert.deepEqual(vary?.split(', ').sort(), ['Origin', 'Sec-Fetch-Site'])
  })

  test('merging again changes nothing', () => {
    fc.assert(
      fc.property(anyHeader, existing => {
        const once = mergeVary(existing, 'Cookie')
        assert.equal(mergeVary(once, 'Cookie'), once)
        const names = once.toLowerCase().split(', ')
        assert.equal(new Set(names).size, names.length)
        assert.ok(once === '*' || names.includes('cookie'))
      }),
      { numRuns },
    )
  })
})

suite('cacheControlFor', () => {
  const rows: readonly (readonly [name: string, existing: ExistingHeader, plain: string, withToken: string])[] = [
    ['ASVS 14.3.2, CC-1: no header of the application', undefined, 'no-store', 'no-store'],
    ['an empty header', '', 'no-store', 'no-store'],
    ['ASVS 14.2.2: public is replaced', 'public, max-age=3600', 'no-store', 'no-store'],
    ['ASVS 14.2.2: a life without private is replaced', 'max-age=3600', 'no-store', 'no-store'],
    ['ASVS 14.2.2: no-cache may still be stored and is replaced', 'no-cache', 'no-store', 'no-store'],
    [
      'WSTG-SESS-04b: private is the choice of the application, but not beside a token',
      'private, max-age=60',
      'private, max-age=60',
      'no-store',
    ],
    ['private in any case', 'Private', 'Private', 'no-store'],
    ['private taken back by public is replaced', 'private, public', 'no-store', 'no-store'],
    ['private for one field only is replaced', 'private="set-cookie"', 'no-store', 'no-store'],
    ['a quoted no-store is none', 'max-age=60, ext="a, no-store, b"', 'no-store', 'no-store'],
    [
      'the no-store of the application stays as it is',
      'No-Store, max-age=0',
      'No-Store, max-age=0',
      'No-Store, max-age=0',
    ],
    ['a directive that only starts like it is another', 'no-store-please', 'no-store', 'no-store'],
    ['several headers are one list', ['private', 'max-age=5'], 'private, max-age=5', 'no-store'],
  ]
  for (const [name, existing, plain, withToken] of rows) {
    test(name, () => {
      assert.equal(cacheControlFor(existing), plain)
      assert.equal(cacheControlFor(existing, true), withToken)
    })
  }

  test('ASVS 14.2.2: whatever the application said, no shared cache may store the answer', () => {
    fc.assert(
      fc.property(anyHeader, fc.boolean(), (existing, setsToken) => {
        const directives = cacheControlFor(existing, setsToken).toLowerCase().split(', ')
        const isPrivate = directives.includes('private') && !directives.includes('public')
        assert.ok(directives.includes('no-store') || (isPrivate && !setsToken))
      }),
      { numRuns },
    )
  })
})

suite('signOutHeaders', () => {
  const rows: readonly (readonly [
    name: string,
    encrypted: boolean,
    also: readonly AlsoCleared[],
    value: string | undefined,
  ])[] = [
    ['CSD-1, CSD-2, ASVS 14.3.1: the default clears storage, quoted', true, [], '"storage"'],
    ['CSD-1: nothing over plain HTTP', false, [], undefined],
    ['CSD-3: the cache on request', true, ['cache'], '"storage", "cache"'],
    ['CSD-2: the cookies on request', true, ['cookies', 'cookies'], '"storage", "cookies"'],
  ]
  for (const [name, encrypted, also, value] of rows) {
    test(name, () => assert.equal(signOutHeaders(encrypted, also)['clear-site-data'], value))
  }
})
