/** Compiles src to dist. Published are both: dist runs, src is what the source maps show. */
import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { bundleForBrowsers } from './build-browser.ts'
import { buildConsole } from './build-console.ts'
import { readManifest } from './exports.ts'

rmSync('dist', { recursive: true, force: true })
// What runs in browsers knows the DOM and not Node, so it is a project of its own.
const failed = ['tsconfig.build.json', 'tsconfig.browser.json'].filter(
  project => spawnSync('tsc', ['-p', project], { stdio: 'inherit' }).status !== 0,
)
if (failed.length === 0) {
  for (const command of Object.values(readManifest('.').bin ?? {})) chmodSync(command, 0o755)
  // The compiler's own is a module with imports; its source map goes with it.
  rmSync('dist/browser/script.js.map', { force: true })
  writeFileSync('dist/browser/script.js', await bundleForBrowsers())
  await buildConsole('dist/console/page-dist')
}
process.exitCode = failed.length
