import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A relay in front of a server, which can cut the line in the middle of an answer. */
export interface Relay {
  readonly port: number
  /** Lets so many more bytes of answers through, over all connections, and then cuts the one that wanted to carry more. */
  cutAfter(bytes: number): void
  /** How many connections were cut. */
  readonly cuts: number
  close(): void
}

/** Starts a relay on a free loopback port. */
export async function startRelay(port: number): Promise<Relay> {
  let left = Number.POSITIVE_INFINITY
  let cuts = 0
  const sockets = new Set<Socket>()
  const relay = createServer(near => {
    const far = connect(port, '127.0.0.1')
    const hangUp = () => {
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        hangUp()
      })
    }
    near.pipe(far)
    far.on('data', data => {
      const part = data.subarray(0, left)
      left -= part.length
      if (left > 0) return void near.write(part)
      left = Number.POSITIVE_INFINITY
      cuts += 1
      far.destroy()
      near.write(part, hangUp)
    })
  }).listen(0, '127.0.0.1')
  await once(relay, 'listening')
  return {
    port: (relay.address() as AddressInfo).port,
    cutAfter(bytes) {
      left = bytes
    },
    get cuts() {
      return cuts
    },
    close() {
      relay.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
