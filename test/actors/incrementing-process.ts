/** A process of its own that works on somebody's session: `node … FILE SECRET TOKEN INCREMENTS`. */
import assert from 'node:assert/strict'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { Browser } from './browser.ts'
import { startServer } from './server.ts'

const [, , file = '', secret = '', token = '', increments = '0'] = process.argv
const server = startServer({ secrets: [secret], store: sqliteStore(file) })
const client = new Browser(server, token)
let left = Math.ceil(Number(increments))

async function increment(): Promise<void> {
  while (left > 0) {
    left -= 1
    const reply = await client.send(s => s.update(data => Object.assign(data, { n: Number(data.n ?? 0) + 1 })))
    assert.equal(reply.status, 200)
  }
}

await Promise.all(Array.from({ length: 16 }, increment))
await server.sessions.close()
