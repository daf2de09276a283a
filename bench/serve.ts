import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a contender tells the harness when asked; both instants of a measurement are taken from the server itself. */
export type Usage = {
  /** CPU time of the whole process so far, user and system, all threads, in microseconds. */
  cpuUs: number
  /** Requests received so far. */
  requests: number
  /** Calls of the session store so far, or `null` when the contender does not count them. */
  storeCalls: number | null
}

/**
 * Puts a contender's server on a free loopback port and answers the harness over the process's IPC channel, so that
 * asking costs no request. Started by hand, without a channel, it prints its address instead.
 */
export function serve(server: Server, storeCalls: () => number | null = () => null): void {
  let requests = 0
  server.prependListener('request', () => {
    requests += 1
  })
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.({ cpuUs: user + system, requests, storeCalls: storeCalls() } satisfies Usage)
  })
  // The harness is gone (Ctrl-C, crash): do not outlive it.
  process.on('disconnect', () => process.exit())
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    if (process.send) process.send({ port })
    else console.log(`http://127.0.0.1:${port}`)
  })
}
