import { once } from 'node:events'
import { createServer } from 'node:net'

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const holders = await Promise.all(
    Array.from({ length: count }, async () => {
      const holder = createServer().listen(0, '127.0.0.1')
      await once(holder, 'listening')
      return holder
    }),
  )
  const ports = holders.map(holder => (holder.address() as { port: number }).port)
  await Promise.all(holders.map(holder => new Promise(closed => holder.close(closed))))
  return ports
}
