import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { beforeEach, describe, it } from 'node:test'

/** The file itself is checked with the types of browsers, which tests in Node do not have. */
interface KeptForms {
  importKeys(formKeys: readonly string[]): Promise<readonly object[]>
  keep(address: string, key: object, changes: readonly unknown[]): Promise<void>
  takeOut(address: string, keys: readonly object[]): Promise<unknown>
}
const file = new URL('../../src/browser/kept-forms.ts', import.meta.url).href
const { importKeys, keep, takeOut }: KeptForms = await import(file)

/** The storage of a tab, as far as the script knows it: its entries are its own properties. */
function emptyStorage() {
  const entries: Record<string, string> = {}
  const define = (name: string, value: unknown) => Object.defineProperty(entries, name, { value, enumerable: false })
  define('getItem', (name: string) => entries[name] ?? null)
  define('setItem', (name: string, entry: string) => {
    entries[name] = entry
  })
  define('removeItem', (name: string) => delete entries[name])
  return entries
}

const keysOf = (...texts: string[]) => importKeys(texts)
const newKey = () => randomBytes(32).toString('base64url')
const changes = [['0', 'essay', 'text', 'half written']]

describe('what a page keeps', () => {
  beforeEach(() => {
    Object.defineProperty(globalThis, 'sessionStorage', { value: emptyStorage(), configurable: true })
  })

  it('opens when the server has got a new secret since, and kept the old one', async () => {
    const [before, after] = [newKey(), newKey()]
    const [key] = await keysOf(before)
    assert.ok(key)
    await keep('/essay', key, changes)
    assert.deepEqual(await takeOut('/essay', await keysOf(after, before)), changes)
  })

  it('opens for nobody else, on no other page, and not twice', async () => {
    const mine = newKey()
    const [key] = await keysOf(mine)
    assert.ok(key)
    await keep('/essay', key, changes)
    assert.equal(await takeOut('/other', await keysOf(mine)), null)
    assert.equal(await takeOut('/essay', await keysOf(newKey(), newKey())), null)
    assert.equal(await takeOut('/essay', await keysOf(mine)), null, 'it was deleted unread')
  })
})
