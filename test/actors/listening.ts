import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ContractServer } from 'latchkey/testing'

/** Puts a server, or a listener in a server of its own, on a free port of the loopback address. */
export async function listening(application: Server | RequestListener): Promise<ContractServer> {
  const server = typeof application === 'function' ? createServer(application) : application
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections()
      return new Promise((closed, failed) => server.close(error => (error ? failed(error) : closed())))
    },
  }
}
