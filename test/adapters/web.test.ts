import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { LatchkeyError } from 'latchkey'
import { type WebHandler, type WebOptions, sessions as webSessions } from 'latchkey/adapters/web'
import { maxFormBytes } from '../../src/http/web-form.ts'
import { type FreshSessions, freshSessions } from '../actors/fresh-sessions.ts'
import type { ServerOptions } from '../actors/server.ts'

type Handler = WebHandler<Record<string, unknown>>

/** A browser that keeps one cookie and calls a function instead of a server. */
class Caller {
  readonly fresh: FreshSessions
  cookie = ''

  constructor(options: ServerOptions = {}) {
    this.fresh = freshSessions({ trustProxy: false, ...options })
  }

  request(init: RequestInit = {}, url = 'https://a.test/'): Request {
    const headers = new Headers(init.headers)
    if (this.cookie) headers.set('cookie', this.cookie)
    if (!headers.has('sec-fetch-site')) headers.set('sec-fetch-site', 'same-origin')
    return new Request(url, { ...init, headers })
  }

  async call(handler: Handler, request = this.request(), options: WebOptions = {}): Promise<Response> {
    const response = await webSessions(this.fresh.sessions, handler, options)(request)
    for (const line of response.headers.getSetCookie()) {
      if (line.startsWith('__Host-Http-sid=')) this.cookie = line.slice(0, line.indexOf(';'))
    }
    return response
  }

  async signIn(): Promise<string> {
    const answer = await this.call(async (_request, { session, csrfToken }) => {
      await session.signIn('alice', { amr: ['pwd'] })
      return new Response(csrfToken())
    })
    return answer.text()
  }
}

const put: Handler = async (_request, { session }) => {
  await session.load()
  session.data.color = 'red'
  return new Response('success')
}
const down = () => Promise.reject(new Error('down'))
const ours = (response: Response) =>
  response.headers.getSetCookie().filter(cookie => cookie.startsWith('__Host-Http-sid='))

suite('responses of the Web adapter', () => {
  test('T04: an answer that the application gives to everybody carries nobody else a cookie', async () => {
    const shared = new Response(null, { status: 204 })
    const [alice, bob] = [new Caller(), new Caller()]
    const first = await alice.call(async (request, context) => {
      await put(request, context)
      return shared
    })
    assert.equal(ours(first).length, 1)
    const second = await bob.call(async (_request, { session }) => {
      await session.load()
      return shared
    })
    assert.deepEqual(ours(second), [])
    assert.deepEqual([...shared.headers], [])
  })

  test('headers that cannot be changed are none in the way', async () => {
    const response = await new Caller().call(async (request, context) => {
      await put(request, context)
      return Response.redirect('https://a.test/me', 303)
    })
    assert.deepEqual([response.status, response.headers.get('location')], [303, 'https://a.test/me'])
    assert.equal(ours(response).length, 1)
  })

  test('an answer that used no session is handed on as it is', async () => {
    const response = new Response('public')
    assert.equal(await new Caller().call(() => response), response)
  })

  test('CK-2: cookies stay headers of their own', async () => {
    const response = await new Caller().call(async (request, context) => {
      await put(request, context)
      const headers = new Headers([
        ['set-cookie', 'theme=dark'],
        ['set-cookie', '__Host-Http-sid=planted'],
        ['set-cookie', 'seen=Wed, 21 Oct 2015'],
      ])
      return new Response('ok', { headers })
    })
    const cookies = response.headers.getSetCookie()
    assert.deepEqual(cookies.slice(0, -1), ['theme=dark', 'seen=Wed, 21 Oct 2015'])
    assert.doesNotMatch(cookies.at(-1) ?? '', /planted/)
  })

  test('a stream that is not sent after all is cancelled', async () => {
    const caller = new Caller()
    caller.fresh.store.disturb(down, 'create')
    let cancelled = false
    const response = await caller.call(async (request, context) => {
      await put(request, context)
      const cancel = () => {
        cancelled = true
      }
      return new Response(new ReadableStream({ cancel }), { headers: { 'x-success': 'yes' } })
    })
    assert.equal(cancelled, true)
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '1'])
    assert.equal(response.headers.get('x-success'), null)
    assert.deepEqual(response.headers.getSetCookie(), [])
  })

  test('an answer that is not HTTP any more is left alone', async () => {
    const response = await new Caller().call(async (request, context) => {
      await put(request, context)
      return Response.error()
    })
    assert.equal(response.type, 'error')
  })
})

