/**
 * Bundles the console's page into src/console/page-dist/, from where `latchkey/console` serves it: one page, one script, one
 * style sheet and an icon, named after what is in them. Nothing is inline, and every address is relative, so that the page works
 * under any path and any content security policy that allows its own files.
 */
import { join } from 'node:path'
import { build } from 'vite'

const page = join(import.meta.dirname, '../src/console/page')

/** Builds into `outDir`, which is emptied before. */
export async function buildConsole(outDir: string = join(page, '../page-dist')): Promise<void> {
  await build({
    configFile: false,
    root: page,
    // Addresses relative to the page.
    base: './',
    logLevel: 'warn',
    publicDir: false,
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir,
      emptyOutDir: true,
      // What has <dialog>, light-dark() and AbortSignal.any has all of this.
      target: 'es2023',
      // Everything is a file: a `data:` address would need a policy that allows it.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  })
}

if (import.meta.main) await buildConsole()
