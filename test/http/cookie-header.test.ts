import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { duplicated, findCookie, maxCookieHeaderLength } from '../../src/http/cookie-header.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 300)
const ours = '__Host-Http-sid'

type Row = readonly [name: string, header: string | undefined, found: string | null | typeof duplicated]

const rows: Row[] = [
  ['no header means no cookie', undefined, null],
  ['an empty header means no cookie', '', null],
  ['our cookie alone is found', `${ours}=x`, 'x'],
  ['our cookie is found first, in the middle and last', `a=1; ${ours}=x; b=2`, 'x'],
  ['our cookie is found at the end', `a=1; ${ours}=x`, 'x'],
  ['an empty value is a value', `${ours}=; a=1`, ''],
  ['a value may contain equals signs', `${ours}=a=b==`, 'a=b=='],
  ['a value is not percent-decoded', `${ours}=%61`, '%61'],
  ['spaces and tabs around a value do not count', `${ours}= \tx\t ;a=1`, 'x'],
  ['pairs need no space between them', `a=1;${ours}=x;b=2`, 'x'],
  ['a tab between pairs is fine', `a=1;\t${ours}=x`, 'x'],
  ['a name without equals sign is not our cookie', `${ours}; a=1`, null],
  ['our name inside another value is not our cookie', `a=${ours}=x`, null],
  ['our name after a space inside another value is not our cookie', `a=b ${ours}=x`, null],
  ['our name after a comma is not our cookie', `a=1, ${ours}=x`, null],
  ['a longer name that ends in ours is not our cookie', `x${ours}=x`, null],
  ['a longer name that starts with ours is not our cookie', `${ours}2=x`, null],
  ['our cookie after look-alikes is found', `x${ours}=1; ${ours}2=2; a=${ours}; ${ours}=x`, 'x'],

  ['CK-7: another case is not our cookie', '__host-http-sid=x', null],
  ['CK-7: a prefix in another case is not our cookie', '__HOST-Http-sid=x', null],
  ['CK-7: the name without prefix is not our cookie', 'sid=x', null],

  ['CK-9: a percent-encoded name is not our cookie', '__%48ost-Http-sid=x', null],
  ['CK-9: a name after U+00A0 is not our cookie', `a=1; \u00a0${ours}=x`, null],
  ['CK-9: a name after U+0085 is not our cookie', `a=1; \u0085${ours}=x`, null],
  ['CK-9: a name after U+2000 as a character is not our cookie', `a=1; \u2000${ours}=x`, null],
  ['CK-9: a name after U+2000 as UTF-8 bytes is not our cookie', `a=1; \u00e2\u0080\u0080${ours}=x`, null],
  ['CK-9: a name after a vertical tab is not our cookie', `a=1; \v${ours}=x`, null],
  ['CK-9: a name after NUL is not our cookie', `a=1; \0${ours}=x`, null],
  ['CK-9: a name with a space before the equals sign is not our cookie', `${ours} =x`, null],
  ['CK-9: $Version does not start legacy rules', `$Version=1; a="b; ${ours}=x"`, 'x"'],
  ['CK-9: $Version with commas hides nothing', `$Version=1,${ours}=x`, null],
  ['CK-9: a quoted value keeps its quotes', `${ours}="x"`, '"x"'],
  ['CK-9: a backslash in a quoted value escapes nothing', `${ours}="a\\"; b=2`, '"a\\"'],
  ['CK-9: a nameless cookie that spells ours is not our cookie', `=${ours}=x`, null],
  ['CK-9: a nameless cookie after a space is not our cookie', `a=1; =${ours}=x`, null],

  ['CK-10: two different cookies of our name are refused', `${ours}=x; ${ours}=y`, duplicated],
  ['CK-10: two equal cookies of our name are refused', `${ours}=x; ${ours}=x`, duplicated],
  ['CK-10: an empty one counts too', `${ours}=; ${ours}=y`, duplicated],
  ['CK-10: others between two do not hide them', `${ours}=x; a=1; x${ours}=2; ${ours}=y`, duplicated],
  ['CK-10: a look-alike is no second one', `${ours}=x; __host-http-sid=y`, 'x'],
  ['CK-10: our name in our own value is no second one', `${ours}=${ours}=x`, `${ours}=x`],

  ['CK-11: several headers, joined as Node joins them, work', ['a=1', `${ours}=x`, 'b=2; c=3'].join('; '), 'x'],
  ['CK-11: one of ours in each of two headers is refused', [`${ours}=x`, `${ours}=x`].join('; '), duplicated],
]

suite('findCookie', () => {
  for (const [name, header, found] of rows) {
    test(name, () => assert.equal(findCookie(header, ours), found))
  }

  test('WSTG-SESS-01c: a header as long as Node may pass is searched, a longer one counts as no cookie', () => {
    const longest = `${ours}=x; `.padEnd(maxCookieHeaderLength, 'y')
    assert.equal(findCookie(longest, ours), 'x')
    assert.equal(findCookie(`${longest}y`, ours), null)
  })

  // What a header means, written the slow and obvious way.
  const reference = (header: string) => {
    const pairs = header.split(';').map(pair => pair.replace(/^[ \t]+/, ''))
    const values = pairs.filter(pair => pair.startsWith(`${ours}=`)).map(pair => pair.slice(ours.length + 1))
    if (values.length > 1) return duplicated
    return values[0]?.replace(/^[ \t]+|[ \t]+$/g, '') ?? null
  }

  test('T04: any header made of hostile pieces reads as the slow reference reads it', () => {
    const pieces = [
      ours,
      '__host-http-sid',
      'sid',
      '=',
      ';',
      '; ',
      ' ',
      '\t',
      ',',
      '"',
      '\\',
      '$Version=1',
      '\u00a0',
      '\0',
      'x',
    ]
    const header = fc
      .array(fc.oneof(fc.constantFrom(...pieces), fc.string()), { maxLength: 30 })
      .map(all => all.join(''))
    fc.assert(
      fc.property(header, text => {
        assert.equal(findCookie(text, ours), reference(text))
      }),
      { numRuns },
    )
  })

  test('T04: among any other cookies, in any place, ours is found as it was sent', () => {
    const octets = fc.stringMatching(/^[!#-+\--:<-[\]-~]{0,40}$/)
    const other = fc
      .tuple(fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/), octets)
      .filter(([name]) => name !== ours)
    fc.assert(
      fc.property(fc.array(other), fc.array(other), octets, (before, after, value) => {
        const pairs = [...before, [ours, value] as const, ...after]
        assert.equal(findCookie(pairs.map(pair => pair.join('=')).join('; '), ours), value)
      }),
      { numRuns },
    )
  })
})
