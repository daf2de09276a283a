import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { suite, test } from 'node:test'
import { createGzip, gunzipSync } from 'node:zlib'
import { holdResponse } from '../../src/http/hold-response.ts'
import type { HeldExchange } from '../../src/http/request-facts.ts'
import { speak } from '../../src/testing/adapter-contract/wire.ts'
import { type Handler, shapes, tick } from './answer-shapes.ts'

type Hold = (response: ServerResponse) => void

/** What the session has to do before the headers may leave. */
const outcomes = {
  'nothing to write': () => undefined,
  'a write that succeeds': () => new Promise<void>(resolve => setImmediate(resolve)),
  'a write that fails': () => new Promise<void>((_, reject) => setImmediate(reject, new Error('the store is down'))),
  'a write that cannot even begin': () => {
    throw new Error('the data cannot be written')
  },
} as const
type Outcome = keyof typeof outcomes

function exchangeOf(settle: () => void | Promise<void>): HeldExchange {
  return {
    settle,
    close: () => {},
    applyTo: response => void response.setHeader('x-session', 'kept'),
    applyFailureTo: response => void response.setHeader('x-session', 'failed'),
  }
}

/** The error page of these tests, given at once. */
const fail = (response: ServerResponse) => (): void => {
  response.statusCode = 503
  response.end('sorry')
}

const holding =
  (outcome: Outcome, failure = fail): Hold =>
  response =>
    holdResponse(response, exchangeOf(outcomes[outcome]), failure(response))

