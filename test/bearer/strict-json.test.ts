import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseStrictJson } from '../../src/bearer/strict-json.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 300)
const parse = (text: string | Uint8Array) => parseStrictJson(typeof text === 'string' ? Buffer.from(text) : text)

describe('strict JSON', () => {
  const accepted: readonly string[] = [
    '{}',
    ' {\r\n\t"a" : 1 } ',
    '{"a":[],"b":{},"c":null,"d":true,"e":false}',
    '{"a:b":"c:d","\\"":":","c":":\\":"}',
    '{"a":{"a":{"a":{}}}}',
    '{"a":[[["b"]]]}',
    '{"a":9007199254740991,"b":-9007199254740991,"c":0.5,"d":1e3,"e":-0}',
    '{"\\u00e9":"é","😀":"\\ud83d\\ude00"}',
    '{"A":1,"a":2}',
    '{"toString":1,"hasOwnProperty":2}',
    '{"":1}',
  ]
  for (const text of accepted) {
    it(`reads ${text} as JSON.parse does`, () => assert.deepEqual(parse(text), JSON.parse(text)))
  }

  const refused: readonly (readonly [name: string, input: string | Uint8Array])[] = [
    ['nothing', ''],
    ['an array', '[]'],
    ['null', 'null'],
    ['a number', '1'],
    ['a string', '"a"'],
    ['two objects', '{}{}'],
    ['a name with a backslash', '{"a":1,"\\\\":2}'],
    ['a trailing comma', '{"a":1,}'],
    ['a comment', '{"a":1/**/}'],
    ['single quotes', "{'a':1}"],
    ['a bare name', '{a:1}'],
    ['NaN', '{"a":NaN}'],
    ['Infinity', '{"a":Infinity}'],
    ['a leading zero', '{"a":01}'],
    ['a plus', '{"a":+1}'],
    ['hexadecimal', '{"a":0x1}'],
    ['a control character in a string', '{"a":"\u0001"}'],
    ['an unknown escape', '{"a":"\\x41"}'],
    ['a cut escape', '{"a":"\\u00"}'],
    ['an unclosed string', '{"a":"b}'],
    ['an unclosed object', '{"a":1'],
    ['a null byte after it', '{}\0'],
    ['a no-break space around it', '\u00a0{}'],
    ['a byte order mark', '\ufeff{}'],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le')],
    ['Latin-1', Buffer.from('{"a":"é"}', 'latin1')],
    ['an overlong slash', Buffer.from([...Buffer.from('{"a":"'), 0xc0, 0xaf, ...Buffer.from('"}')])],
    ['a surrogate in UTF-8 (CESU-8)', Buffer.from([...Buffer.from('{"a":"'), 0xed, 0xa0, 0x80, ...Buffer.from('"}')])],
    ['a cut character', Buffer.from([...Buffer.from('{"a":"'), 0xe2, 0x82, ...Buffer.from('"}')])],
    ['a name twice', '{"a":1,"a":2}'],
    ['a name twice with the same value', '{"a":1,"a":1}'],
    ['a name twice, once escaped', '{"sub":"alice","s\\u0075b":"bob"}'],
    ['a name twice, an escaped quote between', '{"a":"\\":","a":1}'],
    ['a name twice further in', '{"a":[{"b":1,"b":2}]}'],
    ['a name twice, the first holding more names', '{"a":{"b":1},"a":2}'],
    ['a name twice, the second holding more names', '{"a":2,"a":{"b":1}}'],
    ['the empty name twice', '{"":1,"":2}'],
    ['__proto__', '{"__proto__":{"admin":true}}'],
    ['__proto__, escaped', '{"\\u005f_proto__":1}'],
    ['__proto__ further in', '{"a":[{"__proto__":null}]}'],
    ['constructor', '{"constructor":{"prototype":1}}'],
    ['prototype', '{"prototype":1}'],
    ['half a surrogate pair in a name', '{"\\ud800":1}'],
    ['half a surrogate pair in a value', '{"a":"\\udc00"}'],
    ['five levels of objects', '{"a":{"a":{"a":{"a":{}}}}}'],
    ['five levels of arrays', '{"a":[[[[]]]]}'],
    ['ten thousand levels', `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    ['a number that overflows', '{"a":1e400}'],
    ['a number that overflows below', '{"a":-1e400}'],
    ['an integer that is rounded', '{"a":9007199254740993}'],
    ['an integer beyond the safe ones', '{"a":9007199254740992}'],
    ['a huge number further in', '{"a":[{"b":[1e30]}]}'],
  ]
  for (const [name, input] of refused) {
    it(`JWT-9: ${name} is refused`, () => assert.equal(parse(input), null))
  }

  it('JWT-9: what it reads changes no prototype, neither its own nor others', () => {
    const read = parse('{"a":{"b":1}}')
    assert.equal(Object.getPrototypeOf(read), Object.prototype)
    assert.equal(({} as Record<string, unknown>).b, undefined)
  })

  it("JWT-9: what Node's own reader takes one name for another by is refused: a name twice after an object with another", () => {
    // JSON.parse of Node 24.21 reads the second text as { '"': '', '\\': 0 }.
    for (const text of ['{"\\"":"","\\\\":0}', '{"\\"":"","\\"":0}']) assert.equal(parse(text), null)
  })

  /** Members of an object as text; names repeat now and then, some only once they are unescaped. */
  const name = fc.oneof(
    fc.constantFrom('"a"', '"b"', '"\\u0061"', '":"', '"\\""', '"\\\\"', '"__proto__"', '"{"'),
    fc.string().map(text => JSON.stringify(text)),
  )
  const { object } = fc.letrec<{ object: string; value: string }>(tie => ({
    object: fc
      .array(fc.tuple(name, tie('value')), { maxLength: 4 })
      .map(members => `{${members.map(([one, value]) => `${one}:${value}`).join(',')}}`),
    value: fc.oneof(
      { maxDepth: 5 },
      fc.oneof(
        fc.double().map(String),
        fc.integer().map(String),
        fc.string().map(text => JSON.stringify(text)),
      ),
      fc.constantFrom('null', 'true', '1e400', '"\\ud800"', '9007199254740993'),
      fc.array(tie('value'), { maxLength: 3 }).map(items => `[${items}]`),
      tie('object'),
    ),
  }))

  /** Whether a name repeats, found out another way: token by token, with the names of every open object. */
  function namesRepeat(text: string): boolean {
    const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs) ?? []
    const open: (Set<string> | null)[] = []
    for (const [index, token] of tokens.entries()) {
      if (token === '{') open.push(new Set())
      else if (token === '[') open.push(null)
      else if (token === '}' || token === ']') open.pop()
      else if (tokens[index + 1] === ':') {
        const names = open.at(-1)
        const unescaped = JSON.parse(token)
        if (!names || names.has(unescaped)) return true
        names.add(unescaped)
      }
    }
    return false
  }

  function isAcceptable(value: unknown, depth = 1): boolean {
    if (typeof value === 'string') return value.isWellFormed()
    if (typeof value === 'number') return Number.isFinite(value) && Math.abs(value) <= 2 ** 53 - 1
    if (typeof value !== 'object' || value === null) return true
    return (
      depth <= 4 &&
      Object.entries(value).every(
        ([key, member]) =>
          key.isWellFormed() &&
          !['__proto__', 'constructor', 'prototype'].includes(key) &&
          !key.includes('\\') &&
          isAcceptable(member, depth + 1),
      )
    )
  }

  it('JWT-9: reads exactly what JSON.parse reads, without repeated names and what else is refused (fuzz)', () => {
    fc.assert(
      fc.property(object, text => {
        let expected: unknown = null
        try {
          expected = JSON.parse(text)
        } catch {}
        const isGood = expected !== null && !namesRepeat(text) && isAcceptable(expected)
        assert.deepEqual(parse(text), isGood ? expected : null)
      }),
      { numRuns },
    )
  })

  it('JWT-9: reads what JSON.stringify writes, when it is shallow enough (fuzz)', () => {
    const values = fc
      .dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }))
      .filter(value => !JSON.stringify(value).includes('\\'))
    fc.assert(
      fc.property(values, value => {
        const text = JSON.stringify(value)
        const expected = JSON.parse(text)
        assert.deepEqual(parse(text), isAcceptable(expected) ? expected : null)
      }),
      { numRuns },
    )
  })

  it('never throws, whatever the bytes (fuzz)', () => {
    const pieces = fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '\\', '\\u', 'a', '1', '\ud800', '\ufeff', ' ')
    const texts = fc.array(pieces, { maxLength: 40 }).map(array => Buffer.from(array.join('')))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), texts), bytes => {
        const read = parse(bytes)
        if (read !== null) assert.deepEqual(read, JSON.parse(Buffer.from(bytes).toString()))
      }),
      { numRuns },
    )
  })
})
