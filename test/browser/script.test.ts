import assert from 'node:assert/strict'
import { it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { bundleForBrowsers } from '../../tools/build-browser.ts'

it('the script for pages is under 4,096 bytes, compressed as servers do', async t => {
  const { length } = gzipSync(await bundleForBrowsers())
  t.diagnostic(`${length} bytes`)
  assert.ok(length < 4_096, `${length} bytes`)
})

it('the script for pages does nothing where there is no page', async () => {
  // As an indirect eval: a plain script, in strict mode or not.
  const script: string = await bundleForBrowsers()
  new Function(script)()
})
