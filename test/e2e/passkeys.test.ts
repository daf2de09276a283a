import assert from 'node:assert/strict'
import { after, it } from 'node:test'
import { memoryFactors } from 'latchkey/mfa/stores/memory'
import type { CDPSession, Page } from 'playwright-core'
import { startPasskeyServer } from '../actors/passkey-server.ts'
import { describeInChromium, devtools } from './chromium.ts'
import { runScript } from './page.ts'
import { certificate, openSite } from './sites.ts'

const store = memoryFactors()
const campus = await startPasskeyServer({ certificate: await certificate(), host: 'campus.test', store })
after(() => campus.close())
const confused = await startPasskeyServer({
  ...{ certificate: await certificate(), host: 'campus.test', rpId: 'another.test', store: memoryFactors() },
})
after(() => confused.close())
const sibling = await openSite('sibling', 'https')
const stranger = await openSite('stranger', 'https')

describeInChromium('Passkeys in Chromium', campus.origin, open => {
  it('T13: a passkey is made, signs in without a username, and does so again', async () => {
    const { page, key } = await visitor('alice')
    assert.deepEqual(await runScript(page, 'return makePasskey()'), { ok: true })
    assert.deepEqual(campus.checks.at(-1), {
      ok: true,
      userId: 'alice',
      factor: 'passkey',
      amr: ['hwk', 'user', 'mfa'],
    })
    const { credentials } = await key.line.send('WebAuthn.getCredentials', key.id)
    assert.equal(credentials.length, 1)
    assert.equal(credentials[0]?.isResidentCredential, true)
    assert.equal(credentials[0]?.rpId, 'campus.test')
    assert.doesNotMatch(Buffer.from(credentials[0]?.userHandle ?? '', 'base64').toString(), /alice/)

    for (let n = 0; n < 2; n += 1) {
      await runScript(page, `return post('/sign-out')`)
      assert.equal((await whoIs(page)).userId, null)
      await runScript(page, 'return usePasskey()')
      const { userId, aal, amr } = await whoIs(page)
      assert.deepEqual([userId, aal, amr], ['alice', 2, ['hwk', 'user', 'mfa']])
    }
  })

  it('a passkey is the second factor after a password', async () => {
    const { page } = await withPasskey('bob')
    await runScript(page, `return post('/sign-out')`)
    await runScript(page, `return post('/first-factor', { user: 'bob' })`)
    assert.equal((await whoIs(page)).userId, null, 'T14: one factor is not enough')
    await runScript(page, 'return usePasskey()')
    const { userId, aal, amr } = await whoIs(page)
    assert.deepEqual([userId, aal, amr], ['bob', 2, ['pwd', 'hwk', 'user', 'mfa']])
  })

  it('no second passkey is made where one is', async () => {
    const { page } = await withPasskey('carol')
    assert.equal(await failureOf(page, 'makePasskey()'), 'InvalidStateError')
  })

  it('a user who is not verified gets no passkey, and cannot sign in with one alone', async () => {
    const { page, key } = await withPasskey('dave')
    await key.line.send('WebAuthn.setUserVerified', { ...key.id, isUserVerified: false })
    await runScript(page, `return post('/sign-out')`)
    assert.equal(await failureOf(page, 'usePasskey()'), 'NotAllowedError')
    assert.equal((await whoIs(page)).userId, null)
    await runScript(page, `return post('/sign-in', { user: 'erin' })`)
    assert.equal(await failureOf(page, 'makePasskey()'), 'NotAllowedError')
    assert.deepEqual(await store.list('erin'), [])
  })

  it("T13: a passkey of somebody else's is no second factor", async () => {
    const { page } = await withPasskey('frank')
    await withPasskey('grace')
    await runScript(page, `return post('/sign-out')`)
    await runScript(page, `return post('/first-factor', { user: 'grace' })`)
    assert.equal(await failureOf(page, 'usePasskey()'), 'NotAllowedError', 'the browser has none that was asked for')
    const forged = `
      const optionsJSON = await post('/challenge')
      delete optionsJSON.allowCredentials
      return post('/check', await startAuthentication({ optionsJSON }))`
    assert.deepEqual(await runScript(page, forged), { refused: 403 })
    assert.deepEqual(campus.checks.at(-1), { ok: false, factor: 'passkey', fault: 'unknown' })
    assert.equal((await whoIs(page)).userId, null)
  })

  it('ASVS 6.5.1: an answer of the authenticator signs in once, sent 50 times at once', async () => {
    const { page } = await withPasskey('heidi')
    await runScript(page, `return post('/sign-out')`)
    const replay = `
      const optionsJSON = await post('/challenge')
      const answer = await startAuthentication({ optionsJSON })
      const { csrfToken } = await (await fetch('/me')).json()
      const headers = { 'content-type': 'application/json', 'x-csrf-token': csrfToken }
      const send = () => fetch('/check', { method: 'POST', headers, body: JSON.stringify(answer) })
      return (await Promise.all(Array.from({ length: 50 }, send))).map(({ status }) => status)`
    const statuses = await runScript(page, replay)
    assert.ok(Array.isArray(statuses))
    assert.equal(statuses.filter(status => status === 200).length, 1)
    assert.equal((await whoIs(page)).userId, 'heidi')
  })

  it('T13: the browser makes no passkey for a site that is not the one in the address', async () => {
    const { page } = await visitor('ivan', confused.origin)
    assert.equal(await failureOf(page, 'makePasskey()'), 'SecurityError')
    assert.equal(await failureOf(page, 'usePasskey()'), 'SecurityError')
  })

  for (const [who, site, browserAllows] of [
    ['another site', stranger, false],
    ['a sibling, whom the browser lets ask for our passkeys,', sibling, true],
  ] as const) {
    it(`T13: ${who} cannot relay a sign-in`, async () => {
      const { page } = await withPasskey(`victim of ${who}`)
      const attacker = await visitor(null)
      const optionsJSON = await runScript(attacker.page, `return post('/challenge')`)
      await page.goto(site.show('/look-alike', '<!doctype html>Campus'))
      await page.addScriptTag({ url: `${campus.origin}/library.js` })
      const ask = `SimpleWebAuthnBrowser.startAuthentication({ optionsJSON: ${JSON.stringify(optionsJSON)} })`
      if (!browserAllows) return assert.equal(await failureOf(page, ask), 'SecurityError')
      const answer = await runScript(page, `return ${ask}`)
      assert.deepEqual(await runScript(attacker.page, `return post('/check', ${JSON.stringify(answer)})`), {
        refused: 403,
      })
      assert.deepEqual(campus.checks.at(-1), { ok: false, factor: 'passkey', fault: 'origin' })
      assert.equal((await whoIs(attacker.page)).userId, null)
    })
  }

  /** Somebody at the site with an authenticator in the browser, signed in with a password when there is a name. */
  async function visitor(user: string | null, origin = campus.origin): Promise<{ page: Page; key: VirtualKey }> {
    const page = await open({ baseURL: origin })
    const key = await virtualKey(page)
    await page.goto('/')
    if (user !== null) await runScript(page, `return post('/sign-in', { user: ${JSON.stringify(user)} })`)
    return { page, key }
  }

  async function withPasskey(user: string): Promise<{ page: Page; key: VirtualKey }> {
    const person = await visitor(user)
    assert.deepEqual(await runScript(person.page, 'return makePasskey()'), { ok: true })
    return person
  }
})

interface VirtualKey {
  readonly line: CDPSession
  readonly id: { readonly authenticatorId: string }
}

/** An authenticator inside the browser, whose user is there and verified. It belongs to this one page. */
async function virtualKey(page: Page): Promise<VirtualKey> {
  const line = await devtools(page)
  await line.send('WebAuthn.enable', { enableUI: false })
  const id = await line.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal' },
      ...{ hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    },
  })
  return { line, id }
}

/** The name of the error that a call in the page ends with. */
async function failureOf(page: Page, call: string): Promise<unknown> {
  return runScript(page, `return ${call}.then(() => 'it worked', error => error.name)`)
}

async function whoIs(page: Page): Promise<{ userId: string | null; aal: number; amr: string[] }> {
  return (await runScript(page, `return (await fetch('/me')).json()`)) as Awaited<ReturnType<typeof whoIs>>
}
