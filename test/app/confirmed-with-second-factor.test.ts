import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Authenticator } from '../actors/authenticator.ts'
import { type Asked, ask, confirm } from './confirming.ts'
import { addApp, addPasskey } from './factors-of.ts'
import { openCampus, password } from './open-campus.ts'
import type { Visitor } from './visitor.ts'

const path = '/account/email'
const email = 'new@example.org'

async function open() {
  const campus = await openCampus()
  const visitor = campus.visitor()
  await visitor.signIn('student123', password)
  const isChanged = async () => (await visitor.get(path)).text.includes(`<b class="address">${email}</b>`)
  return { campus, visitor, isChanged }
}

/** The passkey's answer to the challenge of a confirmation, as the script of its page asks for it. */
async function signed(visitor: Visitor, key: Authenticator, challenge: string): Promise<string> {
  const answer = await visitor.sendJson('/api/passkey/proof', { challenge })
  assert.equal(answer.status, 200, answer.text)
  return JSON.stringify(key.get(JSON.parse(answer.text).options))
}

const idOf = ({ fields }: Asked) => fields.confirmation ?? ''

describe('A critical action of somebody with a second factor', () => {
  it('T12, TA-3: needs password and code, whatever the form leaves out', async () => {
    const { campus, visitor, isChanged } = await open()
    const app = await addApp(campus, visitor)
    const asked = await ask(visitor, path, { email })
    assert.match(asked.answer.text, /name="code"/)
    for (const changed of [{}, { code: '' }, { code: '000000' }, { password: '', code: app.code() }] as Record<
      string,
      string
    >[])
      assert.equal((await confirm(visitor, path, asked, changed)).status, 401, JSON.stringify(changed))
    assert.equal(await isChanged(), false)
    campus.pass(60_000)
    assert.equal((await confirm(visitor, path, asked, { code: app.code() })).headers.location, path)
    assert.equal(await isChanged(), true)
  })

  it('T12, TA-3: a second factor that was set up in between is asked for', async () => {
    const { campus, visitor, isChanged } = await open()
    const asked = await ask(visitor, path, { email })
    const other = campus.visitor()
    await other.signIn('student123', password)
    await addApp(campus, other)
    assert.equal((await confirm(visitor, path, asked)).status, 401)
    assert.equal(await isChanged(), false)
  })

  it('T12: is confirmed by a passkey, which signs this very action', async () => {
    const { campus, visitor, isChanged } = await open()
    const key = new Authenticator(campus.origin)
    await addPasskey(visitor, key)
    const asked = await ask(visitor, path, { email })
    assert.ok(asked.answer.text.includes(`data-challenge="${idOf(asked)}"`))
    const passkey = await signed(visitor, key, idOf(asked))
    assert.equal((await confirm(visitor, path, asked, { passkey, password: '' })).headers.location, path)
    assert.equal(await isChanged(), true)
  })

  it('T12, TA-1: a signature for another action is none for this', async () => {
    const { campus, visitor, isChanged } = await open()
    const key = new Authenticator(campus.origin)
    await addPasskey(visitor, key)
    const harmless = await ask(visitor, path, { email: 'harmless@example.org' })
    const passkey = await signed(visitor, key, idOf(harmless))
    const asked = await ask(visitor, path, { email })
    assert.equal((await confirm(visitor, path, asked, { passkey, password: '' })).status, 401)
    // Nor do the data of this go through under the name of the other.
    const mixed = await confirm(visitor, path, harmless, { passkey, password: '', email })
    assert.equal(mixed.status, 403)
    assert.equal(await isChanged(), false)
    await campus.logged('confirmation.refused', { fault: 'changed' })
  })

  it('CS-M3: a right password with a wrong code is told', async () => {
    const { campus, visitor } = await open()
    await addApp(campus, visitor)
    await confirm(visitor, path, await ask(visitor, path, { email }), { code: '000000' })
    assert.match((await visitor.get('/messages')).text, /Somebody knows your Campus password/)
  })
})
