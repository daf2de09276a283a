import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { sqliteFactors } from 'latchkey/mfa/stores/sqlite'
import { enrol, startFactors } from '../actors/second-factors.ts'
import type { Orders } from './racing-process.ts'

const directory = mkdtempSync(join(tmpdir(), 'latchkey-racing-'))
after(() => rmSync(directory, { recursive: true }))
const program = fileURLToPath(new URL('racing-process.ts', import.meta.url))

/** Starts a process; `go` lets it try, and resolves to how often it passed, when it is dead. */
async function startRacing(orders: Orders): Promise<{ go(): Promise<number> }> {
  const child = spawn(process.execPath, ['--conditions=latchkey-source', program, JSON.stringify(orders)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const dead = new Promise(resolve => child.once('exit', resolve))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  assert.equal((await lines.next()).value, 'ready')
  return {
    async go() {
      child.stdin.write('go\n')
      const { value } = await lines.next()
      await dead
      return Number(value)
    },
  }
}

describe('several processes on one file of factors', () => {
  it('T13, ASVS 6.5.1: one code passes in one of them, once, and stays used although all were killed', async () => {
    const file = join(directory, 'factors.db')
    const node = startFactors({ factors: { store: sqliteFactors(file) } })
    const app = await enrol(node, 'ada')
    const [recovery = ''] = await node.factors.renewRecoveryCodes('ada')
    for (const code of [app.code(), recovery]) {
      const orders = { file, secret: node.secret, now: node.clock.now(), code, times: 17 }
      const processes = await Promise.all([1, 2, 3].map(() => startRacing(orders)))
      const passed = await Promise.all(processes.map(process => process.go()))
      assert.equal(
        passed.reduce((sum, count) => sum + count),
        1,
        `they passed ${passed} times`,
      )
      await node.factors.forgive('ada')
      assert.deepEqual(await node.factors.checkCode({ userId: 'ada', device: null }, code), { outcome: 'refused' })
    }
    await node.factors.close()
  })
})
