import type { OutgoingHttpHeader, ServerResponse } from 'node:http'
import type { HeldExchange } from './request-facts.ts'

/** Whatever makes headers leave. */
type Method = 'writeHead' | 'write' | 'end' | 'flushHeaders'
type Methods = Record<Method, (...args: unknown[]) => unknown>
type Call = { readonly method: Method; readonly args: readonly unknown[] }

/**
 * - `holding`: nothing was answered yet.
 * - `settling`: the handler answers, the session is being written; calls are kept.
 * - `passing`: settled; calls go through.
 * - `failed`: the session was not written; only the error's answer goes through.
 */
type Stage = 'holding' | 'settling' | 'passing' | 'failed'

/**
 * Holds a response back until the session is settled: the write to the store is finished before the first header
 * leaves, and if it fails the client gets the error instead of a page that claims success.
 *
 * Whatever makes headers leave (`writeHead`, `write`, `end`, `flushHeaders`) first settles the exchange. Usually there
 * is nothing to write and the call goes through at once. Otherwise calls are kept in order and made when it is done;
 * streams see back pressure meanwhile, and everybody else a response whose head has left. `fail` gets the error, with
 * the response as it was when the session was first used; what the handler still says after that goes nowhere.
 */
export function holdResponse(response: ServerResponse, exchange: HeldExchange, fail: (error: unknown) => void): void {
  if (response.headersSent) {
    exchange.close()
    return
  }
  const own = response as unknown as Methods
  // Others wrap these methods too: compression, another session manager. Those before us are called next; those after
  // us call us, for as long as the response lives.
  const next: Methods = { writeHead: own.writeHead, write: own.write, end: own.end, flushHeaders: own.flushHeaders }
  const ours: Methods = {
    writeHead: (...args) => arrive('writeHead', args),
    write: (...args) => arrive('write', args),
    end: (...args) => arrive('end', args),
    flushHeaders: (...args) => arrive('flushHeaders', args),
  }
  const headersBefore = response.getHeaders()
  const kept: Call[] = []
  let stage: Stage = 'holding'
  let status = 200
  let unlock = () => {}
  /** Whether the handler has said all it has to say. */
  let ended = false
  let failing = false
  let failureTold = false

  const arrive = (method: Method, args: unknown[]): unknown => {
    switch (stage) {
      case 'passing':
        return pass(method, args)
      case 'settling':
        return isMistake(method, args) ? pass(method, args) : keep(method, args)
      case 'failed':
        return answersFailure(method, args) ? passFailure(method, args) : drop(method, args)
    }
    if (method === 'writeHead') args = takeHeaders(response, args)
    status = method === 'writeHead' ? Number(args[0]) : response.statusCode
    if (isMistake(method, args) || !(status >= 100 && status <= 999)) return pass(method, args)
    let settled: void | Promise<void>
    try {
      settled = exchange.settle(status)
    } catch (error) {
      ended = method === 'end'
      giveUp(error)
      return drop(method, args)
    }
    if (!settled) {
      letGo()
      return pass(method, args)
    }
    stage = 'settling'
    unlock = showAsSent(response, () => ended)
    // The last resort, for when even the error page fails: nobody may take half an answer for a whole one.
    settled.then(replay, giveUp).catch(error => response.destroy(error))
    return keep(method, args)
  }

  const pass = (method: Method, args: readonly unknown[]): unknown => next[method].apply(response, args as unknown[])

  const keep = (method: Method, args: readonly unknown[]): unknown => {
    // The head is decided and nothing follows an end; Node would raise errors that end the process.
    if (ended || (method === 'writeHead' && kept.length > 0)) return drop(method, args)
    kept.push({ method, args })
    ended = method === 'end'
    return resultOf(method)
  }

  const drop = (method: Method, args: readonly unknown[]): unknown => {
    const callback = args.findLast(argument => typeof argument === 'function')
    if (callback) process.nextTick(callback as (error: Error) => void, new Error('the answer was given already'))
    return resultOf(method)
  }

  const resultOf = (method: Method): unknown =>
    method === 'write' ? false : method === 'flushHeaders' ? undefined : response

  const letGo = (): void => {
    stage = 'passing'
    if (own.writeHead === ours.writeHead) own.writeHead = next.writeHead
    if (own.write === ours.write) own.write = next.write
    if (own.end === ours.end) own.end = next.end
    if (own.flushHeaders === ours.flushHeaders) own.flushHeaders = next.flushHeaders
    exchange.applyTo(response)
  }

  const replay = (): void => {
    unlock()
    response.statusCode = status
    let flowing = false
    try {
      letGo()
      for (const { method, args } of kept) {
        const result = pass(method, args)
        if (method === 'write') flowing = result === true
      }
    } catch (error) {
      // Node refuses a call that it would have refused at once without us.
      if (response.headersSent) throw error
      giveUp(error)
      return
    }
    if (flowing && !response.writableEnded) response.emit('drain')
  }

  const giveUp = (error: unknown): void => {
    unlock()
    stage = 'failed'
    take(own, ours)
    for (const { method, args } of kept) drop(method, args)
    for (const name of response.getHeaderNames()) {
      const before = headersBefore[name]
      if (before === undefined) response.removeHeader(name)
      else if (before !== response.getHeader(name)) response.setHeader(name, before)
    }
    response.statusCode = 200
    Reflect.deleteProperty(response, 'statusMessage')
    failing = true
    try {
      fail(error)
    } finally {
      failing = false
    }
  }

  /**
   * Whether a call after the failure belongs to the error's answer. A handler that was still streaming may go on and
   * must not be heard: neither as a success nor after the end, which Node would raise as an error that ends the process.
   */
  const answersFailure = (method: Method, args: readonly unknown[]): boolean => {
    if (response.writableEnded) return false
    const claimed = method === 'writeHead' ? Number(args[0]) : response.statusCode
    return failing || ended || claimed >= 300
  }

  const passFailure = (method: Method, args: unknown[]): unknown => {
    if (!failureTold) {
      failureTold = true
      if (method === 'writeHead') args = takeHeaders(response, args)
      exchange.applyFailureTo(response)
    }
    return pass(method, args)
  }

  take(own, ours)
}

