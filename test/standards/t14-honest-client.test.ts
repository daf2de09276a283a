import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { Browser, type Reply } from '../actors/browser.ts'
import { startServer, told } from '../actors/server.ts'
import { onEveryStore } from '../actors/stores.ts'

/** How many random days; `FUZZ_RUNS=100000` for a longer night. A store that writes to a disk gets a tenth of them. */
const days = Number(process.env.FUZZ_RUNS ?? 300)

/** A page of a browser with several tabs: some of its requests are answered late, some never. */
type Visit = { readonly action: 'see' | 'ask' | 'put' | 'update' | 'upload'; readonly lost: boolean }
type Step =
  | { readonly step: 'visits'; readonly visits: Visit[]; readonly proof: 'none' | 'stepUp' | 'rotate' | 'signIn' }
  | { readonly step: 'wait'; readonly seconds: number }
  | { readonly step: 'uploaded' }

const visit = fc.record({ action: fc.constantFrom('see', 'ask', 'put', 'update', 'upload'), lost: fc.boolean() })
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      step: fc.constant('visits'),
      visits: fc.array(visit, { minLength: 1, maxLength: 6 }),
      proof: fc.oneof({ weight: 6, arbitrary: fc.constant('none') }, fc.constantFrom('stepUp', 'rotate', 'signIn')),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ step: fc.constant('wait'), seconds: fc.constantFrom(1, 29, 31, 61, 299, 601, 840) }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('uploaded') }) },
) as fc.Arbitrary<Step>

onEveryStore('T14 an honest client', (open, { store }) => {
  it('CK-13: with many tabs and lost replies it is never signed out, and what was answered with 200 is kept', async () => {
    const day = async (steps: readonly Step[]) => {
      const server = startServer({ store: open(), policy: { absoluteTimeout: '30d' } })
      const browser = new Browser(server)
      await browser.signIn('alice')
      const acknowledged: Record<string, true> = {}
      let key = 0
      let proofs = 0
      /**
       * A request that takes long may find its token dead in the end, and is told so: when a proof was given next door, or
       * when the token was rotated twice meanwhile.
       */
      const changesOfToken = () => 2 * proofs + told(server, 'session.rotated').length
      const uploads: { finish: () => void; reply: Promise<void> }[] = []

      const write = async (send: (key: string) => Promise<Reply<unknown>>) => {
        const before = changesOfToken()
        key += 1
        const name = `k${key}`
        const reply = await send(name)
        if (reply.status === 200) acknowledged[name] = true
        else
          assert.ok(reply.code === 'session-ended' && changesOfToken() >= before + 2, `${reply.status} ${reply.code}`)
      }
      const visit = ({ action, lost }: Visit): Promise<unknown> => {
        switch (action) {
          case 'see':
            return browser.see({ lost })
          case 'ask':
            return browser.send(session => session.load({ activity: false }), { lost, method: 'GET' })
          case 'put':
            return write(name => browser.put({ [name]: true }, { lost }))
          case 'update':
            return write(name => browser.send(s => s.update(data => Object.assign(data, { [name]: true })), { lost }))
          case 'upload': {
            const done = Promise.withResolvers<void>()
            const upload = (name: string) =>
              browser.send(
                async session => {
                  await session.load()
                  await done.promise
                  session.data[name] = true
                },
                { lost },
              )
            uploads.push({ finish: done.resolve, reply: write(upload) })
            return Promise.resolve()
          }
        }
      }
      for (const step of steps) {
        if (step.step === 'wait') {
          server.clock.set(server.clock.now() + step.seconds * 1_000)
          // A user who comes back within the idle time-out.
          await browser.see()
        } else if (step.step === 'uploaded') {
          const upload = uploads.shift()
          upload?.finish()
          await upload?.reply
        } else {
          const visits = step.visits.map(visit)
          if (step.proof !== 'none') {
            proofs += 1
            const proof = step.proof === 'signIn' ? browser.signIn('alice') : browser[step.proof]()
            assert.equal((await proof).status, 200)
          }
          await Promise.all(visits)
        }
      }
      for (const { finish, reply } of uploads) {
        finish()
        await reply
      }
      const { userId, data } = (await browser.see()).body ?? {}
      assert.equal(userId, 'alice')
      assert.deepEqual(
        Object.keys(data ?? {}).filter(name => acknowledged[name]).length,
        Object.keys(acknowledged).length,
      )
      assert.deepEqual(told(server, 'token.replayed', 'token.used-after-end', 'token.forged', 'record.corrupt'), [])
      await server.sessions.close()
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25, size: 'max' }), day), {
      numRuns: store === 'memory' ? days : Math.ceil(days / 10),
    })
  })
})
