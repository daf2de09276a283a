import { type Book, findBook } from './books.ts'

/** A line of a cart as the session keeps it. */
export interface CartLine {
  readonly isbn: string
  readonly quantity: number
}

/** Most copies of one book in a cart. */
export const mostCopies = 20

/** A cart with `quantity` more copies of a book; with {@link mostCopies} of it at the most. */
export function addToCart(cart: readonly CartLine[], isbn: string, quantity: number): CartLine[] {
  const known = cart.some(line => line.isbn === isbn)
  const lines = known ? cart : [...cart, { isbn, quantity: 0 }]
  return lines.map(line =>
    line.isbn === isbn ? { isbn, quantity: Math.min(line.quantity + quantity, mostCopies) } : line,
  )
}

/** A cart with `quantity` fewer copies of a book; a line without copies disappears. */
export function takeFromCart(cart: readonly CartLine[], isbn: string, quantity: number): CartLine[] {
  return cart
    .map(line => (line.isbn === isbn ? { isbn, quantity: line.quantity - quantity } : line))
    .filter(line => line.quantity > 0)
}

/** A cart with its books; lines of books that are no longer sold are left out. */
export function booksInCart(cart: readonly CartLine[]): { book: Book; quantity: number }[] {
  return cart.flatMap(({ isbn, quantity }) => {
    const book = findBook(isbn)
    return book ? [{ book, quantity }] : []
  })
}

/** How many copies a cart holds. */
export function countCopies(cart: readonly CartLine[]): number {
  return cart.reduce((sum, line) => sum + line.quantity, 0)
}
