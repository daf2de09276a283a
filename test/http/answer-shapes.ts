import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** What answers one request. */
export type Handler = (response: ServerResponse, request: IncomingMessage) => unknown

/** One turn of the event loop. */
export const tick = (): Promise<void> => new Promise(setImmediate)

/** A way to answer: its name, the handler, and the request line if it is not `GET / HTTP/1.1`. */
export type Shape = readonly [name: string, handler: Handler, ask?: string]

/** Every way in which a handler can answer. */
export const shapes: readonly Shape[] = [
  ['end', r => r.end('hello')],
  ['end without a body', r => r.end()],
  ['end with a buffer', r => r.end(Buffer.from('hello'))],
  ['end with an encoding', r => r.end('68656c6c6f', 'hex')],
  [
    'write and end',
    r => {
      r.write('hel')
      r.end('lo')
    },
  ],
  [
    'write with an encoding',
    r => {
      r.write('68656c', 'hex')
      r.end('lo')
    },
  ],
  [
    'writeHead and end',
    r => {
      r.writeHead(201)
      r.end('hello')
    },
  ],
  ['writeHead chained with end', r => r.writeHead(201).end('hello')],
  ['writeHead with a reason', r => r.writeHead(201, 'Made').end('hello')],
  ['writeHead with headers', r => r.writeHead(201, { 'X-A': '1', 'Content-Length': 5 }).end('hello')],
  ['writeHead with a reason and headers', r => r.writeHead(201, 'Made', { 'X-A': '1' }).end('hello')],
  ['writeHead with headers in third place', r => r.writeHead(201, undefined, { 'X-A': '1' }).end('hello')],
  ['writeHead with a flat list', r => r.writeHead(201, ['X-A', '1', 'X-A', '2', 'X-B', '3']).end('hello')],
  [
    'writeHead with a list of cookies',
    r => r.writeHead(201, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Set-Cookie', 'c=3']).end(),
  ],
  ['writeHead with many values of a header', r => r.writeHead(201, { 'Set-Cookie': ['a=1', 'b=2'] }).end('hello')],
  [
    'writeHead over setHeader',
    r => {
      r.setHeader('X-A', '0')
      r.writeHead(201, { 'X-A': '1' }).end('hello')
    },
  ],
  [
    'writeHead list over setHeader',
    r => {
      r.setHeader('X-A', '0')
      r.writeHead(201, ['X-A', '1', 'X-A', '2']).end()
    },
  ],
  ['writeHead with half a list', r => r.writeHead(201, ['X-A']).end('hello')],
  ['writeHead with a forbidden header', r => r.writeHead(201, { 'X-A': 'a\nb' }).end('hello')],
  ['writeHead with a status that does not exist', r => r.writeHead(99).end('hello')],
  [
    'a status that does not exist',
    r => {
      r.statusCode = 1000
      r.end('hello')
    },
  ],
  [
    'setHeader after the answer',
    r => {
      r.end('hello')
      r.setHeader('Content-Length', 99)
    },
  ],
  [
    'appendHeader after the answer',
    r => {
      r.end('hello')
      r.appendHeader('X-A', '1')
    },
  ],
  [
    'removeHeader after the answer',
    r => {
      r.setHeader('X-A', '1')
      r.end('hello')
      r.removeHeader('X-A')
    },
  ],
  [
    'setHeaders after the answer',
    r => {
      r.end('hello')
      r.setHeaders(new Map([['X-A', '1']]))
    },
  ],
  [
    'a status after the answer',
    r => {
      r.end('hello')
      r.statusCode = 500
    },
  ],
  [
    'a status after writeHead',
    r => {
      r.writeHead(201)
      r.statusCode = 500
      r.end('hello')
    },
  ],
  [
    'end twice',
    r => {
      r.end('hello')
      r.end()
    },
  ],
  ['end with something that is no text', r => r.end(42 as never)],
  ['write with something that is no text', r => r.write({ a: 1 } as never)],
  ['write with nothing', r => r.write(null as never)],
  [
    'flushHeaders',
    r => {
      r.flushHeaders()
      r.end('hello')
    },
  ],
  [
    'flushHeaders between',
    r => {
      r.write('hel')
      r.flushHeaders()
      r.end('lo')
    },
  ],
  ['204', r => r.writeHead(204).end()],
  ['304 with an etag', r => r.writeHead(304, { ETag: '"a"' }).end()],
  ['an answer to HEAD', r => r.writeHead(200, { 'Content-Length': 5 }).end('hello'), 'HEAD / HTTP/1.1'],
  ['a stream as answer to HEAD', r => pipeline(Readable.from(['hel', 'lo']), r), 'HEAD / HTTP/1.1'],
  [
    'HTTP/1.0',
    r => {
      r.write('hel')
      r.end('lo')
    },
    'GET / HTTP/1.0',
  ],
  [
    'trailers',
    r => {
      r.writeHead(200, { Trailer: 'X-Sum' })
      r.write('hello')
      r.addTrailers({ 'X-Sum': '5' })
      r.end()
    },
  ],
  [
    'early hints',
    r => {
      r.writeEarlyHints({ link: '</a.css>; rel=preload' })
      r.end('hello')
    },
  ],
  [
    'corked',
    r => {
      r.cork()
      r.write('hel')
      r.write('lo')
      r.uncork()
      r.end()
    },
  ],
  ['written callback by callback', r => r.write('hel', () => r.end('lo', () => {}))],
  ['end with a callback only', r => r.end(() => {})],
  [
    'a pause between the chunks',
    async r => {
      r.write('hel')
      await tick()
      r.write('lo')
      await tick()
      r.end()
    },
  ],
  ['a stream', r => pipeline(Readable.from(['a', 'b', 'c']), r)],
  ['a stream by pipe', r => void Readable.from(['a', 'b', 'c']).pipe(r)],
  ['a large stream', r => pipeline(Readable.from(chunks(64, 65_536)), r)],
  [
    'drain by hand',
    async r => {
      for (const chunk of chunks(64, 65_536)) if (!r.write(chunk)) await once(r, 'drain')
      r.end()
    },
  ],
  [
    'drain by hand after flushHeaders',
    async r => {
      const flows = r.write('hello')
      r.flushHeaders()
      if (!flows) await once(r, 'drain')
      r.end()
    },
  ],
]

function* chunks(count: number, size: number): Generator<string> {
  for (let i = 0; i < count; i += 1) yield `${i} `.padEnd(size, 'x')
}
