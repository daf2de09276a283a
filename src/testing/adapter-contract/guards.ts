import assert from 'node:assert/strict'
import type { SessionsOptions } from '../../http/sessions.ts'
import { testClock } from '../clock.ts'
import type { Check } from './check.ts'
import type { ContractNeeds, ContractRoute } from './routes.ts'
import type { Visitor } from './visitor.ts'

const isIn: ContractRoute['answer'] = async ({ session }) => ({ status: 200, body: `${session.userId} is in` })

const guarded = (
  [
    ['/level-2', 'level 2'],
    ['/fresh', 'fresh'],
    ['/fresh-level-2', 'fresh level 2'],
  ] satisfies [string, ContractNeeds][]
).map(([path, needs]): ContractRoute => ({ method: 'GET', path, needs, answer: isIn }))

const change = (path: string, work: (request: Parameters<ContractRoute['answer']>[0]) => Promise<unknown>) => ({
  method: 'POST' as const,
  path,
  needs: 'nothing' as const,
  answer: async (request: Parameters<ContractRoute['answer']>[0]) => {
    await work(request)
    return { status: 204 }
  },
})

const routes: readonly ContractRoute[] = [
  ...guarded,
  change('/begin', ({ session }) => session.beginSignIn('alice', { amr: ['pwd'] })),
  change('/complete', ({ session }) => session.completeSignIn({ amr: ['otp'] })),
  change('/prove-again', ({ session, query }) => session.stepUp({ amr: query.getAll('method') })),
  {
    method: 'GET',
    path: '/status',
    needs: 'nothing',
    answer: async ({ session, sessionStatus }) => {
      await session.load({ activity: false })
      return { status: 200, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(sessionStatus()) }
    },
  },
]

/** Who may pass the guards of an adapter, and what its pages may know of their session. */
export function guards(check: Check): void {
  /** A sentence with a clock of its own. */
  const timed = (
    sentence: string,
    run: (scene: Parameters<Parameters<Check>[1]>[0], passMs: (ms: number) => void) => Promise<void>,
    options: Partial<SessionsOptions> = {},
  ) => {
    const clock = testClock()
    const passMs = (ms: number) => clock.set(clock.now() + ms)
    check(sentence, scene => run(scene, passMs), { routes, sessions: { ...options, clock: clock.now } })
  }
  const statuses = (who: Visitor) =>
    Promise.all(['/private', '/level-2', '/fresh', '/fresh-level-2'].map(async path => (await who.get(path)).status))
  const reasons = (events: Parameters<Parameters<Check>[1]>[0]['events']) =>
    events.flatMap(event => (event.type === 'request.refused' ? [event.reason] : []))

  timed(
    'ASVS 6.3.3: the guards let through who proved enough, and answer others with 401 and the reason',
    async scene => {
      const { visitor, events } = scene
      const alice = visitor()
      assert.deepEqual(await statuses(alice), [401, 401, 401, 401])
      await alice.post('/login?user=alice')
      assert.deepEqual(await statuses(alice), [200, 401, 200, 401])
      await alice.post('/prove-again?method=otp')
      assert.deepEqual(await statuses(alice), [200, 200, 200, 200])
      const answer = await alice.get('/level-2')
      assert.deepEqual([answer.body, answer.headers['cache-control']], ['alice is in', 'no-store'])
      assert.deepEqual(reasons(events).slice(0, 4), Array(4).fill('not-signed-in'))
      assert.deepEqual(reasons(events).slice(4).sort(), ['level-too-low', 'not-fresh'])
    },
  )

  timed('ASVS 6.3.3: between two factors nobody is signed in', async ({ visitor }) => {
    const alice = visitor()
    await alice.post('/begin')
    assert.deepEqual(await statuses(alice), [401, 401, 401, 401])
    await alice.post('/complete')
    assert.deepEqual(await statuses(alice), [200, 200, 200, 200])
  })

  timed('ASVS 7.5.1: what was proved is fresh for its time, to the millisecond', async ({ visitor }, passMs) => {
    const alice = visitor()
    await alice.post('/login?user=alice')
    passMs(60_000)
    await alice.post('/prove-again?method=otp')
    passMs(4 * 60_000 - 1)
    assert.deepEqual(await statuses(alice), [200, 200, 200, 200])
    passMs(1)
    assert.deepEqual(await statuses(alice), [200, 200, 200, 401])
    passMs(60_000)
    assert.deepEqual(await statuses(alice), [200, 200, 401, 401])
    await alice.post('/prove-again?method=pwd&method=otp')
    assert.deepEqual(await statuses(alice), [200, 200, 200, 200])
  })

  const lock = { policy: { atIdle: 'lock' } } as const
  timed(
    'NIST 2.2.3: a locked session passes no guard, and its own page unlocks it',
    async ({ visitor, events }, passMs) => {
      const alice = visitor()
      await alice.post('/login?user=alice')
      await alice.post('/prove-again?method=otp')
      await alice.post('/set?color=red')
      passMs(15 * 60_000)
      assert.deepEqual(await statuses(alice), [401, 401, 401, 401])
      assert.deepEqual(reasons(events), Array(4).fill('session-locked'))
      assert.deepEqual(JSON.parse((await alice.get('/me')).body), { id: null, userId: null, data: {} })
      assert.equal((await alice.post('/set?color=blue')).status, 401)
      assert.equal((await alice.post('/prove-again?method=pwd')).status, 204)
      assert.deepEqual(await statuses(alice), [200, 200, 200, 401])
      assert.deepEqual(JSON.parse((await alice.get('/me')).body).data, { color: 'red' })
    },
    lock,
  )

  timed(
    'a page may know when its session ends, and who cannot read the page does not learn whose it is',
    async ({ visitor }, passMs) => {
      const statusOf = async (who: Visitor) => {
        const { csrfToken, ...status } = JSON.parse((await who.get('/status')).body)
        assert.equal(typeof csrfToken, 'string')
        return status
      }
      const nobody = { signedIn: false, locked: false, idleIn: null, endsIn: null, subject: null, formKeys: [] }
      const [alice, again, bob] = [visitor(), visitor(), visitor()]
      assert.deepEqual(await statusOf(alice), nobody)
      await alice.post('/login?user=alice')
      passMs(60_000)
      const { subject, formKeys, ...times } = await statusOf(alice)
      assert.deepEqual(times, { signedIn: true, locked: false, idleIn: 14 * 60_000, endsIn: 8 * 3_600_000 - 60_000 })
      assert.match(subject, /^[\w-]{22}$/)
      assert.ok(formKeys.length === 1 && /^[\w-]{43}$/.test(formKeys[0]))
      await again.post('/login?user=alice')
      await bob.post('/login?user=bob')
      const [hers, his] = [await statusOf(again), await statusOf(bob)]
      assert.deepEqual([hers.subject, hers.formKeys], [subject, formKeys], 'the same in every session of hers')
      assert.ok(his.subject !== subject && his.formKeys[0] !== formKeys[0])
      await alice.post('/prove-again?method=otp', { headers: { 'X-CSRF-Token': await csrfFromStatus(alice) } })
      passMs(15 * 60_000)
      assert.deepEqual(await statusOf(alice), { ...nobody, locked: true })
      await alice.post('/logout')
      assert.deepEqual(await statusOf(alice), nobody)
    },
    lock,
  )
}

async function csrfFromStatus(who: Visitor): Promise<string> {
  return JSON.parse((await who.get('/status')).body).csrfToken
}
