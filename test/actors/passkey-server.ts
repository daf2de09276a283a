import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import express, { type Request } from 'express'
import { createSessions } from 'latchkey'
import { sessions as expressSessions } from 'latchkey/adapters/express'
import { memoryStore } from 'latchkey/stores/memory'
import { hostOf } from '../../src/http/sessions.ts'
import type { Checked } from '../../src/mfa/answer.ts'
import { Passkeys } from '../../src/mfa/passkeys.ts'
import type { FactorStore } from '../../src/mfa/store.ts'
import { newSecretText } from './server.ts'

/** A site that knows nobody's password and everybody's passkey. */
export interface PasskeyServer {
  readonly origin: string
  /** What became of each answer of a browser, in order. */
  readonly checks: readonly Checked[]
  close(): Promise<void>
}

/** What is special about it. */
export interface PasskeyServerOptions {
  readonly certificate: { readonly cert: string; readonly key: string }
  /** The host name it is asked under. */
  readonly host: string
  /** The relying party that it says it is. Default: its host. */
  readonly rpId?: string
  readonly store: FactorStore
}

const library = fileURLToPath(import.meta.resolve('@simplewebauthn/browser')).replace(
  /(node_modules.@simplewebauthn.browser).*/,
  '$1/dist/bundle/index.umd.min.js',
)

/** Runs the site over HTTPS on a free port of this machine. */
export async function startPasskeyServer(options: PasskeyServerOptions): Promise<PasskeyServer> {
  const { certificate, host, rpId = host, store } = options
  const app = express()
  app.set('env', 'test')
  const server = createServer(certificate, app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `https://${host}:${(server.address() as AddressInfo).port}`

  const sessions = createSessions({ secrets: [newSecretText()], store: memoryStore(), environment: 'development' })
  const passkeys = new Passkeys({
    ...{ store, host: hostOf(sessions).host, issuer: 'Campus', rpId },
    // A site that takes itself for another one does not get past its own set-up: the browser's refusal is what we want to see.
    origins: [rpId === host ? origin : `https://${rpId}`],
  })
  const checks: Checked[] = []
  const noted = (checked: Checked): Checked => {
    checks.push(checked)
    return checked
  }
  const whoOf = ({ session }: Request) => ({ userId: session.userId, aal: session.aal, amr: session.amr })

  app.use(expressSessions(sessions), express.json())
  app.get('/', (_, response) =>
    response.send('<!doctype html><script src="/library.js"></script><script src="/page.js"></script>'),
  )
  app.get('/library.js', (_, response) => response.sendFile(library))
  app.get('/page.js', (_, response) => response.type('text/javascript').send(pageScript))
  app.get('/me', async (request, response) => {
    await request.session.load()
    response.json({ ...whoOf(request), csrfToken: request.csrfToken() })
  })
  app.post('/sign-in', async (request, response) => {
    await request.session.signIn(request.body.user, { amr: ['pwd'] })
    response.json(whoOf(request))
  })
  app.post('/first-factor', async (request, response) => {
    await request.session.beginSignIn(request.body.user, { amr: ['pwd'] })
    response.json(whoOf(request))
  })
  app.post('/sign-out', async (request, response) => {
    await request.session.end()
    response.json({})
  })
  app.post('/begin', async (request, response) => {
    response.json(await passkeys.begin(request.session, 'alice@campus.test'))
  })
  app.post('/confirm', async (request, response) => {
    const { ok } = noted(await passkeys.confirm(request.session, request.body, 'My laptop'))
    response.status(ok ? 200 : 403).json({ ok })
  })
  app.post('/challenge', async (request, response) => {
    await request.session.load()
    response.json(await passkeys.challenge(request.session, request.session.pending?.userId ?? null))
  })
  app.post('/check', async (request, response) => {
    const { session, body } = request
    await session.load()
    const { pending } = session
    const checked = noted(await passkeys.check(session, pending?.userId ?? null, body))
    if (!checked.ok) return response.status(403).json({ ok: false })
    if (pending) await session.completeSignIn({ amr: checked.amr })
    else await session.signIn(checked.userId, { amr: checked.amr })
    return response.json(whoOf(request))
  })

  return {
    origin,
    checks,
    async close() {
      server.closeAllConnections()
      await new Promise(closed => server.close(closed))
      await sessions.close()
    },
  }
}

/** The site's own script; `post`, `makePasskey` and `usePasskey` are for the tests to call. */
const pageScript = `
const { startRegistration, startAuthentication } = SimpleWebAuthnBrowser

async function post(path, body = {}) {
  const { csrfToken } = await (await fetch('/me')).json()
  const headers = { 'content-type': 'application/json', 'x-csrf-token': csrfToken }
  const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
  if (answer.status !== 200) return { refused: answer.status }
  return answer.json()
}

async function makePasskey() {
  const optionsJSON = await post('/begin')
  return post('/confirm', await startRegistration({ optionsJSON }))
}

async function usePasskey() {
  const optionsJSON = await post('/challenge')
  return post('/check', await startAuthentication({ optionsJSON }))
}
`