/** Lets a handler answer one request and returns what went over the wire, without what differs from time to time. */
async function wire(handler: Handler, hold: Hold = () => {}, ask = 'GET / HTTP/1.1'): Promise<string> {
  const server = createServer(async (request, response) => {
    hold(response)
    try {
      await handler(response, request)
    } catch (error) {
      if (response.writableEnded) return
      if (response.headersSent) response.destroy()
      else {
        response.statusCode = 500
        response.statusMessage = 'Threw'
        response.end(`threw ${(error as NodeJS.ErrnoException).code}`)
      }
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const heard = await speak(`http://127.0.0.1:${port}`, `${ask}\r\nHost: a.test\r\nConnection: close\r\n\r\n`)
  await new Promise(closed => server.close(closed))
  return heard.replace(/^date: .*\r\n/im, '')
}

const withoutOurs = (heard: string) => heard.replace(/^x-session: kept\r\n/im, '')

suite('a held response', () => {
  for (const outcome of ['nothing to write', 'a write that succeeds'] as const) {
    suite(outcome, () => {
      for (const [name, handler, ask] of shapes) {
        test(`${name}: goes over the wire as it would without us`, async () => {
          const [bare, held] = [await wire(handler, undefined, ask), await wire(handler, holding(outcome), ask)]
          assert.equal(withoutOurs(held), bare)
          if (!bare.includes('threw')) assert.match(held, /^x-session: kept\r$/im)
        })
      }
    })
  }

  for (const outcome of ['a write that fails', 'a write that cannot even begin'] as const) {
    suite(outcome, () => {
      for (const [name, handler, ask] of shapes) {
        test(`ASVS 16.5.2: ${name}: the error is the whole answer`, async () => {
          const page = await wire(fails, undefined, ask)
          const held = await wire(handler, holding(outcome), ask)
          // A mistake in the call itself is told before anything is tried to be written.
          if (held.includes('threw')) assert.equal(withoutOurs(held), await wire(handler, undefined, ask))
          else assert.equal(reduced(held), reduced(page))
        })
      }
    })
  }
})

const fails: Handler = response => {
  response.setHeader('x-session', 'failed')
  fail(response)()
}

/** A page is the same page after early hints, and when its length is not known in advance. */
const reduced = (heard: string) =>
  heard
    .replace(/^HTTP.1.1 103 .*\r\n(.+\r\n)*\r\n/, '')
    .replace(/^content-length: 5\r\n/im, '')
    .replace(/^transfer-encoding: chunked\r\n/im, '')
    .replace('5\r\nsorry\r\n0\r\n\r\n', 'sorry')

suite('a response whose session could not be written', () => {
  const failingOutcomes = ['a write that fails', 'a write that cannot even begin'] as const

  for (const outcome of failingOutcomes) {
    test(`ASVS 16.5.2: what a handler goes on to say is not heard, and harms nobody (${outcome})`, async () => {
      const heard = await wire(async response => {
        response.writeHead(200, { 'X-Success': 'yes' })
        response.write('success')
        for (let i = 0; i < 20; i += 1) {
          await tick()
          response.write('success')
        }
        response.end('success')
        response.end('success')
      }, holding(outcome))
      assert.match(heard, /^HTTP.1.1 503 /)
      assert.doesNotMatch(heard, /success/i)
    })

    test(`ASVS 16.5.2: a slow error page is not overtaken by the rest of the answer (${outcome})`, async () => {
      const slowly = (response: ServerResponse) => async (): Promise<void> => {
        await tick()
        await tick()
        response.writeHead(503, { 'Content-Type': 'text/plain' }).end('sorry')
      }
      const heard = await wire(
        async response => {
          response.write('success')
          await tick()
          response.write('success')
          response.end('success')
        },
        holding(outcome, slowly),
      )
      assert.match(heard, /^HTTP.1.1 503 [\s\S]*content-type: text.plain[\s\S]*x-session: failed[\s\S]*sorry/i)
      assert.doesNotMatch(heard, /success/i)
    })

    test(`ASVS 16.5.2: where the handler had ended, the error page may take its time (${outcome})`, async () => {
      const slowly = (response: ServerResponse) => async (): Promise<void> => {
        await tick()
        await tick()
        response.writeHead(503, { 'Content-Type': 'text/plain' }).end('sorry')
      }
      const heard = await wire(response => response.end('success'), holding(outcome, slowly))
      assert.match(heard, /^HTTP.1.1 503 [\s\S]*content-type: text.plain[\s\S]*x-session: failed[\s\S]*sorry/i)
      assert.doesNotMatch(heard, /success/i)
    })

    test(`an error page may be a redirect (${outcome})`, async () => {
      const elsewhere = (response: ServerResponse) => async (): Promise<void> => {
        await tick()
        response.writeHead(303, { Location: '/sorry' }).end()
      }
      const heard = await wire(r => r.writeHead(200).end('success'), holding(outcome, elsewhere))
      assert.match(heard, /^HTTP.1.1 303 [\s\S]*location: .sorry/i)
    })

    test(`headers from before the session was used stay, those of the answer go (${outcome})`, async () => {
      const heard = await wire(
        response => {
          response.setHeader('X-Frame-Options', 'ALLOWALL')
          response.setHeader('HX-Redirect', '/done')
          response.setHeader('Set-Cookie', 'done=yes')
          response.writeHead(201, 'Done', { ETag: '"done"' }).end('done')
        },
        response => {
          response.setHeader('X-Frame-Options', 'DENY')
          response.setHeader('X-Content-Type-Options', 'nosniff')
          holding(outcome)(response)
        },
      )
      assert.match(heard, /^HTTP.1.1 503 Service Unavailable\r\n/)
      assert.match(heard, /^X-Frame-Options: DENY\r$/im)
      assert.match(heard, /^X-Content-Type-Options: nosniff\r$/m)
      assert.doesNotMatch(heard, /done/i)
    })

    test(`callbacks of what was not sent hear of it (${outcome})`, async () => {
      const told: unknown[] = []
      await wire(async response => {
        response.write('a', error => told.push(error))
        response.write('b', 'utf8', error => told.push(error))
        response.end('c', () => told.push('end'))
        await tick()
        await tick()
      }, holding(outcome))
      assert.equal(told.filter(error => error instanceof Error).length, 2)
      assert.ok(told.includes('end'))
    })

    test(`when the error page fails too, the connection is cut (${outcome})`, async () => {
      const broken = () => (): void => {
        throw new Error('the error page is broken')
      }
      const heard = await wire(r => r.writeHead(200).end('success'), holding(outcome, broken))
      assert.doesNotMatch(heard, /success/)
    })
  }
})

suite('a response that others wrap too', () => {
  const big = 'hello '.repeat(2_000)

  for (const outcome of ['nothing to write', 'a write that succeeds'] as const) {
    for (const [order, mount] of [
      [
        'before us',
        (r: ServerResponse) => {
          compress(r)
          holding(outcome)(r)
        },
      ],
      [
        'after us',
        (r: ServerResponse) => {
          holding(outcome)(r)
          compress(r)
        },
      ],
    ] as const) {
      test(`compression mounted ${order} still compresses (${outcome})`, async () => {
        for (const handler of [
          (r: ServerResponse) => r.end(big),
          (r: ServerResponse) => {
            r.write(big.slice(0, 99))
            r.end(big.slice(99))
          },
          (r: ServerResponse) => pipeline(Readable.from([big.slice(0, 99), big.slice(99)]), r),
        ]) {
          const heard = await wire(handler, mount, 'GET / HTTP/1.0')
          assert.match(heard, /^content-encoding: gzip\r$/im)
          assert.match(heard, /^x-session: kept\r$/im)
          assert.equal(gunzipSync(bodyOf(heard)).toString(), big)
        }
      })
    }
  }

  for (const outcome of ['a write that fails', 'a write that cannot even begin'] as const) {
    for (const [order, mount] of [
      [
        'before us',
        (r: ServerResponse) => {
          compress(r)
          holding(outcome)(r)
        },
      ],
      [
        'after us',
        (r: ServerResponse) => {
          holding(outcome)(r)
          compress(r)
        },
      ],
    ] as const) {
      test(`with compression mounted ${order} the error page arrives readable (${outcome})`, async () => {
        const heard = await wire(r => r.end(big), mount, 'GET / HTTP/1.0')
        assert.match(heard, /^HTTP.1.1 503 /)
        const body = bodyOf(heard)
        assert.equal(/content-encoding: gzip/i.test(heard) ? gunzipSync(body).toString() : body.toString(), 'sorry')
      })
    }
  }

  for (const first of ['nothing to write', 'a write that succeeds'] as const) {
    for (const second of ['nothing to write', 'a write that succeeds'] as const) {
      test(`two session managers both settle and both speak (${first}, ${second})`, async () => {
        const settled: string[] = []
        const named = (name: string, outcome: Outcome): HeldExchange => ({
          ...exchangeOf(outcomes[outcome]),
          settle: () => {
            settled.push(name)
            return outcomes[outcome]()
          },
          applyTo: response => void response.setHeader(`x-${name}`, 'kept'),
        })
        const heard = await wire(
          r => r.writeHead(201).end('hello'),
          r => {
            holdResponse(r, named('one', first), fail(r))
            holdResponse(r, named('two', second), fail(r))
          },
        )
        assert.deepEqual(settled.sort(), ['one', 'two'])
        assert.match(heard, /^HTTP.1.1 201 [\s\S]*x-two: kept[\s\S]*x-one: kept[\s\S]*hello/i)
      })
    }
  }

  for (const place of [0, 1]) {
    test(`when one of two session managers fails, the error is the answer (${place})`, async () => {
      const heard = await wire(
        r => r.writeHead(201).end('hello'),
        r => {
          for (const i of [0, 1]) holding(i === place ? 'a write that fails' : 'a write that succeeds')(r)
        },
      )
      assert.match(heard, /^HTTP.1.1 503 [\s\S]*sorry/)
      assert.doesNotMatch(heard, /hello/)
    })
  }
})

suite('a response while its session is being written', () => {
  test('it looks as if its head had left', async () => {
    await wire(response => {
      assert.equal(response.headersSent, false)
      response.write('a')
      assert.equal(response.headersSent, true)
      assert.equal(response.writableEnded, false)
      response.end()
      assert.equal(response.writableEnded, true)
      assert.throws(() => response.setHeader('X-A', '1'), { code: 'ERR_HTTP_HEADERS_SENT' })
    }, holding('a write that succeeds'))
  })

  test('a mistake in a call is told to the handler at once, as Node does, and harms nobody', async () => {
    const heard = await wire(response => {
      response.write('hel')
      assert.throws(() => response.write(42 as never), { code: 'ERR_INVALID_ARG_TYPE' })
      assert.throws(() => response.end({} as never), { code: 'ERR_INVALID_ARG_TYPE' })
      response.end('lo')
    }, holding('a write that succeeds'))
    assert.match(heard, /hel[\s\S]*lo/)
  })

  test('a second answer is not sent after the first, and its headers do not spoil the first', async () => {
    const heard = await wire(response => {
      response.setHeader('Content-Length', 5)
      response.end('hello')
      assert.throws(() => response.setHeader('Content-Length', 11))
      response.writeHead(404)
      response.write('second')
      response.end('second answer')
    }, holding('a write that succeeds'))
    assert.match(heard, /^HTTP.1.1 200 [\s\S]*content-length: 5\r[\s\S]*\r\n\r\nhello$/i)
  })

  test('a client that leaves harms nobody', async () => {
    const { promise: written, resolve: write } = Promise.withResolvers<void>()
    const { promise: left, resolve: leave } = Promise.withResolvers<void>()
    const server = createServer((_request, response) => {
      holdResponse(
        response,
        exchangeOf(() => written),
        fail(response),
      )
      response.on('close', leave)
      response.write('hello')
      response.end('hello')
      response.socket?.destroy()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    assert.equal(await speak(`http://127.0.0.1:${port}`, 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'), '')
    await left
    write()
    await tick()
    await new Promise(closed => server.close(closed))
  })
})

const bodyOf = (heard: string) => Buffer.from(heard.slice(heard.indexOf('\r\n\r\n') + 4), 'latin1')

/** As the common compression middleware does it: wraps `write` and `end`, and decides when the head is written. */
function compress(response: ServerResponse): void {
  const { write, end, writeHead } = response
  const gzip = createGzip()
  let ended = false
  let headWritten = false
  gzip.on('data', chunk => void (write.call(response, chunk, 'utf8') || gzip.pause()))
  gzip.on('end', () => void (end as () => void).call(response))
  response.on('drain', () => gzip.resume())
  const implicitHead = () => {
    if (!(response as unknown as { _header: unknown })._header) response.writeHead(response.statusCode)
  }
  Object.assign(response, {
    writeHead(...args: [number]) {
      if (!headWritten) {
        headWritten = true
        response.removeHeader('Content-Length')
        response.setHeader('Content-Encoding', 'gzip')
      }
      return writeHead.apply(response, args)
    },
    write(chunk: string) {
      implicitHead()
      return gzip.write(chunk)
    },
    end(chunk?: string) {
      if (ended) return response
      ended = true
      implicitHead()
      gzip.end(chunk)
      return response
    },
  })
}
