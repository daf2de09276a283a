import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { books, findBook } from '../../app/books.ts'
import { addToCart, booksInCart, countCopies, mostCopies, takeFromCart } from '../../app/cart.ts'

describe('A cart', () => {
  it('adds copies to what it has', () => {
    const cart = addToCart(addToCart(addToCart([], 'a', 2), 'b', 1), 'a', 3)
    assert.deepEqual(cart, [
      { isbn: 'a', quantity: 5 },
      { isbn: 'b', quantity: 1 },
    ])
    assert.equal(countCopies(cart), 6)
  })

  it('takes copies out, and the line with the last one', () => {
    const cart = [{ isbn: 'a', quantity: 2 }]
    assert.deepEqual(takeFromCart(cart, 'a', 1), [{ isbn: 'a', quantity: 1 }])
    assert.deepEqual(takeFromCart(cart, 'a', 2), [])
    assert.deepEqual(takeFromCart(cart, 'b', 1), cart)
  })

  it('leaves out books that are no longer sold', () => {
    assert.deepEqual(booksInCart([{ isbn: 'gone', quantity: 1 }]), [])
  })

  it('never holds less than one or more than the most copies of a book, whatever is done to it', () => {
    const step = fc.tuple(fc.boolean(), fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: mostCopies }))
    fc.assert(
      fc.property(fc.array(step), steps => {
        const cart = steps.reduce<ReturnType<typeof addToCart>>(
          (held, [add, isbn, n]) => (add ? addToCart : takeFromCart)(held, isbn, n),
          [],
        )
        assert.ok(cart.every(line => line.quantity >= 1 && line.quantity <= mostCopies))
        assert.equal(new Set(cart.map(line => line.isbn)).size, cart.length)
      }),
    )
  })
})

describe('The books', () => {
  it('have numbers of their own with a right check digit', () => {
    for (const { isbn } of books) {
      const sum = [...isbn].reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 1 : 3), 0)
      assert.match(isbn, /^\d{13}$/)
      assert.equal(sum % 10, 0)
    }
    assert.equal(new Set(books.map(book => book.isbn)).size, books.length)
  })

  it('are found with and without hyphens', () => {
    assert.equal(findBook('979-0-0001-0001-5'), books[0])
    assert.equal(findBook('9790000100015'), books[0])
    assert.equal(findBook('toString'), undefined)
  })
})
