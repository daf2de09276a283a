import assert from 'node:assert/strict'
import { posix as path } from 'node:path'
import { describe, it } from 'node:test'
import { linkViolations, readPages } from '../../tools/doc-links.ts'
import { snippetViolations } from '../../tools/doc-snippets.ts'

const root = path.join(import.meta.dirname, '../..')

describe('the documentation', () => {
  it('has no relative link that leads nowhere', () => {
    assert.deepEqual(linkViolations(root), [])
  })

  it('has no TypeScript that does not compile', () => {
    assert.deepEqual(snippetViolations(root), [])
  })

  it('has a map that names every page', () => {
    const pages = readPages(root)
    const named = pages.get('docs/README.md')?.links.map(({ target }) => path.join('docs', target)) ?? []
    const inDirectory = (page: string) => named.some(target => page.startsWith(`${target}/`))
    const unnamed = [...pages.keys()].filter(page => page !== 'README.md' && page !== 'docs/README.md')
    assert.deepEqual(
      unnamed.filter(page => !named.includes(page) && !inDirectory(page)),
      [],
    )
  })
})