suite('errors of the Web adapter', () => {
  test('ASVS 16.5.1: a refusal says what to do, misuse nothing but to the log', async t => {
    const refused = await new Caller().call(async (_request, { requireUser }) => {
      await requireUser()
      return new Response('success')
    })
    assert.deepEqual([refused.status, await refused.text()], [401, 'Please sign in.\n'])
    assert.equal(refused.headers.get('cache-control'), 'no-store')
    const printed = t.mock.method(console, 'error', () => {})
    const misused = await new Caller().call((_request, { session }) => new Response(session.userId))
    assert.deepEqual([misused.status, await misused.text()], [500, 'Something went wrong on our side.\n'])
    const nothing = await new Caller().call((() => undefined) as unknown as Handler)
    assert.equal(nothing.status, 500)
    assert.match(String(printed.mock.calls[1]?.arguments[0]), /returned no Response/)
  })

  test("what is not ours is the platform's, and changes nothing", async () => {
    const caller = new Caller()
    const redirect = Object.assign(new Error('NEXT_REDIRECT'), { digest: 'NEXT_REDIRECT;/' })
    const thrown = caller.call(async (request, context) => {
      await put(request, context)
      throw redirect
    })
    await assert.rejects(thrown, error => error === redirect)
    assert.ok(!caller.fresh.store.calls.includes('create'))
  })

  test('a thrown answer is an answer', async () => {
    const caller = new Caller()
    const thrown = caller.call(async (request, context) => {
      await put(request, context)
      throw new Response('gone', { status: 404 })
    })
    await assert.rejects(thrown, (answer: Response) => answer.status === 404 && ours(answer).length === 1)
  })

  test('a thrown answer is none when the session cannot be written', async () => {
    const caller = new Caller()
    caller.fresh.store.disturb(down, 'create')
    const response = await caller.call(async (request, context) => {
      await put(request, context)
      throw new Response('success', { status: 404 })
    })
    assert.deepEqual([response.status, ours(response)], [503, []])
  })

  test('onError answers everything; when it fails, the plain answer stands in', async t => {
    t.mock.method(console, 'error', () => {})
    const fails: Handler = () => Promise.reject(new Error('password=hunter2'))
    const page = await new Caller().call(fails, undefined, { onError: () => new Response('sorry', { status: 500 }) })
    assert.equal(await page.text(), 'sorry')
    const onError = () => Promise.reject(new Error('the error page is broken'))
    const plain = await new Caller().call(fails, undefined, { onError })
    assert.deepEqual([plain.status, await plain.text()], [500, 'Something went wrong on our side.\n'])
    const seen: unknown[] = []
    const caller = new Caller()
    caller.fresh.store.disturb(down, 'create')
    await caller.call(put, undefined, { onError: error => new Response(String(seen.push(error)), { status: 503 }) })
    assert.ok(seen[0] instanceof LatchkeyError)
  })
})

suite('forms of the Web adapter', () => {
  /** How often a request is cloned. */
  const counting = (request: Request): { clones: number } => {
    const count = { clones: 0 }
    const clone = request.clone.bind(request)
    const counted = () => {
      count.clones += 1
      return clone()
    }
    Object.defineProperty(request, 'clone', { value: counted })
    return count
  }
  const multipart = (token: string) => {
    const form = new FormData()
    form.set('csrf_token', token)
    form.set('file', new Blob(['hello']), 'a.txt')
    return form
  }
  const bodies: Record<string, (token: string) => RequestInit> = {
    'a form': token => ({ body: new URLSearchParams({ a: '1', csrf_token: token }) }),
    'a form with a file': token => ({ body: multipart(token) }),
    JSON: token => ({ body: JSON.stringify({ csrf_token: token }), headers: { 'content-type': 'application/json' } }),
  }
  for (const [name, body] of Object.entries(bodies)) {
    test(`CSRF-7: the token in ${name} counts, and the handler reads the body as ever`, async () => {
      const caller = new Caller()
      const token = await caller.signIn()
      const request = caller.request({ method: 'POST', ...body(token) })
      const response = await caller.call(async (given, { session }) => {
        assert.equal(given, request)
        const text = await given.text()
        await session.end()
        return new Response(text)
      }, request)
      assert.equal(response.status, 200)
      assert.ok((await response.text()).includes(token))
    })
  }

  test('two fields of the name are none', async () => {
    const caller = new Caller()
    const token = await caller.signIn()
    const body = new URLSearchParams(`csrf_token=${token}&csrf_token=${token}`)
    assert.equal((await caller.call(put, caller.request({ method: 'POST', body }))).status, 403)
  })

  const spared: Record<string, (caller: Caller, token: string) => Request> = {
    'with the header': (caller, token) =>
      caller.request({ method: 'POST', body: new URLSearchParams(), headers: { 'x-csrf-token': token } }),
    'of a stranger': () => new Caller().request({ method: 'POST', body: new URLSearchParams() }),
    'with other cookies only': () =>
      new Caller().request({ method: 'POST', body: new URLSearchParams(), headers: { cookie: 'a=__Host-Http-sid=b' } }),
    'of another type': caller =>
      caller.request({ method: 'POST', body: 'x', headers: { 'content-type': 'application/octet-stream' } }),
    'from another site': caller =>
      caller.request({ method: 'POST', body: new URLSearchParams(), headers: { 'sec-fetch-site': 'cross-site' } }),
    'that only asks': caller => caller.request(),
  }
  for (const [name, make] of Object.entries(spared)) {
    test(`a request ${name} is not cloned`, async () => {
      const caller = new Caller()
      const request = make(caller, await caller.signIn())
      const count = counting(request)
      await caller.call(() => new Response(), request)
      assert.equal(count.clones, 0)
    })
  }

  test('two managers read a form once', async () => {
    const caller = new Caller()
    const token = await caller.signIn()
    const request = caller.request({ method: 'POST', body: new URLSearchParams({ csrf_token: token }) })
    const count = counting(request)
    const inside = webSessions(caller.fresh.sessions, put)
    await caller.call(given => inside(given), request)
    assert.equal(count.clones, 1)
  })

  for (const [name, length] of [
    ['declared', true],
    ['not declared', false],
  ] as const) {
    test(`a form beyond the limit (${name}) is not read for its token, and still the handler's`, async () => {
      const caller = new Caller()
      const token = await caller.signIn()
      const text = `csrf_token=${token}&a=${'x'.repeat(maxFormBytes)}`
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        ...(length && { 'content-length': String(text.length) }),
      }
      const request = caller.request({ method: 'POST', body: text, headers })
      const response = await caller.call(async (given, { session }) => {
        assert.equal((await given.text()).length, text.length)
        await session.end()
        return new Response('success')
      }, request)
      assert.equal(response.status, 403)
    })
  }

  test('a body that was read before is left alone', async () => {
    const caller = new Caller()
    const token = await caller.signIn()
    const request = caller.request({ method: 'POST', body: new URLSearchParams({ csrf_token: token }) })
    await request.text()
    assert.equal((await caller.call(put, request)).status, 403)
  })
})

