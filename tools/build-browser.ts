/**
 * Bundles the script for pages: dist/browser/script.js is one file without an import, for `<script src>` as well as for
 * `<script type="module" src>`. The other files of dist/browser are modules as the compiler leaves them.
 */
import { build } from 'esbuild'

/** The bundle's text. */
export async function bundleForBrowsers(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['src/browser/script.ts'],
    absWorkingDir: `${import.meta.dirname}/..`,
    bundle: true,
    minify: true,
    format: 'iife',
    // What has <dialog>, adopted style sheets and `visibilitychange` on the window has all of this.
    target: 'es2022',
    legalComments: 'none',
    write: false,
    logLevel: 'warning',
  })
  const [bundle] = outputFiles
  if (!bundle) throw new Error('esbuild made no file')
  return bundle.text
}
