import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { sqliteWatch } from 'latchkey/watch/stores/sqlite'
import type { Orders } from './racing-process.ts'

const directory = mkdtempSync(join(tmpdir(), 'latchkey-watch-racing-'))
after(() => rmSync(directory, { recursive: true }))
const program = fileURLToPath(new URL('racing-process.ts', import.meta.url))

/** Starts a process; `go` lets it write, and resolves to how many alerts it opened, when it is dead. */
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

describe('several processes on one file of the watch', () => {
  it('lose nothing of each other, and what was answered is there although all were killed', async () => {
    const file = join(directory, 'watch.db')
    const rounds = 50
    // All open the new file at the same time, too.
    const chains = ['a', 'b', 'c'].map(letter => letter.repeat(22))
    const processes = await Promise.all(chains.map(chain => startRacing({ file, chain, rounds })))
    const opened = await Promise.all(processes.map(process => process.go()))
    assert.equal(
      opened.reduce((sum, count) => sum + count),
      rounds,
      `they opened ${opened}`,
    )

    const store = sqliteWatch(file)
    for (const chain of chains) {
      const entries = await store.chain(chain, 0, 2_000)
      assert.deepEqual(
        entries.map(({ seq }) => seq),
        Array.from({ length: rounds * 20 }, (_, i) => i + 1),
      )
    }
    const { alerts } = await store.alerts({ limit: 500 })
    assert.deepEqual(new Set(alerts.map(({ count }) => count)), new Set([3]))
    const [window] = await store.see([{ key: 'window', member: 'a 0', at: 1_000, windowMs: 500, most: 256 }])
    assert.equal(window?.length, 3 * rounds)
    assert.deepEqual(await store.tally([{ key: 'counter', by: 0, at: 1_000, forgetAfterMs: 500 }]), [3 * rounds])
    const points = await store.points(['alerts'], 0, rounds)
    assert.deepEqual(
      points.map(({ value }) => value),
      Array.from({ length: rounds }, () => 3),
    )
    await store.close()
  })
})
