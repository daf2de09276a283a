/** A book of the shop. */
export interface Book {
  /** 13 digits, no hyphens. */
  readonly isbn: string
  readonly title: string
  readonly author: string
  readonly blurb: string
  /** Price in cents. */
  readonly cents: number
  readonly cover: Cover
}

/** How a cover is drawn: title lines, a motif, and the number of a colour pair in the style sheet. */
export interface Cover {
  readonly lines: readonly string[]
  readonly motif: 'door' | 'sunset' | 'tabs' | 'dots' | 'steps' | 'letter' | 'moon' | 'loop' | 'sky'
  readonly palette: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9
}

/** Everything the shop has. The numbers are made up: 979-0 belongs to sheet music, so no real book has one of them. */
export const books: readonly Book[] = [
  {
    isbn: '9790000100015',
    title: 'The Cookie That Stayed Home',
    author: 'Hosta Prefix',
    blurb: 'It never visited a sibling. A story about loyalty.',
    cents: 1490,
    cover: { lines: ['The Cookie', 'That Stayed', 'Home'], motif: 'door', palette: 1 },
  },
  {
    isbn: '9790000100022',
    title: 'A Short History of Leaving',
    author: 'Ida Timeout',
    blurb: 'Fifteen quiet minutes that changed everything.',
    cents: 1890,
    cover: { lines: ['A Short', 'History of', 'Leaving'], motif: 'sunset', palette: 2 },
  },
  {
    isbn: '9790000100039',
    title: 'Two Tabs, One Truth',
    author: 'Merle Conflict',
    blurb: 'Both were right. Both were kept.',
    cents: 2250,
    cover: { lines: ['Two Tabs,', 'One Truth'], motif: 'tabs', palette: 3 },
  },
  {
    isbn: '9790000100046',
    title: 'Entropy for Evenings',
    author: 'Rand Omness',
    blurb: '256 bits of bedtime reading. No spoilers possible.',
    cents: 1275,
    cover: { lines: ['Entropy', 'for', 'Evenings'], motif: 'dots', palette: 4 },
  },
  {
    isbn: '9790000100053',
    title: 'Grace Period',
    author: 'Ro Tate',
    blurb: 'Thirty seconds in which the old and the new both hold.',
    cents: 1650,
    cover: { lines: ['Grace', 'Period'], motif: 'steps', palette: 5 },
  },
  {
    isbn: '9790000100060',
    title: 'Letters to a Young Token',
    author: 'Sid Secret',
    blurb: 'Be opaque. Be brief. Never put yourself in an address.',
    cents: 1990,
    cover: { lines: ['Letters', 'to a Young', 'Token'], motif: 'letter', palette: 6 },
  },
  {
    isbn: '9790000100077',
    title: 'The Quiet Expiry',
    author: 'Abel Absolute',
    blurb: 'However busy you are, the day ends after eight hours.',
    cents: 1580,
    cover: { lines: ['The Quiet', 'Expiry'], motif: 'moon', palette: 7 },
  },
  {
    isbn: '9790000100084',
    title: 'Seen Once Before',
    author: 'N. Once',
    blurb: 'A thriller. Somebody else is holding the same key.',
    cents: 2100,
    cover: { lines: ['Seen Once', 'Before'], motif: 'loop', palette: 8 },
  },
  {
    isbn: '9790000100091',
    title: 'Same Site, Same Sky',
    author: 'Laxmi Strict',
    blurb: 'Poems for those who stay where they belong.',
    cents: 1340,
    cover: { lines: ['Same Site,', 'Same Sky'], motif: 'sky', palette: 9 },
  },
]

/** The book with this ISBN, hyphens and spaces allowed, or `undefined`. */
export function findBook(isbn: string): Book | undefined {
  const digits = isbn.replace(/[\s-]/g, '')
  return books.find(book => book.isbn === digits)
}
