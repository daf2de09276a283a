import {
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  type ServerResponse,
  validateHeaderName,
  validateHeaderValue,
} from 'node:http'
import type { HeldExchange, ResponseHead } from './request-facts.ts'

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
  if (response.headersSent) exchange.close()
  else new HeldResponse(response, exchange, fail).hold()
}

class HeldResponse {
  readonly #response: ServerResponse
  readonly #exchange: HeldExchange
  readonly #fail: (error: unknown) => void
  /**
   * The methods as they were. Others wrap them too: compression, another session manager. Those before us are called
   * next; those after us call us, for as long as the response lives.
   */
  readonly #next: Methods
  readonly #ours: Methods
  readonly #headersBefore: OutgoingHttpHeaders
  #stage: Stage = 'holding'
  #status = 200
  /** Whether the handler has said all it has to say. */
  #ended = false
  #kept: Call[] = []
  #showAsItIs: () => void = ignore
  /** Whether `fail` is running, so that what is said is its answer. */
  #failing = false
  #failureTold = false

  constructor(response: ServerResponse, exchange: HeldExchange, fail: (error: unknown) => void) {
    const { writeHead, write, end, flushHeaders } = response as unknown as Methods
    this.#response = response
    this.#exchange = exchange
    this.#fail = fail
    this.#next = { writeHead, write, end, flushHeaders }
    this.#ours = {
      writeHead: (...args) => this.#arrive('writeHead', args),
      write: (...args) => this.#arrive('write', args),
      end: (...args) => this.#arrive('end', args),
      flushHeaders: (...args) => this.#arrive('flushHeaders', args),
    }
    this.#headersBefore = response.getHeaders()
  }

  hold(): void {
    // Named properties, not Object.assign: this runs for every request that uses a session.
    const own = this.#response as unknown as Methods
    own.writeHead = this.#ours.writeHead
    own.write = this.#ours.write
    own.end = this.#ours.end
    own.flushHeaders = this.#ours.flushHeaders
  }

  #letGo(head: ResponseHead): void {
    this.#stage = 'passing'
    const own = this.#response as unknown as Methods
    if (own.writeHead === this.#ours.writeHead) own.writeHead = this.#next.writeHead
    if (own.write === this.#ours.write) own.write = this.#next.write
    if (own.end === this.#ours.end) own.end = this.#next.end
    if (own.flushHeaders === this.#ours.flushHeaders) own.flushHeaders = this.#next.flushHeaders
    this.#exchange.applyTo(head)
  }

  #arrive(method: Method, args: unknown[]): unknown {
    switch (this.#stage) {
      case 'holding':
        return this.#settle(method, args)
      case 'passing':
        return this.#pass(method, args)
      case 'settling':
        return isMistake(method, args) ? this.#pass(method, args) : this.#keep(method, args)
      case 'failed':
        return this.#answersFailure(method, args) ? this.#passFailure(method, args) : drop(this.#response, method, args)
    }
  }

  #settle(method: Method, given: unknown[]): unknown {
    const args = method === 'writeHead' ? checkHead(this.#response, given) : given
    this.#status = method === 'writeHead' ? Number(args[0]) : this.#response.statusCode
    const isStatus = this.#status >= 100 && this.#status <= 999
    if (!isStatus || isMistake(method, args)) return this.#pass(method, args)
    let settled: void | Promise<void>
    try {
      settled = this.#exchange.settle(this.#status)
    } catch (error) {
      settled = Promise.reject(error)
    }
    if (!settled) return this.#go(method, args)
    this.#stage = 'settling'
    this.#showAsItIs = showAsSent(this.#response, () => this.#ended)
    settled
      .then(
        () => this.#replay(),
        error => this.#giveUp(error),
      )
      // The last resort, for when even the error page fails: nobody may take half an answer for a whole one.
      .catch(error => this.#response.destroy(error))
    return this.#keep(method, args)
  }

  /** The first call that leaves, with our headers. */
  #go(method: Method, args: readonly unknown[]): unknown {
    const [status, headers] = args
    if (method !== 'writeHead' || !isPlain(headers)) {
      this.#letGo(this.#response)
      return this.#pass(method, args)
    }
    const head = new HeadOfCall(headers)
    this.#letGo(head)
    return this.#pass('writeHead', [status, head.headers])
  }

  #pass(method: Method, args: readonly unknown[]): unknown {
    return this.#next[method].apply(this.#response, args as unknown[])
  }

  #keep(method: Method, args: readonly unknown[]): unknown {
    // The head is decided and nothing follows an end; Node would raise errors that end the process.
    if (this.#ended || (method === 'writeHead' && this.#kept.length > 0)) return drop(this.#response, method, args)
    this.#kept.push({ method, args })
    this.#ended = method === 'end'
    return resultOf(this.#response, method)
  }

  #replay(): void {
    const response = this.#response
    this.#showAsItIs()
    response.statusCode = this.#status
    let flowing = false
    try {
      for (const [index, { method, args }] of this.#kept.entries()) {
        const result = index === 0 ? this.#go(method, args) : this.#pass(method, args)
        if (method === 'write') flowing = result === true
      }
    } catch (error) {
      // Node refuses a call that it would have refused at once without us.
      if (response.headersSent) throw error
      this.#giveUp(error)
      return
    }
    if (flowing && !response.writableEnded) response.emit('drain')
  }

  #giveUp(error: unknown): void {
    const response = this.#response
    this.#showAsItIs()
    this.#stage = 'failed'
    this.hold()
    for (const { method, args } of this.#kept) drop(response, method, args)
    for (const name of response.getHeaderNames()) {
      const before = this.#headersBefore[name]
      if (before === undefined) response.removeHeader(name)
      else if (before !== response.getHeader(name)) response.setHeader(name, before)
    }
    response.statusCode = 200
    Reflect.deleteProperty(response, 'statusMessage')
    this.#failing = true
    try {
      this.#fail(error)
    } finally {
      this.#failing = false
    }
  }

  /**
   * Whether a call after the failure belongs to the error's answer, which may take its time (Express reads the request to
   * its end first). A handler that was still streaming may go on and must not be heard: neither as a success nor after
   * the end, which Node would raise as an error that ends the process.
   */
  #answersFailure(method: Method, args: readonly unknown[]): boolean {
    if (this.#response.writableEnded) return false
    const claimed = method === 'writeHead' ? Number(args[0]) : this.#response.statusCode
    return this.#failing || this.#ended || claimed >= 300
  }

  #passFailure(method: Method, given: unknown[]): unknown {
    const args = method === 'writeHead' ? takeHeaders(this.#response, given) : given
    if (!this.#failureTold) {
      this.#failureTold = true
      this.#exchange.applyFailureTo(this.#response)
    }
    return this.#pass(method, args)
  }
}

