import { html } from 'hono/html'
import { type Book, books } from '../books.ts'
import { booksInCart, type CartLine, countCopies, mostCopies } from '../cart.ts'
import { bookCover } from './book-cover.ts'
import { csrfField } from './csrf-field.ts'
import type { Html } from './html.ts'
import type { Visitor } from './visitor.ts'

const euros = new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' })
const price = (cents: number) => euros.format(cents / 100)

/** The shelf and the cart. */
export function shopPage(visitor: Visitor, cart: readonly CartLine[]): Html {
  return html`<p class="kicker">Campus books</p>
<h1>The book shop</h1>
<div class="shop">
<ul class="shelf">${books.map(book => shelfBook(visitor, book))}</ul>
${cartPanel(visitor, cart)}
</div>`
}

function shelfBook(visitor: Visitor, book: Book): Html {
  return html`<li class="book">
${bookCover(book)}
<h2>${book.title}</h2>
<p class="soft">${book.author}</p>
<p>${book.blurb}</p>
<form method="post" action="/shop/cart" class="buy">${csrfField(visitor)}<input type="hidden" name="isbn" value="${book.isbn}">
<b>${price(book.cents)}</b>
<label><span class="unseen">Copies of ${book.title}</span><input name="quantity" type="number" value="1" min="1" max="${mostCopies}" inputmode="numeric" required></label>
<button type="submit">Add<span class="unseen"> ${book.title} to the cart</span></button>
</form>
</li>`
}

function cartPanel(visitor: Visitor, cart: readonly CartLine[]): Html {
  const lines = booksInCart(cart)
  const total = lines.reduce((sum, { book, quantity }) => sum + book.cents * quantity, 0)
  return html`<aside class="card cart" id="cart" aria-labelledby="cart-title">
<h2 id="cart-title">Your cart</h2>
${
  lines.length === 0
    ? html`<p class="soft">Empty so far. Pick something from the shelf.</p>`
    : html`<ul>${lines.map(line => cartLine(visitor, line.book, line.quantity))}</ul>
<p class="total"><span>${countCopies(cart)} ${countCopies(cart) === 1 ? 'copy' : 'copies'}</span><b>${price(total)}</b></p>`
}
<p class="aside">${
    visitor.username === null
      ? html`You are a guest. Your cart stays with you when you <a href="/login?returnTo=%2Fshop">sign in</a>.`
      : 'Nothing is ever shipped: the cart is here to show what a session keeps.'
  }</p>
</aside>`
}

function cartLine(visitor: Visitor, book: Book, quantity: number): Html {
  const button = (action: string, copies: number, label: string, sign: string, off: boolean) =>
    html`<form method="post" action="${action}">${csrfField(visitor)}<input type="hidden" name="isbn" value="${book.isbn}"><input type="hidden" name="quantity" value="${copies}"><button class="step" type="submit" aria-label="${label}: ${book.title}"${off ? html` disabled` : ''}>${sign}</button></form>`
  return html`<li data-isbn="${book.isbn}" data-quantity="${quantity}">
<span class="name">${book.title}<small>${price(book.cents * quantity)}</small></span>
<span class="steps">${button('/shop/cart/remove', 1, 'One less', '−', false)}<output>${quantity}</output>${button('/shop/cart', 1, 'One more', '+', quantity >= mostCopies)}${button('/shop/cart/remove', quantity, 'Remove', '×', false)}</span>
</li>`
}