suite('what the Web adapter knows of a request', () => {
  const clients: readonly (readonly [
    name: string,
    url: string,
    headers: Record<string, string>,
    options: WebOptions,
    trustProxy: ServerOptions['trustProxy'] & (false | number | readonly string[]),
    expected: object,
  ])[] = [
    ['the address is unknown', 'https://a.test/', {}, {}, false, { address: null, encrypted: true, host: 'a.test' }],
    [
      'the platform tells it',
      'http://a.test:3000/',
      {},
      { connection: () => ({ address: '192.0.2.7' }) },
      false,
      { address: '192.0.2.7', encrypted: false, host: 'a.test:3000' },
    ],
    [
      'the platform knows of TLS',
      'http://a.test/',
      {},
      { connection: () => ({ encrypted: true }) },
      false,
      { address: null, encrypted: true, host: 'a.test' },
    ],
    [
      'nobody believes headers',
      'http://a.test/',
      { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https' },
      {},
      ['127.0.0.1'],
      { address: null, encrypted: false, host: 'a.test' },
    ],
    [
      'one proxy is believed',
      'http://inside:3000/',
      {
        host: 'inside:3000',
        'x-forwarded-for': '203.0.113.7',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'b.test',
      },
      {},
      1,
      { address: '203.0.113.7', encrypted: true, host: 'b.test' },
    ],
  ]
  for (const [name, url, headers, options, trustProxy, expected] of clients) {
    test(`ASVS 4.1.3: ${name}`, async () => {
      const caller = new Caller({ trustProxy })
      const response = await caller.call(
        (_request, { exchange }) => Response.json(exchange.client),
        caller.request({ headers }, url),
        options,
      )
      assert.deepEqual(await response.json(), expected)
    })
  }

  test('what the platform passes besides the request reaches handler and connection, typed', async () => {
    const { sessions } = freshSessions()
    const serve = webSessions(
      sessions,
      (_request, { exchange }, info: { ip: string }, port: number) =>
        Response.json([exchange.client.address, info.ip, port]),
      { connection: (_request, info) => ({ address: info.ip }) },
    )
    const response = await serve(new Request('https://a.test/'), { ip: '192.0.2.9' }, 80)
    assert.deepEqual(await response.json(), ['192.0.2.9', '192.0.2.9', 80])
    // @ts-expect-error the platform's arguments are part of the type
    await assert.rejects(serve(new Request('https://a.test/')))
  })

  test('CSRF-5: exempt addresses are compared as routers see them', async () => {
    const caller = new Caller({ csrf: { exempt: ['POST /hook'] } })
    const status = async (path: string) => {
      const request = new Request(`https://a.test${path}`, {
        method: 'POST',
        headers: { 'sec-fetch-site': 'cross-site' },
      })
      return (await caller.call(() => new Response(), request)).status
    }
    for (const path of ['/hook', '/hook?a=1', '/./hook']) assert.equal(await status(path), 200, path)
    for (const path of ['/hook/', '/%68ook', '//hook', '/Hook', '/hook%2f']) assert.equal(await status(path), 403, path)
  })

  test('a body that streams on may read the session, but it is too late to change it', async () => {
    const caller = new Caller()
    await caller.signIn()
    const response = await caller.call((_request, { session }) => {
      const body = new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            await session.load()
            const late = await session.rotate().then(
              () => 'changed',
              (error: LatchkeyError) => error.code,
            )
            controller.enqueue(new TextEncoder().encode(`${session.userId} ${late}`))
            controller.close()
          },
        },
        { highWaterMark: 0 },
      )
      return new Response(body)
    })
    await setImmediate()
    assert.equal(await response.text(), 'alice usage')
  })
})
