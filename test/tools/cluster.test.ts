import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { placesIn } from '../../app/data-directory.ts'
import { postgresPath, redisServerPath } from '../../tools/provision.ts'
import { createVisitor } from '../app/visitor.ts'

const installed = { redis: redisServerPath, postgres: postgresPath }

for (const store of ['redis', 'postgres'] as const) {
  const skip =
    installed[store]() === null && process.env.CI !== 'true' ? `${store} is missing: node tools/provision.ts` : false

  describe(`npm run cluster on ${store}`, { skip }, () => {
    it('serves one session from every instance, outlives one of them, and leaves nothing behind', async () => {
      // PostgreSQL runs as a user of its own, who has to get there.
      const place = mkdtempSync(join(tmpdir(), 'latchkey-'))
      chmodSync(place, 0o755)
      after(() => rmSync(place, { recursive: true, force: true }))
      const tool = join(import.meta.dirname, '../../tools/cluster.ts')
      const options = ['--store', store, '--port', '0', '--instances', '2']
      const child = spawn(process.execPath, ['--conditions=latchkey-source', tool, ...options], {
        env: { ...process.env, TMPDIR: place },
      })
      let printed = ''
      child.stdout.setEncoding('utf8').on('data', text => {
        printed += text
      })
      child.stderr.setEncoding('utf8').on('data', text => {
        printed += text
      })
      const exit = once(child, 'exit')
      // Not -9: it has others to stop.
      after(() => child.kill('SIGINT') && exit)
      while (!printed.includes('Ctrl+C stops')) {
        if (child.exitCode !== null) throw new Error(`it ended: ${printed}`)
        await Promise.race([once(child.stdout, 'data'), exit])
      }
      const origin = /All of them: +(https:\S+)/.exec(printed)?.[1] ?? ''
      const password = /student123 +(\S+)/.exec(printed)?.[1] ?? ''
      const [directory = ''] = readdirSync(place).filter(name => name.startsWith('latchkey-cluster-'))
      const certificate = readFileSync(placesIn(join(place, directory)).certificate, 'utf8')
      const files = globSync('**/campus.db', { cwd: join(place, directory) })
      assert.deepEqual(files, store === 'redis' ? ['campus.db'] : [], 'with PostgreSQL they share nothing else')

      const visitor = createVisitor(origin, certificate)
      assert.equal((await visitor.signIn('student123', password)).status, 303)
      // Every connection goes to the next instance.
      for (let n = 0; n < 4; n += 1) assert.match((await visitor.get('/')).text, /Welcome back, student123!/)
      const second = Number(/Campus 2 .*pid (\d+)/.exec(printed)?.[1])
      process.kill(second, 'SIGKILL')
      while (isThere(second)) await new Promise(resolve => setTimeout(resolve, 10))
      for (let n = 0; n < 4; n += 1) assert.match((await visitor.get('/')).text, /Welcome back, student123!/)
      assert.match((await visitor.submit('/logout', {})).text, /Logged out\./)
      for (let n = 0; n < 2; n += 1) assert.match((await visitor.get('/')).text, /Hello! Please login/)

      child.kill('SIGINT')
      assert.deepEqual(await exit, [0, null])
      assert.deepEqual(readdirSync(place), [])
    })
  })
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
