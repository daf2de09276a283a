import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Browser, type Handler, type Reply } from './browser.ts'
import { type Server, told } from './server.ts'

/** How many requests come at the same time. */
const crowd = 50

/**
 * What is good once is good once, however many requests bring it at the same time and to whichever node (TA-5). `open`: nodes
 * over one store, fresh for each test.
 */
export function oneUse(open: () => Promise<readonly [Server, ...Server[]]>): void {
  const race = async <Body>(nodes: readonly Server[], token: string | null, handler: Handler<Body>) => {
    const requests = Array.from({ length: crowd }, (_, i) => nodes[i % nodes.length] as Server)
    return Promise.all(requests.map(node => new Browser(node, token).send(handler)))
  }
  const served = <Body>(replies: readonly Reply<Body>[]) => replies.filter(({ status }) => status === 200)
  const close = (nodes: readonly Server[]) => Promise.all(nodes.map(({ sessions }) => sessions.close()))
  const allTold = (nodes: readonly Server[], ...types: Parameters<typeof told>[1][]) =>
    nodes.flatMap(node => told(node, ...types))

  it(`TA-1, TA-5: ${crowd} submissions of one confirmation at once: one is carried out, one new token, all others refused`, async () => {
    const nodes = await open()
    const browser = new Browser(nodes[0])
    await browser.signIn('alice')
    await browser.put({ diary: 'private' })
    const { body } = await browser.send(session => session.confirm('publish grades', { course: 7 }))
    const old = browser.token
    let published = 0
    const replies = await race(nodes, old, async session => {
      await session.redeem(body?.id ?? '', 'publish grades', { course: 7 }, { amr: ['pwd'] })
      published += 1
    })
    const [winner, ...others] = served(replies)
    assert.deepEqual([published, others.length], [1, 0])
    for (const { code, setCookie } of replies.filter(reply => reply !== winner)) {
      assert.ok(code === 'confirmation-refused' || code === 'session-ended', String(code))
      assert.equal(setCookie, null, 'nobody else overwrites the new token')
    }
    assert.equal(allTold(nodes, 'confirmation.redeemed').length, 1)
    for (const node of nodes) {
      const seen = await new Browser(node, winner?.token ?? '').see()
      assert.deepEqual([seen.body?.userId, seen.body?.data], ['alice', { diary: 'private' }])
      assert.equal((await new Browser(node, old).see()).body?.userId, null)
    }
    await close(nodes)
  })

  it(`6.6.3: ${crowd} answers to one challenge at once: one is right`, async () => {
    const nodes = await open()
    const guest = new Browser(nodes[0])
    const { body } = await guest.send(session => session.challenge('passkey', 'alice'))
    const replies = await race(nodes, guest.token, session => session.answer(body ?? '', 'passkey', 'alice'))
    assert.deepEqual(
      replies.map(({ status }) => status),
      Array(crowd).fill(200),
    )
    assert.equal(replies.filter(reply => reply.body).length, 1)
    await close(nodes)
  })

  it(`2.3.1: ${crowd} completions of one sign-in at once: one session`, async () => {
    const nodes = await open()
    const browser = new Browser(nodes[0])
    await browser.put({ cart: 1 })
    await browser.send(session => session.beginSignIn('alice', { amr: ['pwd'] }))
    const replies = await race(nodes, browser.token, session => session.completeSignIn({ amr: ['otp'] }))
    const [winner, ...others] = served(replies)
    assert.equal(others.length, 0)
    assert.ok(replies.every(reply => reply === winner || reply.setCookie === null))
    assert.equal((await nodes[0].sessions.list('alice')).length, 1)
    for (const node of nodes) {
      const seen = await new Browser(node, winner?.token ?? '').see()
      assert.deepEqual([seen.body?.userId, seen.body?.data], ['alice', { cart: 1 }])
    }
    await close(nodes)
  })

  it(`TA-4: ${crowd} wrong factors at once void a confirmation, told once, and the right one comes too late`, async () => {
    const nodes = await open()
    const browser = new Browser(nodes[0])
    await browser.signIn('alice')
    const { body } = await browser.send(session => session.confirm('publish grades', null))
    const id = body?.id ?? ''
    await race(nodes, browser.token, session => session.failConfirmation(id, 'publish grades'))
    assert.equal(allTold(nodes, 'confirmation.refused').length, 1)
    const late = await browser.send(session => session.redeem(id, 'publish grades', null, { amr: ['pwd'] }))
    assert.equal(late.code, 'confirmation-refused')
    await close(nodes)
  })

  it(`a locked session that ${crowd} requests unlock at once is unlocked once, with one token`, async () => {
    const nodes = await open()
    if (nodes[0].sessions.policy.atIdle !== 'lock') assert.fail('these nodes are to lock idle sessions')
    const browser = new Browser(nodes[0])
    await browser.signIn('alice')
    nodes[0].clock.advance('15m')
    const replies = await race(nodes, browser.token, session => session.stepUp({ amr: ['pwd'] }))
    const [winner, ...others] = served(replies)
    assert.equal(others.length, 0)
    assert.equal(allTold(nodes, 'session.unlocked').length, 1)
    assert.equal((await new Browser(nodes[0], winner?.token ?? '').see()).body?.userId, 'alice')
    await close(nodes)
  })
}
