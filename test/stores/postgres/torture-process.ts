/** A process of its own over a shared PostgreSQL, which does what its parent asks for: `URL SECRET` as arguments. */
import { postgresStore } from 'latchkey/stores/postgres'
import pg from 'pg'
import { Browser } from '../../actors/browser.ts'
import { startServer } from '../../actors/server.ts'

/** What the parent asks for. */
export type Task =
  | { readonly does: 'increment'; readonly token: string; readonly times: number; readonly atOnce: number }
  | { readonly does: 'write'; readonly token: string; readonly round: number }
  | { readonly does: 'signOut'; readonly token: string }
  | { readonly does: 'signIn'; readonly userId: string; readonly generation: number; readonly times: number }
  | { readonly does: 'endUser'; readonly userId: string }
  | { readonly does: 'stop' }

const [, , url = '', secret = ''] = process.argv
const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 10_000, max: 6 })
const store = postgresStore(pool, { queryTimeout: '60s' })
const server = startServer({ secrets: [secret], store })

const increment = (client: Browser) =>
  client.send(session => session.update(data => Object.assign(data, { n: Number(data.n ?? 0) + 1 })))

async function run(task: Exclude<Task, { does: 'stop' }>): Promise<unknown> {
  switch (task.does) {
    case 'increment': {
      let left = task.times
      let refused = 0
      const client = new Browser(server, task.token)
      const hand = async () => {
        while (left > 0) {
          left -= 1
          if ((await increment(client)).status !== 200) refused += 1
        }
      }
      await Promise.all(Array.from({ length: task.atOnce }, hand))
      return refused
    }
    case 'write': {
      const client = new Browser(server, task.token)
      const kinds = [
        () => client.put({ round: task.round }),
        () => increment(client),
        () => client.rotate(),
        () => client.see(),
      ]
      await kinds[task.round % kinds.length]?.()
      return client.token
    }
    case 'signOut':
      return (await new Browser(server, task.token).signOut()).status
    case 'signIn':
      return Promise.all(
        Array.from({ length: task.times }, async () => {
          const browser = new Browser(server)
          const { status } = await browser.signIn(task.userId, { generation: task.generation })
          return { status, token: browser.token }
        }),
      )
    case 'endUser':
      await server.sessions.endUser(task.userId)
  }
}

process.on('message', async ({ id, task }: { id: number; task: Task }) => {
  if (task.does === 'stop') {
    await server.sessions.close()
    await pool.end()
    process.disconnect()
    return
  }
  try {
    process.send?.({ id, result: await run(task) })
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? error.stack : String(error) })
  }
})
await store.ping()
process.send?.({ id: 0, result: 'ready' })
