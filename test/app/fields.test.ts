import assert from 'node:assert/strict'
import { it } from 'node:test'
import { textField, ticked } from '../../app/fields.ts'

const texts: [name: string, body: unknown, found: string | null][] = [
  ['text', { a: 'x' }, 'x'],
  ['empty text', { a: '' }, ''],
  ['a missing field', {}, null],
  ['no body', undefined, null],
  ['a body that is null', null, null],
  ['a body that is text', 'a', null],
  ['a number', { a: 1 }, null],
  ['an object', { a: { $ne: '' } }, null],
  ['a field sent twice', { a: ['x', 'y'] }, null],
  ['an inherited field', Object.create({ a: 'x' }), null],
]
for (const [name, body, found] of texts)
  it(`a text field reads ${name} as ${JSON.stringify(found)}`, () => assert.equal(textField(body, 'a'), found))

const ticks: [body: unknown, ticked: boolean][] = [
  [{ a: 'on' }, true],
  [{ a: '1' }, true],
  [{ a: true }, true],
  [{}, false],
  [{ a: '' }, false],
  [{ a: '0' }, false],
  [{ a: 'false' }, false],
  [{ a: 'off' }, false],
  [{ a: false }, false],
  [{ a: {} }, false],
]
for (const [body, expected] of ticks)
  it(`a tick reads ${JSON.stringify(body)} as ${expected}`, () => assert.equal(ticked(body, 'a'), expected))
