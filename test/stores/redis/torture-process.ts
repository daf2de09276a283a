/**
 * A process of its own that works on everybody's sessions, as it is told by its parent: `node … ADDRESSES PREFIX SECRET`, where
 * the addresses are those of one server or of a cluster's nodes, with commas.
 */
import { redisStore } from 'latchkey/stores/redis'
import { createClient, createCluster } from 'redis'
import { Browser } from '../../actors/browser.ts'
import { startServer } from '../../actors/server.ts'

/** What the parent may ask for. */
export type Order = { readonly id: number } & (
  | { readonly does: 'increment'; readonly token: string; readonly times: number }
  | { readonly does: 'write'; readonly token: string; readonly kind: number }
  | { readonly does: 'sign out'; readonly token: string }
  | { readonly does: 'sign in'; readonly userId: string; readonly generation: number }
  | { readonly does: 'end user'; readonly userId: string }
  | { readonly does: 'end everybody' }
)

const [addresses = '', prefix = '', secret = ''] = process.argv.slice(2)
const urls = addresses.split(',').map(url => ({ url }))
const client = urls.length > 1 ? createCluster({ rootNodes: urls }) : createClient(urls[0])
client.on('error', () => {})
await client.connect()
const server = startServer({ secrets: [secret], store: redisStore(client, { prefix }) })

async function obey(order: Order): Promise<unknown> {
  const browser = new Browser(server, 'token' in order ? order.token : null)
  switch (order.does) {
    case 'increment': {
      let left = order.times
      const statuses = new Set<number>()
      const hand = async () => {
        while (left > 0) {
          left -= 1
          const reply = await browser.send(s => s.update(data => Object.assign(data, { n: Number(data.n ?? 0) + 1 })))
          statuses.add(reply.status)
        }
      }
      await Promise.all(Array.from({ length: 16 }, hand))
      return [...statuses]
    }
    case 'write': {
      const writes = [
        () => browser.put({ round: order.id }),
        () => browser.rotate(),
        () => browser.stepUp(),
        () => browser.see(),
      ]
      return (await writes[order.kind % writes.length]?.())?.status
    }
    case 'sign out':
      return (await browser.signOut()).status
    case 'sign in': {
      const { status } = await browser.signIn(order.userId, { generation: order.generation })
      return { status, token: browser.token }
    }
    case 'end user':
      return server.sessions.endUser(order.userId)
    case 'end everybody':
      return server.sessions.endEverybody()
  }
}

process.on('message', (order: Order) => {
  obey(order).then(
    result => process.send?.({ id: order.id, result }),
    error => process.send?.({ id: order.id, error: String(error?.stack ?? error) }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.({ id: 0 })
