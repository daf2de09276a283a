import { type Request, Router } from 'express'
import { type Book, findBook } from '../books.ts'
import { addToCart, mostCopies, takeFromCart } from '../cart.ts'
import { textField } from '../fields.ts'
import type { Pages } from '../pages.ts'
import { Problem } from '../problem.ts'
import type { SessionOf } from '../session-data.ts'
import { shopPage } from '../views/shop-page.ts'

/** On a phone the cart stands below the whole shelf: who changed it wants to see it. */
const cartAddress = '/shop#cart'

/** The book shop. Two requests at once both count, because the cart is changed by read-modify-write. */
export function shopRoutes(parts: { pages: Pages; sessionOf: SessionOf }): Router {
  const { pages, sessionOf } = parts
  return Router()
    .get('/shop', async (request, response) => {
      const session = await sessionOf(request).load()
      await pages.send(request, response, {
        title: 'Books',
        path: '/shop',
        body: visitor => shopPage(visitor, session.data.cart ?? []),
      })
    })

    .post('/shop/cart', async (request, response) => {
      const session = await sessionOf(request).load()
      const { book, quantity } = order(request)
      await session.update(data => {
        data.cart = addToCart(data.cart ?? [], book.isbn, quantity)
      })
      response.redirect(303, cartAddress)
    })

    .post('/shop/cart/remove', async (request, response) => {
      const session = await sessionOf(request).load()
      const { book, quantity } = order(request)
      await session.update(data => {
        if (data.cart) data.cart = takeFromCart(data.cart, book.isbn, quantity)
      })
      response.redirect(303, cartAddress)
    })
}

function order(request: Request): { book: Book; quantity: number } {
  const isbn = textField(request.body, 'isbn')
  const quantity = textField(request.body, 'quantity') ?? ''
  if (isbn === null) throw new Problem(400, 'Which book?', 'The ISBN is missing. Choose a book from the shelf.')
  const book = findBook(isbn)
  if (!book)
    throw new Problem(404, 'We do not have that book', 'No book of ours has this ISBN. Choose one from the shelf.')
  const copies = /^\d{1,3}$/.test(quantity) ? Number(quantity) : 0
  if (copies < 1 || copies > mostCopies)
    throw new Problem(400, 'How many copies?', `Write a whole number from 1 to ${mostCopies}.`)
  return { book, quantity: copies }
}