/** Written out, because this runs for every request that uses a session and named properties are what engines are good at. */
function take(own: Methods, methods: Methods): void {
  own.writeHead = methods.writeHead
  own.write = methods.write
  own.end = methods.end
  own.flushHeaders = methods.flushHeaders
}

/** Whether Node would throw at once because of the chunk, so that the handler and not the client hears of it. */
function isMistake(method: Method, [chunk]: readonly unknown[]): boolean {
  if (method !== 'write' && method !== 'end') return false
  if (typeof chunk === 'string' || chunk instanceof Uint8Array) return false
  return method === 'write' || (Boolean(chunk) && typeof chunk !== 'function')
}

/**
 * Makes a response look as it would if its head had left, which is what frameworks and handlers ask before they write
 * an error page over an answer that is given; the returned function ends that.
 */
function showAsSent(response: ServerResponse, isEnded: () => boolean): () => void {
  const tooLate = (): never => {
    const error = new Error('Cannot set headers after they are sent to the client')
    throw Object.assign(error, { code: 'ERR_HTTP_HEADERS_SENT' })
  }
  const shown: PropertyDescriptorMap = {
    headersSent: { value: true, configurable: true },
    writableEnded: { get: isEnded, configurable: true },
    setHeader: { value: tooLate, configurable: true },
    appendHeader: { value: tooLate, configurable: true },
    removeHeader: { value: tooLate, configurable: true },
  }
  const before = Object.keys(shown).map(name => [name, Object.getOwnPropertyDescriptor(response, name)] as const)
  Object.defineProperties(response, shown)
  return () => {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(response, name, descriptor)
      else Reflect.deleteProperty(response, name)
    }
  }
}

/**
 * Moves the headers of a `writeHead` call onto the response, where ours join them; otherwise theirs would replace ours.
 * Takes every form that Node takes: an object, a flat list, a list of pairs, in second or in third place.
 */
function takeHeaders(response: ServerResponse, args: readonly unknown[]): unknown[] {
  const [status, reason, last] = args
  const message = typeof reason === 'string' ? [reason] : []
  const headers = last ?? (typeof reason === 'string' ? undefined : reason)
  if (Array.isArray(headers)) {
    const list: unknown[] = Array.isArray(headers[0]) ? headers.flat() : headers
    if (list.length % 2 !== 0) {
      throw Object.assign(new TypeError('writeHead: a name without a value'), { code: 'ERR_INVALID_ARG_VALUE' })
    }
    // They replace what was set before, and a name that comes several times has several values.
    for (let i = 0; i < list.length; i += 2) response.removeHeader(String(list[i]))
    for (let i = 0; i < list.length; i += 2) response.appendHeader(String(list[i]), list[i + 1] as string)
  } else {
    for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value as OutgoingHttpHeader)
  }
  return [status, ...message]
}