/**
 * A `writeHead` call ready to leave later: headers that come all at once in an object stay one, because Node writes them
 * in half the time that setting each takes. Checked now, so that the handler and not the client hears of a mistake.
 */
function checkHead(response: ServerResponse, args: unknown[]): unknown[] {
  const [, headers] = args
  if (!isPlain(headers) || response.getHeaderNames().length > 0) return takeHeaders(response, args)
  for (const name in headers) {
    validateHeaderName(name)
    validateHeaderValue(name, headers[name] as string)
  }
  return args
}

/** The headers of a `writeHead` call, to which ours are added. */
class HeadOfCall implements ResponseHead {
  readonly headers: OutgoingHttpHeaders

  constructor(headers: OutgoingHttpHeaders) {
    this.headers = { ...headers }
  }

  getHeader(name: string): OutgoingHttpHeader | undefined {
    const written = this.#nameOf(name)
    return written === undefined ? undefined : this.headers[written]
  }

  setHeader(name: string, value: string | string[]): void {
    this.headers[this.#nameOf(name) ?? name] = value
  }

  /** The handler may write a header's name in any case. */
  #nameOf(name: string): string | undefined {
    for (const written in this.headers) {
      if (written.length === name.length && written.toLowerCase() === name) return written
    }
    return undefined
  }
}

function isPlain(headers: unknown): headers is OutgoingHttpHeaders {
  return typeof headers === 'object' && headers !== null && !Array.isArray(headers)
}

/** Answers a call that must not be heard as Node answers one after the end. */
function drop(response: ServerResponse, method: Method, args: readonly unknown[]): unknown {
  const callback = args.findLast(argument => typeof argument === 'function')
  if (callback) process.nextTick(callback as (error: Error) => void, new Error('the answer was given already'))
  return resultOf(response, method)
}

function resultOf(response: ServerResponse, method: Method): unknown {
  return method === 'write' ? false : method === 'flushHeaders' ? undefined : response
}

function ignore(): void {}

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
