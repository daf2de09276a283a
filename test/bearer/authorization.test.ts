import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { readAuthorization } from '../../src/bearer/authorization.ts'

const runs = Number(process.env.FUZZ_RUNS ?? 2_000)

describe('the header Authorization', () => {
  const rows: readonly [header: string | undefined, read: ReturnType<typeof readAuthorization>][] = [
    [undefined, null],
    ['', null],
    ['Basic YTpi', null],
    ['Bearerabc', null],
    ['Bearer abc', { scheme: 'bearer', token: 'abc' }],
    ['bEaReR a.b-c_d~e+f/g==', { scheme: 'bearer', token: 'a.b-c_d~e+f/g==' }],
    ['DPoP abc', { scheme: 'dpop', token: 'abc' }],
    ['Bearer', 'malformed'],
    ['Bearer ', 'malformed'],
    ['Bearer  abc', 'malformed'],
    ['Bearer abc ', 'malformed'],
    ['Bearer a b', 'malformed'],
    ['Bearer a,b', 'malformed'],
    ['Bearer a=b', 'malformed'],
    ['Bearer "abc"', 'malformed'],
    ['Bearer abc\n', 'malformed'],
    ['Bearer äbc', 'malformed'],
    ['DPoP abc, Bearer abc', 'malformed'],
  ]
  for (const [header, read] of rows) {
    it(`${JSON.stringify(header)}`, () => {
      assert.deepEqual(readAuthorization(header === undefined ? {} : { authorization: header }), read)
    })
  }

  it('is read in one way only, whatever it holds', () => {
    const part = fc.oneof(
      fc.constantFrom('Bearer', 'DPoP', ' ', ',', '=', '"', '\t', 'abc'),
      fc.string({ maxLength: 8 }),
    )
    const header = fc.array(part, { maxLength: 6 }).map(parts => parts.join(''))
    fc.assert(
      fc.property(header, authorization => {
        const read = readAuthorization({ authorization })
        if (read === null || read === 'malformed') return
        assert.equal(authorization.toLowerCase(), `${read.scheme} ${read.token.toLowerCase()}`)
        assert.doesNotMatch(read.token, /[\s,"]/)
      }),
      { numRuns: runs },
    )
  })
})
