import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { SessionStore } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import { books } from '../../app/books.ts'
import { campusOnStore } from './campus-on-store.ts'

/** The memory store, as far away as a database: every request is under way while the others are. */
const store = new Proxy(memoryStore(), {
  get(target, name: keyof SessionStore) {
    const member: unknown = target[name]
    if (typeof member !== 'function' || name === 'close') return member
    return async (...args: unknown[]) => {
      await new Promise(resolve => setTimeout(resolve, 5))
      return member.apply(target, args)
    }
  },
})
const campus = await campusOnStore(store)

it('no copy is lost when many requests put books into one cart at once', async () => {
  const visitor = campus.visitor()
  const isbn = books[0]?.isbn ?? ''
  await visitor.submit('/shop/cart', { isbn, quantity: '1' }, '/shop')
  const { csrf_token } = JSON.parse((await visitor.get('/csrf-token')).text)
  const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
  const body = new URLSearchParams({ isbn, quantity: '1', csrf_token }).toString()
  await Promise.all(Array.from({ length: 10 }, () => visitor.send('POST', '/shop/cart', form, body)))
  assert.match((await visitor.get('/shop')).text, new RegExp(`data-isbn="${isbn}" data-quantity="11"`))
})
