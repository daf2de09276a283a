import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import type { Proved } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import type { SessionBody } from '../../src/session/body.ts'
import { Browser } from '../actors/browser.ts'
import { startServer, told } from '../actors/server.ts'

const operation = 'change e-mail'
const change = { account: 7, to: 'new@campus.example' }

describe('TA-1, RT-8: challenges that somebody wrote into the store', () => {
  const hash = (text: string) => createHash('sha256').update(text).digest('base64url')
  type Stored = SessionBody['challenges'][number]

  /** Alice waits for a level 2 confirmation; `tamper` rewrites what her session keeps, given mallory's too. */
  async function after(tamper: (hers: readonly Stored[], mallorys: readonly Stored[]) => readonly Stored[]) {
    const server = startServer({ store: memoryStore() })
    const [alice, mallory] = [new Browser(server), new Browser(server)]
    await alice.signIn('alice')
    await mallory.signIn('mallory')
    const open = async (browser: Browser, name: string) =>
      (await browser.send(session => session.confirm(name, change, { level: 2 }))).body?.id ?? ''
    const hers = [await open(alice, operation), await open(alice, 'change password')] as const
    const mallorys = await open(mallory, operation)
    const sidOf = async (browser: Browser) => (await browser.see()).body?.id ?? ''
    const challengesOf = async (sid: string) =>
      (JSON.parse((await server.store.read(sid))?.body ?? '{}') as SessionBody).challenges
    const [aliceSid, malloryChallenges] = [await sidOf(alice), await challengesOf(await sidOf(mallory))]
    const read = server.store.read.bind(server.store)
    server.store.read = async (sid, options) => {
      const record = await read(sid, options)
      if (!record || sid !== aliceSid) return record
      const body = JSON.parse(record.body) as SessionBody
      return { ...record, body: JSON.stringify({ ...body, challenges: tamper(body.challenges, malloryChallenges) }) }
    }
    const redeem = async (id: string, proved: Proved = { amr: ['pwd', 'otp'] }) =>
      (await alice.send(session => session.redeem(id, operation, change, proved))).status
    return { server, hers, mallorys, redeem }
  }

  it('as they are they are good: the tests below test something', async () => {
    const { hers, redeem } = await after(hers => hers)
    assert.equal(await redeem(hers[0]), 200)
  })

  const first = ([challenge]: readonly Stored[]): Stored => challenge ?? assert.fail('there is one')
  const chosen = 'a text of the attacker'
  const tampered: readonly (readonly [
    what: string,
    tamper: (hers: readonly Stored[], mallorys: readonly Stored[]) => readonly Stored[],
    submit: (scene: Awaited<ReturnType<typeof after>>) => Promise<number>,
  ])[] = [
    [
      'one that was added',
      hers => [...hers, { hash: hash(chosen), digest: '', level: 0, expiresAt: Number.MAX_SAFE_INTEGER, failures: 0 }],
      ({ redeem }) => redeem(chosen, { amr: ['pwd'] }),
    ],
    [
      'one that was added with the digest of a real one',
      hers => [...hers, { ...first(hers), hash: hash(chosen) }],
      ({ redeem }) => redeem(chosen),
    ],
    [
      'a real one under another text',
      hers => hers.map(challenge => ({ ...challenge, hash: hash(chosen) })),
      ({ redeem }) => redeem(chosen),
    ],
    [
      "one that was moved from another user's session",
      (_, mallorys) => mallorys,
      ({ redeem, mallorys }) => redeem(mallorys),
    ],
    [
      'one whose level was lowered',
      hers => hers.map(challenge => ({ ...challenge, level: 1 })),
      ({ redeem, hers }) => redeem(hers[0], { amr: ['pwd'] }),
    ],
    [
      'one whose time was prolonged',
      hers => hers.map(challenge => ({ ...challenge, expiresAt: challenge.expiresAt + 3_600_000 })),
      ({ redeem, hers, server }) => {
        server.clock.advance('5m')
        return redeem(hers[0])
      },
    ],
    [
      'one that was swapped with that for another operation',
      hers => hers.map((challenge, i) => ({ ...challenge, digest: hers[1 - i]?.digest ?? '' })),
      ({ redeem, hers }) => redeem(hers[0]),
    ],
    ['one for another operation', hers => hers, ({ redeem, hers }) => redeem(hers[1])],
  ]
  for (const [what, tamper, submit] of tampered) {
    it(`${what} confirms nothing`, async () => {
      const scene = await after(tamper)
      assert.equal(await submit(scene), 403)
      assert.deepEqual(told(scene.server, 'confirmation.redeemed'), [])
    })
  }
})
