import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { changesSince, merge, type PlainData, parseData } from '../../src/session/changes.ts'

const key = fc.oneof(fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', 'toString', '0', ''), fc.string())
const data = fc
  .array(fc.tuple(key, fc.jsonValue({ maxDepth: 2 })), { maxLength: 6 })
  .map(entries => JSON.stringify(objectOf(entries)))

/** As `Object.fromEntries`, but says so: `__proto__` becomes a key like any other. */
function objectOf(entries: [string, unknown][]): PlainData {
  const object: PlainData = {}
  for (const [name, value] of entries) {
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return object
}

/** JSON with the keys in order, to compare contents. */
function content(json: string): string {
  return JSON.stringify(Object.entries(parseData(json)).sort(([a], [b]) => (a < b ? -1 : 1)))
}

const change = (before: string, after: string) => changesSince(before, parseData(after))

describe('changes of data', () => {
  it('there are none when nothing changed', () => {
    fc.assert(fc.property(data, json => assert.equal(change(json, json), null)))
  })

  it('merged onto what they were made from, they give what the request had', () => {
    fc.assert(
      fc.property(data, data, (before, after) => {
        assert.equal(content(merge(before, change(before, after))), content(after))
      }),
    )
  })

  it('two requests that changed different keys both keep their change, in either order', () => {
    fc.assert(
      fc.property(data, data, data, (before, left, right) => {
        // Left may only touch keys that start with `l`, right only others.
        const own = (json: string, mine: boolean) =>
          Object.entries(parseData(json)).filter(([name]) => name.startsWith('l') === mine)
        const leftAfter = JSON.stringify(objectOf([...own(before, false), ...own(left, true)]))
        const rightAfter = JSON.stringify(objectOf([...own(before, true), ...own(right, false)]))
        const [l, r] = [change(before, leftAfter), change(before, rightAfter)]
        const both = JSON.stringify(objectOf([...own(left, true), ...own(right, false)]))
        assert.equal(content(merge(merge(before, l), r)), content(both))
        assert.equal(content(merge(merge(before, r), l)), content(both))
      }),
    )
  })

  it('of two requests that changed the same key the later one counts, whole', () => {
    fc.assert(
      fc.property(data, data, data, (before, first, second) => {
        const result = parseData(merge(merge(before, change(before, first)), change(before, second)))
        for (const [name, value] of Object.entries(parseData(second))) {
          if (JSON.stringify(value) === JSON.stringify(Object.getOwnPropertyDescriptor(parseData(before), name)?.value))
            continue
          assert.deepEqual(Object.getOwnPropertyDescriptor(result, name)?.value, value)
        }
      }),
    )
  })

  it('merging twice is merging once', () => {
    fc.assert(
      fc.property(data, data, data, (before, after, newest) => {
        const changes = change(before, after)
        const once = merge(newest, changes)
        assert.equal(content(merge(once, changes)), content(once))
      }),
    )
  })

  const cases: readonly (readonly [name: string, before: string, edit: (data: PlainData) => void, merged: string])[] = [
    ['a new key', '{"a":1}', d => Object.assign(d, { b: 2 }), '{"a":1,"n":0,"b":2}'],
    ['a removed key', '{"a":1,"b":2}', d => delete d.b, '{"a":1,"n":0}'],
    ['undefined removes', '{"a":1,"b":2}', d => Object.assign(d, { b: undefined }), '{"a":1,"n":0}'],
    ['a function removes', '{"a":1,"b":2}', d => Object.assign(d, { b: () => {} }), '{"a":1,"n":0}'],
    ['null is a value', '{"a":1,"b":2}', d => Object.assign(d, { b: null }), '{"a":1,"b":null,"n":0}'],
    ['a push into a nested list', '{"a":[1]}', d => (d.a as number[]).push(2), '{"a":[1,2],"n":0}'],
    [
      'a date becomes its text',
      '{"a":1}',
      d => Object.assign(d, { a: new Date(0) }),
      '{"a":"1970-01-01T00:00:00.000Z","n":0}',
    ],
    ['NaN becomes null', '{"a":1}', d => Object.assign(d, { a: Number.NaN }), '{"a":null,"n":0}'],
    ['a number-like key', '{"a":1}', d => Object.assign(d, { 7: 'x' }), '{"7":"x","a":1,"n":0}'],
  ]
  for (const [name, before, edit, merged] of cases) {
    it(`${name}: kept beside another request's change`, () => {
      const mine = parseData(before)
      edit(mine)
      const newest = JSON.stringify({ ...parseData(before), n: 0 })
      assert.equal(merge(newest, changesSince(before, mine)), merged)
    })
  }

  it('a key another request removed stays removed when this one did not touch it', () => {
    assert.equal(merge('{"b":2}', change('{"a":1,"b":1}', '{"a":1,"b":3}')), '{"b":3}')
  })

  it('WSTG-SESS-08: __proto__ is a key like any other and changes no prototype', () => {
    const hostile = '{"__proto__":{"admin":true}}'
    const merged = parseData(merge('{"a":1}', change('{}', hostile)))
    assert.equal(Object.getPrototypeOf(merged), Object.prototype)
    assert.equal('admin' in merged, false)
    assert.deepEqual(Object.keys(merged), ['a', '__proto__'])
    assert.equal(merge(hostile, change(hostile, '{}')), '{}')
    assert.equal(merge('{"__proto__":{"admin":true},"b":1}', change(hostile, '{}')), '{"b":1}')
  })
})
