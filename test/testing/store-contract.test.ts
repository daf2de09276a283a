import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

test('the store contract passes a correct store and notices every fault', () => {
  const suites = join(import.meta.dirname, 'faulty-store.ts')
  // Without NODE_TEST_CONTEXT the child is a test run of its own instead of a part of this one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { stdout } = spawnSync(process.execPath, ['--conditions=latchkey-source', '--test-reporter=tap', suites], {
    env,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  const verdicts = Array.from(stdout.matchAll(/^(ok|not ok) \d+ - store contract: (.*)$/gm), ([, verdict, fault]) => ({
    verdict,
    fault,
  }))
  const passed = verdicts.filter(({ verdict }) => verdict === 'ok').map(({ fault }) => fault)
  assert.deepEqual(passed, ['none'], 'only the store without a fault passes')
  assert.ok(verdicts.length > 60, `${verdicts.length} faults were tried`)
})
