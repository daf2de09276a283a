import type { ConsoleAnswer } from './contract.ts'
import { type PageFile, pageFiles } from './page-files.ts'

/** The page itself. */
export function page(files: ReadonlyMap<string, PageFile> = pageFiles()): ConsoleAnswer {
  const index = files.get('index.html')
  if (index) return { status: 200, headers: { 'content-type': index.type }, body: index.body }
  return {
    status: 503,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: "The console's page was not built. In the repository of Latchkey run: npm run build\n",
  }
}

/**
 * A file that the page loads, or `null`. Whoever asks gets it: it is the same for everybody and in the package on npm, and a
 * file that needs no session never touches the store.
 */
export function asset(name: string, files: ReadonlyMap<string, PageFile> = pageFiles()): ConsoleAnswer | null {
  const file = name === 'index.html' ? undefined : files.get(name)
  if (!file) return null
  // Names in `assets/` carry a hash of their content: what is stored under one is right for ever.
  const cache = name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
  return { status: 200, headers: { 'content-type': file.type, 'cache-control': cache }, body: file.body }
}
