import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type Fault, faults, type StoreOperation } from '../faulty-store.ts'
import { type Check, door, type Scene, until } from './check.ts'
import { begin } from './wire.ts'

const neverAsked = 'without a list of sessions nobody is asked about one'

/** What happens when the handler, the store or the client fails. */
export function failures(check: Check): void {
  check('a handler that throws answers 500', async ({ visitor }) => {
    const { status, setCookies } = await visitor().get('/throws')
    assert.deepEqual([status, setCookies], [500, []])
  })

  check('a handler that throws or answers 500 changes nothing', async ({ visitor, store }) => {
    const guest = visitor()
    await guest.post('/set?color=red')
    const headers = await guest.csrf()
    for (const path of ['/set-and-throw?color=blue', '/set-and-answer-500?color=blue']) {
      store.calls.length = 0
      const { status, setCookies } = await guest.post(path, { headers })
      assert.deepEqual([status, setCookies], [500, []], path)
      assert.ok(!store.calls.includes('save'), path)
      const stranger = await visitor().post(path)
      assert.deepEqual([stranger.status, stranger.setCookies], [500, []], path)
      assert.ok(!store.calls.includes('create'), path)
    }
    assert.deepEqual(JSON.parse((await guest.get('/me')).body).data, { color: 'red' })
  })

  check('an answer that breaks off midway is not taken for a whole one', async scene => {
    const answer = await scene
      .visitor()
      .get('/throws-midway')
      .then(whole => whole, cut)
    // A server that looks at the beginning before it sends the head can still say that something failed.
    if (answer) assert.deepEqual([answer.status, answer.body.includes('the beginning')], [500, false])
    await isHealthy(scene)
  })

  check(
    'data beyond the limit is a 413, and nothing of it is kept',
    async scene => {
      const alice = await signedIn(scene)
      await alice.post('/set?color=red')
      const { status, headers, setCookies, body } = await alice.post(`/set?color=${'blue'.repeat(99)}`)
      assert.deepEqual([status, headers.location, setCookies], [413, undefined, []])
      assert.doesNotMatch(body, /success/)
      assert.deepEqual(JSON.parse((await alice.get('/me')).body).data, { color: 'red' })
      assert.equal((await scene.visitor().post(`/set?color=${'blue'.repeat(99)}`)).status, 413)
    },
    { sessions: { maxDataBytes: 256 } },
  )

  check(
    'a session that ends while a request changes it stays ended, and the request is told',
    async scene => {
      const { store, sessions } = scene
      const alice = await signedIn(scene)
      const csrf = await alice.csrf()
      const { id } = JSON.parse((await alice.get('/me')).body)
      store.disturb(async proceed => {
        await sessions.end(id)
        return proceed()
      }, 'save')
      const { status, headers, body } = await alice.post('/set?color=red', { headers: csrf })
      assert.deepEqual([status, headers['x-success']], [401, undefined])
      assert.doesNotMatch(body, /success/)
      assert.equal(JSON.parse((await alice.get('/me')).body).userId, null)
    },
    { cannotHold: { all: 'without a list of sessions none can be ended from elsewhere' } },
  )

  const breaks: Record<string, Fault> = {
    refuses: faults.refuses,
    hangs: faults.hangs,
    'loses its answer': faults.losesAnswer,
    'throws something that is no error': () => Promise.reject('down'),
  }
  for (const [name, fault] of Object.entries(breaks)) {
    const options = { sessions: { storeTimeout: '40ms' } } as const
    const whereAsked = { ...options, cannotHold: { all: neverAsked } }

    check(
      `ASVS 16.5.2: a store that ${name} makes every request of a session a 503, and nobody anonymous`,
      async scene => {
        const alice = await signedIn(scene)
        const headers = await alice.csrf()
        scene.store.disturb(fault, 'read')
        for (const path of ['/me', '/private', '/csrf']) unavailable(await alice.get(path), path)
        for (const path of ['/set?a=1', '/login?user=bob', '/logout', '/increment']) {
          unavailable(await alice.post(path, { headers }), path)
        }
        scene.store.heal()
        assert.equal(JSON.parse((await alice.get('/me')).body).userId, 'alice')
      },
      whereAsked,
    )

    check(
      `ASVS 16.5.2: a store that ${name} while a change is written makes it a 503 without a byte of success`,
      async scene => {
        const alice = await signedIn(scene)
        const headers = await alice.csrf()
        scene.store.disturb(fault, 'save', 'create', 'generation')
        for (const path of ['/set?a=1', '/set-and-stream?a=2', '/set-and-answer-204?a=3', '/increment']) {
          unavailable(await alice.post(path, { headers }), path)
        }
        for (const path of ['/set?a=1', '/set-and-stream?a=1', '/login?user=bob', '/set-both?a=1']) {
          unavailable(await scene.visitor().post(path), path)
        }
        scene.store.heal()
        assert.equal(JSON.parse((await alice.get('/me')).body).userId, 'alice')
      },
      options,
    )

    check(
      `ASVS 16.5.3: a sign-out that a store ${name} is no sign-out, and says so`,
      async scene => {
        const alice = await signedIn(scene)
        const headers = await alice.csrf()
        scene.store.disturb(fault, 'end')
        unavailable(await alice.post('/logout', { headers }), '/logout')
        scene.store.heal()
        assert.equal((await alice.post('/logout')).status, 303)
        assert.equal(JSON.parse((await alice.get('/me')).body).userId, null)
      },
      whereAsked,
    )
  }

  check(
    'what is true already is told although the rest of the request failed',
    async ({ visitor, store }) => {
      const alice = visitor()
      store.disturb(faults.refuses, 'save')
      const { status, headers, setCookies, body } = await alice.post('/login-and-set')
      assert.deepEqual([status, setCookies.length], [503, 1])
      assert.deepEqual([headers['x-success'], headers['cache-control']], [undefined, 'no-store'])
      assert.doesNotMatch(body, /success/)
      store.heal()
      const me = JSON.parse((await alice.get('/me')).body)
      assert.deepEqual([me.userId, me.data], ['alice', {}])
    },
    {
      routes: [
        {
          method: 'POST',
          path: '/login-and-set',
          needs: 'nothing',
          answer: async ({ session }) => {
            await session.signIn('alice', { amr: ['pwd'] })
            session.data.color = 'red'
            return { status: 201, headers: { 'X-Success': 'yes' }, body: 'success' }
          },
        },
      ],
    },
  )

  check(
    'ASVS 16.5.4: a broken logger neither stops a request nor lets one through',
    async ({ visitor }) => {
      const alice = visitor()
      await alice.post('/login?user=alice')
      assert.equal((await alice.get('/private')).status, 200)
      assert.equal((await alice.get('/private', { headers: { Cookie: '__Host-Http-sid=forged' } })).status, 401)
      assert.equal((await alice.post('/set?a=1', { headers: { 'Sec-Fetch-Site': 'cross-site' } })).status, 403)
    },
    {
      sessions: {
        onEvent: () => {
          throw new Error('the log is full')
        },
      },
    },
  )

  for (const operation of ['read', 'create', 'save', 'end'] as const satisfies readonly StoreOperation[]) {
    const leaves: Parameters<Check>[1] = async scene => {
      const { origin, store } = scene
      const alice = await signedIn(scene)
      const csrf = await alice.csrf()
      const paths = { read: '/me', create: '/login?user=alice', save: '/set-and-stream?a=1', end: '/logout' }
      const { open, opened } = door()
      let asked = false
      store.disturb(async proceed => {
        asked = true
        await opened
        return proceed()
      }, operation)
      const leaving = new AbortController()
      const method = operation === 'read' ? 'GET' : 'POST'
      const path = paths[operation]
      const answer = begin(origin, { method, path, headers: alice.headers(csrf), signal: leaving.signal })
      await until(() => asked)
      leaving.abort()
      await assert.rejects(answer)
      store.heal()
      open()
      await isHealthy(scene)
    }
    const asked = operation === 'read' || operation === 'end' ? { cannotHold: { all: neverAsked } } : {}
    check(`a client that leaves while the store is asked to ${operation} harms nobody`, leaves, asked)
  }

  check('a client that leaves in the middle of a stream harms nobody', async scene => {
    const guest = scene.visitor()
    const wanted = { method: 'POST', path: '/set-and-stream?a=1', headers: guest.headers() }
    const response = await begin(scene.origin, wanted)
    await once(response, 'readable')
    response.destroy()
    await isHealthy(scene)
  })
}

/** What becomes of an answer whose connection is cut. */
function cut(): null {
  return null
}

/** After whatever happened, others are served as before. */
async function isHealthy(scene: Scene): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    const user = await signedIn(scene)
    await user.post('/set?color=red')
    assert.deepEqual(JSON.parse((await user.get('/me')).body).data, { color: 'red' })
  }
}

async function signedIn({ visitor }: Scene) {
  const alice = visitor()
  assert.equal((await alice.post('/login?user=alice')).status, 303)
  return alice
}

/** The answer of a server whose store is down: try again, nothing happened, you are still who you were. */
function unavailable(answer: Awaited<ReturnType<ReturnType<Scene['visitor']>['get']>>, path: string): void {
  assert.equal(answer.status, 503, path)
  assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/, path)
  assert.deepEqual(answer.setCookies, [], path)
  assert.equal(answer.headers['x-success'], undefined, path)
  assert.equal(answer.headers.location, undefined, path)
  assert.equal(answer.headers['clear-site-data'], undefined, path)
  assert.doesNotMatch(answer.body, /success|0:\.\.\./, path)
}
