import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { type Check, door } from './check.ts'
import { largeChunk, largeChunks } from './routes.ts'
import { begin, dial, send, speak } from './wire.ts'

const cookieName = '__Host-Http-sid'

const lastWins = 'the data is in the cookie, and of several answers the last one wins'

/** Every way an answer can take to the client. */
export function answers(check: Check): void {
  check('not a byte leaves before the session is written', async ({ visitor, store }) => {
    const guest = visitor()
    const { open, opened } = door()
    const asked = new Promise<void>(resolve => {
      store.disturb(proceed => {
        resolve()
        return opened.then(proceed)
      }, 'create')
    })
    let answered = false
    const answer = guest.post('/set-and-stream?color=red').finally(() => {
      answered = true
    })
    await asked
    for (let turn = 0; turn < 20; turn += 1) await setImmediate()
    assert.equal(answered, false)
    open()
    assert.equal((await answer).status, 200)
  })

  check('a large answer arrives whole and in order, at the pace of the client', async ({ visitor, origin }) => {
    const guest = visitor()
    const response = await begin(origin, {
      method: 'POST',
      path: '/set-and-stream?color=red',
      headers: guest.headers(),
    })
    assert.match(String(response.headers['set-cookie']), new RegExp(`^${cookieName}=`))
    response.pause()
    for (let turn = 0; turn < 50; turn += 1) await setImmediate()
    let whole = ''
    for await (const part of response.setEncoding('latin1')) whole += part
    assert.equal(whole.length, largeChunk(0).length * largeChunks)
    for (let index = 0; index < largeChunks; index += 1) {
      const at = index * largeChunk(0).length
      assert.ok(whole.startsWith(`${index}:`, at), `chunk ${index} is not in its place`)
    }
  })

  const { open: finish, opened: finished } = door()
  check(
    'what a stream says first arrives while it still has more to say',
    async ({ visitor, origin }) => {
      const response = await begin(origin, { path: '/events', headers: visitor().headers() })
      const parts = response.setEncoding('latin1')[Symbol.asyncIterator]()
      assert.equal((await parts.next()).value, 'data: first\n\n')
      finish()
      assert.equal((await parts.next()).value, 'data: last\n\n')
      assert.equal((await parts.next()).done, true)
    },
    {
      routes: [
        {
          method: 'GET',
          path: '/events',
          needs: 'nothing',
          answer: async ({ session }) => {
            await session.load()
            return { status: 200, headers: { 'Content-Type': 'text/event-stream' }, body: events(finished) }
          },
        },
      ],
    },
  )

  check('HEAD, 204 and 304 have headers and no body', async ({ visitor }) => {
    const guest = visitor()
    const made = await guest.post('/set-and-answer-204?color=red')
    assert.deepEqual([made.status, made.body, made.setCookies.length], [204, '', 1])
    const head = await guest.get('/me', { method: 'HEAD' })
    assert.deepEqual([head.status, head.body, head.headers['cache-control']], [200, '', 'no-store'])
    const same = await guest.get('/not-modified')
    assert.deepEqual([same.status, same.body, same.headers.etag], [304, '', '"a"'])
    assert.deepEqual(JSON.parse((await guest.get('/me')).body).data, { color: 'red' })
  })

  check("CK-2: the application's own cookies stay, and there are never two of ours", async ({ visitor }) => {
    const guest = visitor()
    const { setCookies } = await guest.post('/set-with-cookies?color=red')
    assert.deepEqual(setCookies.slice(0, -1), ['theme=dark', 'seen=1'])
    assert.match(String(setCookies.at(-1)), new RegExp(`^${cookieName}=(?!planted)`))
    assert.deepEqual(JSON.parse((await guest.get('/me')).body).data, { color: 'red' })
  })

  check('when the headers have left, the session can be read but not changed', async ({ visitor, store }) => {
    const alice = visitor()
    await alice.post('/login?user=alice')
    assert.equal((await alice.get('/late-read')).body, 'user: alice')
    const csrf = await alice.csrf()
    store.calls.length = 0
    const { body, setCookies } = await alice.post('/late-change', { headers: csrf })
    assert.deepEqual([body, setCookies], ['late: TypeError, UsageError', []])
    assert.ok(!store.calls.includes('save') && !store.calls.includes('create'))
    const me = JSON.parse((await alice.get('/me')).body)
    assert.deepEqual([me.userId, me.data], ['alice', {}])
  })

  check('on one connection every request has its own session', async ({ visitor, origin }) => {
    const names = ['alice', 'bob', 'carol']
    const people = names.map(visitor)
    for (const [index, person] of people.entries()) await person.post(`/login?user=${names[index]}`)
    const requests = [...people, visitor(), ...people].map(
      ({ cookie }, index, { length }) =>
        `GET /me HTTP/1.1\r\nHost: contract.test\r\nX-Forwarded-Proto: https\r\n${cookie && `Cookie: ${cookie}\r\n`}` +
        `${index === length - 1 ? 'Connection: close\r\n' : ''}\r\n`,
    )
    const pipelined = await speak(origin, requests.join(''))
    const users = [...pipelined.matchAll(/"userId":("\w+"|null)/g)].map(([, user]) => JSON.parse(user ?? ''))
    assert.deepEqual(users, [...names, null, ...names])
  })

  check(
    'changes that come pipelined are all written, in order',
    async ({ visitor, origin }) => {
      const guest = visitor()
      await guest.post('/set?count=0')
      const csrf = (await guest.csrf())['X-CSRF-Token']
      const request = `POST /increment HTTP/1.1\r\nHost: contract.test\r\nX-Forwarded-Proto: https\r\nCookie: ${guest.cookie}\r\nX-CSRF-Token: ${csrf}\r\nContent-Length: 0\r\n`
      const heard = await speak(origin, `${`${request}\r\n`.repeat(4)}${request}Connection: close\r\n\r\n`)
      const counts = [...heard.matchAll(/\r\n\r\n(?:1\r\n)?([1-5])/g)].map(([, count]) => Number(count))
      assert.deepEqual(counts, [1, 2, 3, 4, 5])
      assert.equal(JSON.parse((await guest.get('/me')).body).data.count, 5)
    },
    { cannotHold: { data: lastWins, all: lastWins } },
  )

  check(
    'requests at the same time lose nothing',
    async ({ visitor }) => {
      const guest = visitor()
      await guest.post('/set?color=red')
      const headers = await guest.csrf()
      const all = await Promise.all(Array.from({ length: 40 }, () => guest.copy().post('/increment', { headers })))
      assert.deepEqual(
        all.map(({ body }) => Number(body)).sort((a, b) => a - b),
        Array.from({ length: 40 }, (_, index) => index + 1),
      )
      assert.deepEqual(JSON.parse((await guest.get('/me')).body).data, { color: 'red', count: 40 })
    },
    { cannotHold: { data: lastWins, all: lastWins } },
  )

  check('a client that asks first (Expect: 100-continue) is served', async ({ visitor, origin }) => {
    const { 'X-Forwarded-Proto': proto } = visitor().headers()
    const socket = await dial(origin)
    socket.setEncoding('latin1')
    socket.write(
      `POST /set?color=red HTTP/1.1\r\nHost: contract.test\r\nX-Forwarded-Proto: ${proto}\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`,
    )
    let heard = ''
    for await (const part of socket) {
      if (heard === '') socket.write('{}')
      heard += part
    }
    assert.match(heard, /^HTTP\/1\.1 100 Continue\r\n\r\n(?=HTTP)/)
    assert.match(heard, /HTTP\/1\.1 303 .*\r\n(.+\r\n)*set-cookie: __Host-Http-sid=/i)
  })

  check('a client of HTTP/1.0 is served', async ({ visitor, origin }) => {
    const guest = visitor()
    await guest.post('/login?user=alice')
    const heard = await speak(origin, `GET /me HTTP/1.0\r\nX-Forwarded-Proto: https\r\nCookie: ${guest.cookie}\r\n\r\n`)
    assert.match(heard, /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(heard, /"userId":"alice"/)
  })

  check('other methods of the same route are no way around', async ({ visitor, origin }) => {
    const guest = visitor()
    await guest.post('/set?color=red')
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'GET', 'HEAD']) {
      await send(origin, { method, path: '/set?color=blue', headers: guest.headers() })
    }
    assert.deepEqual(JSON.parse((await guest.get('/me')).body).data, { color: 'red' })
  })
}

async function* events(finished: Promise<void>): AsyncGenerator<string> {
  yield 'data: first\n\n'
  await finished
  yield 'data: last\n\n'
}
