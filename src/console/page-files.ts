import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'

/** A file of the built page. */
export interface PageFile {
  /** For `Content-Type`. */
  readonly type: string
  /** The file as it is. */
  readonly body: Uint8Array<ArrayBuffer>
}

/** Where the build puts the page (`tools/build-console.ts`), beside this file in `src` and in `dist` alike. */
const place = new URL('./page-dist/', import.meta.url)

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

let files: ReadonlyMap<string, PageFile> | null = null

/**
 * The files of the built page by their names, such as `index.html` and `assets/index-BxKq.js`, read once. Empty while it was not
 * built. Only these are ever served, by exact name: no path of a request is looked up on the disk.
 */
export function pageFiles(): ReadonlyMap<string, PageFile> {
  if (files !== null) return files
  const found = filesIn(place)
  // What is not there yet may be built while the server runs.
  if (found.has('index.html')) files = found
  return found
}

/** The files of a directory and of those in it, as far as browsers are to load them. */
export function filesIn(directory: URL): ReadonlyMap<string, PageFile> {
  return new Map(
    namesIn(directory).flatMap(name => {
      const type = types[extname(name)]
      return type === undefined ? [] : [[name, { type, body: readFileSync(new URL(name, directory)) }]]
    }),
  )
}

function namesIn(directory: URL): string[] {
  try {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' }).map(name => name.replaceAll('\\', '/'))
  } catch {
    return []
  }
}
