import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import { promisify } from 'node:util'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { Browser } from './actors/browser.ts'
import { type Server, startAnotherNode, startServer } from './actors/server.ts'
import { onEveryStore } from './actors/stores.ts'

/** Increments in all, and sign-out races: `TORTURE=100000,10000` for a longer night. */
const [increments = 10_000, races = 1_000] = (process.env.TORTURE ?? '10000,1000').split(',').map(Number)

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

onEveryStore('torture', (open, { store }) => {
  /** Two nodes, so that turns within a node do not hide conflicts; one on the file store, which is for one process. */
  let nodes: readonly [Server, Server]
  beforeEach(() => {
    const one = startServer({ store: open() })
    nodes = [one, store === 'file' ? one : startAnotherNode(one)]
  })
  afterEach(() => nodes[0].sessions.close())

  it(`${increments} concurrent increments by 8 clients of one session: none is lost`, async () => {
    const first = new Browser(nodes[0])
    await first.signIn('alice')
    const clients = numbers(8).map(index => new Browser(nodes[index % 2] ?? nodes[0], first.token))
    const increment = (client: Browser) =>
      client.send(session => session.update(data => Object.assign(data, { n: Number(data.n ?? 0) + 1 })))
    let left = increments
    const refused: unknown[] = []
    // Every client has several requests under way at any time.
    const hand = async (client: Browser) => {
      while (left > 0) {
        left -= 1
        const reply = await increment(client)
        if (reply.status !== 200) refused.push(reply.code)
      }
    }
    await Promise.all(clients.flatMap(client => numbers(16).map(() => hand(client))))
    assert.deepEqual(refused, [])
    assert.deepEqual((await first.see()).body?.data, { n: increments })
  })

  it(`${races} sign-outs while others write: none of the sessions comes back`, async () => {
    const writes: readonly ((client: Browser, round: number) => Promise<{ status: number; token: string | null }>)[] = [
      (client, round) => client.put({ round }),
      client => client.send(session => session.update(data => Object.assign(data, { n: Number(data.n ?? 0) + 1 }))),
      client => client.rotate(),
      client => client.see(),
      client => client.stepUp(),
    ]
    let resurrected = 0
    const race = async (round: number) => {
      const user = `user ${round}`
      const browser = new Browser(nodes[0])
      await browser.signIn(user)
      const { id } = (await browser.see()).body ?? {}
      const clients = numbers(6).map(index => new Browser(nodes[index % 2] ?? nodes[0], browser.token))
      const calls: (() => Promise<unknown>)[] = clients.map(
        (client, index) => () => writes[(round + index) % writes.length]?.(client, round) ?? client.see(),
      )
      // It comes first, last and everywhere in between, by the client or by an administrator.
      calls.splice(round % 7, 0, async () => {
        // A sign-out whose token was rotated away a moment ago is refused, and says so; then it does not count.
        const done = round % 2 === 1 && (await browser.signOut()).status === 200
        if (!done) await nodes[1].sessions.endUser(user)
      })
      await Promise.all(calls.map(call => call()))
      const record = await nodes[0].store.read(id ?? '')
      const seen = await Promise.all([...clients, browser].map(async client => (await client.see()).body?.userId))
      const listed = await nodes[1].sessions.list(user)
      if (!record?.ended || record.body !== '' || seen.some(Boolean) || listed.length > 0) resurrected += 1
    }
    let next = 0
    await Promise.all(
      numbers(10).map(async () => {
        while (next < races) await race(next++)
      }),
    )
    assert.equal(resurrected, 0)
  })
})

it(`torture between two processes on one SQLite file: of ${increments} increments none is lost`, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-'))
  const file = join(directory, 'sessions.db')
  const server = startServer({ store: sqliteStore(file) })
  const browser = new Browser(server)
  await browser.signIn('alice')
  const program = join(import.meta.dirname, 'actors/incrementing-process.ts')
  const options = [file, server.secret, browser.token ?? '', String(increments / 2)]
  const process1 = promisify(execFile)(process.execPath, ['--conditions=latchkey-source', program, ...options])
  const process2 = promisify(execFile)(process.execPath, ['--conditions=latchkey-source', program, ...options])
  await Promise.all([process1, process2])
  assert.deepEqual((await browser.see()).body?.data, { n: 2 * Math.ceil(increments / 2) })
  await server.sessions.close()
  rmSync(directory, { recursive: true })
})
