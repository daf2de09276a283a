import type { OutgoingHttpHeader, ServerResponse } from 'node:http'
import type { Exchange } from './exchange.ts'

/** What holding a response needs of its exchange. */
export type HeldExchange = Pick<Exchange, 'settle' | 'close' | 'applyTo' | 'applyFailureTo'>

type Method = 'writeHead' | 'write' | 'end' | 'flushHeaders'
type Call = { readonly method: Method; readonly args: unknown[] }

/**
 * Holds a response back until the session is settled: the write to the store is finished before the first header
 * leaves, and if it fails the client gets the error instead of a page that claims success.
 *
 * Whatever makes headers leave (`writeHead`, `write`, `end`, `flushHeaders`) first settles the exchange. Usually there
 * is nothing to write and the call goes through at once. Otherwise calls are kept in order and made when it is done;
 * streams see back pressure meanwhile. `fail` gets the error, with a response that is as good as new.
 */
export function holdResponse(response: ServerResponse, exchange: HeldExchange, fail: (error: unknown) => void): void {
  if (response.headersSent) {
    exchange.close()
    return
  }
  const kept: Call[] = []
  const own = response as unknown as Record<string, unknown>
  let settling = false

  const arrive = (method: Method, args: unknown[]): unknown => {
    if (settling) return keep(method, args)
    if (method === 'writeHead') args = takeHeaders(response, args)
    const status = method === 'writeHead' ? Number(args[0]) : response.statusCode
    let settled: void | Promise<void>
    try {
      settled = exchange.settle(status)
    } catch (error) {
      abandon(error)
      return method === 'write' ? true : response
    }
    if (!settled) {
      letGo()
      return (response[method] as (...args: unknown[]) => unknown)(...args)
    }
    settling = true
    // Frameworks ask this before they write an error page over an answer that is already given.
    Object.defineProperty(response, 'headersSent', { value: true, configurable: true })
    settled.then(replay, abandon)
    return keep(method, args)
  }

  const keep = (method: Method, args: unknown[]): unknown => {
    kept.push({ method, args })
    return method === 'write' ? false : method === 'flushHeaders' ? undefined : response
  }

  const replay = (): void => {
    letGo()
    let flowing = false
    for (const { method, args } of kept)
      flowing = (response[method] as (...args: unknown[]) => unknown)(...args) === true
    if (flowing && !response.writableEnded) response.emit('drain')
  }

  const abandon = (error: unknown): void => {
    release()
    for (const name of response.getHeaderNames()) response.removeHeader(name)
    response.statusCode = 200
    response.statusMessage = ''
    exchange.applyFailureTo(response)
    fail(error)
  }

  const letGo = (): void => {
    release()
    exchange.applyTo(response)
  }

  const release = (): void => {
    // The methods of the prototype show again.
    for (const method of methods) delete own[method]
    delete own.headersSent
  }

  for (const method of methods) own[method] = (...args: unknown[]) => arrive(method, args)
}

const methods: readonly Method[] = ['writeHead', 'write', 'end', 'flushHeaders']

/** Moves the headers of a `writeHead` call onto the response, where ours join them; otherwise theirs would replace ours. */
function takeHeaders(response: ServerResponse, args: unknown[]): unknown[] {
  const [status, ...rest] = args
  const message = typeof rest[0] === 'string' ? [rest[0]] : []
  const headers = rest[message.length] as OutgoingHttpHeader[] | Record<string, OutgoingHttpHeader> | undefined
  if (Array.isArray(headers)) {
    const pairs: [unknown, unknown][] = Array.isArray(headers[0])
      ? (headers as unknown as [unknown, unknown][])
      : Array.from({ length: headers.length / 2 }, (_, index) => [headers[2 * index], headers[2 * index + 1]])
    const first = new Set<string>()
    for (const [name, value] of pairs) {
      const key = String(name).toLowerCase()
      // A name that comes several times is one header with several values; the first one replaces what was set before.
      if (first.has(key)) response.appendHeader(key, value as string)
      else response.setHeader(key, value as OutgoingHttpHeader)
      first.add(key)
    }
  } else {
    for (const [name, value] of Object.entries(headers ?? {})) if (value !== undefined) response.setHeader(name, value)
  }
  return [status, ...message]
}
