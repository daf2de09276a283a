import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryStore } from 'latchkey/stores/memory'
import { faults, faultyStore } from 'latchkey/testing'
import { Browser } from '../actors/browser.ts'
import { startServer } from '../actors/server.ts'

describe('an operation that the handler forgot to await', () => {
  it('a sign-in: the answer waits for it and carries the token', async () => {
    const browser = new Browser(startServer())
    await browser.send(session => void session.signIn('alice', { amr: ['pwd'] }))
    assert.equal((await browser.send(async session => (await session.load()).userId)).body, 'alice')
  })

  it('a sign-out: the answer waits for it and removes the cookie', async () => {
    const server = startServer()
    const browser = new Browser(server)
    await browser.signIn('alice')
    await browser.send(session => void session.end())
    assert.equal(browser.token, null)
    assert.deepEqual(await server.sessions.list('alice'), [])
  })

  it('16.5.3: a sign-out that the store refuses: the answer is the error, not a success', async () => {
    const store = faultyStore(memoryStore())
    const browser = new Browser(startServer({ store }))
    await browser.signIn('alice')
    store.disturb(faults.refuses, 'end')
    const { status } = await browser.send(session => void session.end())
    assert.equal(status, 503)
    assert.notEqual(browser.token, null)
  })

  it('an error that the handler caught is not raised again', async () => {
    const store = faultyStore(memoryStore())
    const browser = new Browser(startServer({ store }))
    await browser.signIn('alice')
    store.disturb(faults.refuses, 'end')
    const { status } = await browser.send(session => session.end().catch(() => 'told the user'))
    assert.equal(status, 200)
  })
})
