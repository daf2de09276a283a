import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apiRoutes } from '../../src/console/routes.ts'
import { consoleApplications, nothingHere } from '../actors/console-applications.ts'
import type { ConsoleClient } from '../actors/console-client.ts'
import { type ConsoleScene, openConsole } from '../actors/console-scene.ts'

/** Everybody who may come, and what they get: `look` is an answer of the route itself. */
type Outcome = 'look' | 'nothing' | 'not-signed-in' | 'level-too-low' | 'not-fresh' | 'session-locked'
const visitors: readonly {
  readonly who: string
  readonly outcome: Outcome
  readonly come: (scene: ConsoleScene) => Promise<ConsoleClient>
}[] = [
  { who: 'a visitor', outcome: 'not-signed-in', come: async scene => scene.client() },
  { who: 'a user', outcome: 'nothing', come: scene => scene.client().signIn('alice') },
  { who: 'a user with a password only', outcome: 'nothing', come: scene => scene.client().signIn('alice', ['pwd']) },
  {
    who: 'an administrator with a password only',
    outcome: 'level-too-low',
    come: scene => scene.client().signIn('admin', ['pwd']),
  },
  {
    who: 'an administrator who proved both factors too long ago',
    outcome: 'not-fresh',
    async come(scene) {
      const client = await scene.admin()
      scene.clock.advance('15m')
      return client
    },
  },
  {
    who: 'an administrator who proved both factors too long ago, and the password again',
    outcome: 'not-fresh',
    async come(scene) {
      const client = await scene.admin()
      scene.clock.advance('15m')
      await client.stepUp(['pwd'])
      return client
    },
  },
  {
    who: 'an administrator who was asked to prove again who they are',
    outcome: 'session-locked',
    async come(scene) {
      const client = await scene.admin()
      await scene.sessions.lock(await client.sid())
      return client
    },
  },
  {
    who: 'an administrator whose session was ended',
    outcome: 'not-signed-in',
    async come(scene) {
      const client = await scene.admin()
      await scene.sessions.endUser('admin')
      return client
    },
  },
  {
    who: 'somebody who was an administrator until a moment ago',
    outcome: 'nothing',
    async come(scene) {
      const client = await scene.admin()
      scene.administrators.clear()
      return client
    },
  },
  { who: 'an administrator', outcome: 'look', come: scene => scene.admin() },
  {
    who: 'an administrator who proved both factors a moment before it is too long ago',
    outcome: 'look',
    async come(scene) {
      const client = await scene.admin()
      scene.clock.advance('14.999m')
      return client
    },
  },
]

const api = [...Object.keys(apiRoutes), 'GET /api/feed', 'GET /api/nothing'].map(
  route => route.split(' ') as ['GET' | 'POST', string],
)

/** Answers of routes that were reached but asked for badly. */
const reached = new Set([200, 400, 404, 405])

for (const [name, start] of Object.entries(consoleApplications)) {
  describe(`console on ${name}`, () => {
    for (const { who, outcome, come } of visitors) {
      test(`${who} gets ${outcome} from every route`, async t => {
        const scene = await openConsole(t, start, { sessions: { policy: { idleTimeout: '30m' } } })
        const client = await come(scene)
        for (const [method, path] of api) {
          const answer = method === 'GET' ? await head(client, path) : await client.post(path, { sid: 'x' }).then(read)
          const told = `${method} ${path}`
          if (outcome === 'look') {
            assert.ok(reached.has(answer.status), `${told}: ${answer.status}`)
            continue
          }
          assert.equal(answer.status, outcome === 'nothing' ? 404 : 401, told)
          assert.equal(answer.code, outcome === 'nothing' ? 'not-found' : outcome, told)
          assert.equal(answer.signInAt, outcome === 'nothing' ? null : '/prove?returnTo=%2Fconsole%2F', told)
        }

        const page = await client.get('/')
        if (outcome === 'look') assert.ok([200, 503].includes(page.status))
        else if (outcome === 'nothing') assert.deepEqual([page.status, page.body], [404, nothingHere])
        else assert.deepEqual([page.status, page.headers.location], [303, '/prove?returnTo=%2Fconsole%2F'])
        assert.deepEqual(scene.watch.acted, [])
      })
    }
  })
}

interface Told {
  readonly status: number
  readonly code: string | null
  readonly signInAt: string | null
}

function read({ status, body }: { readonly status: number; readonly body: string }): Told {
  const { code = null, signInAt = null } = status >= 400 ? JSON.parse(body) : {}
  return { status, code, signInAt }
}

async function head(client: ConsoleClient, path: string): Promise<Told> {
  if (path !== '/api/feed') return read(await client.get(path))
  const feed = await client.follow()
  const { status } = feed
  if (status !== 200) return read(await client.get(path))
  feed.hangUp()
  return { status, code: null, signInAt: null }
}
