/**
 * Plain node:http: sign in, see who you are, sign out.
 *
 *     SESSION_SECRET=$(npx latchkey keygen) DEMO_PASSWORD=correct-horse PORT=3000 node node.ts
 */
import { createServer, type IncomingMessage } from 'node:http'
import { createSessions } from 'latchkey'
import { sessions } from 'latchkey/adapters/node'
import { sqliteStore } from 'latchkey/stores/sqlite'

// DEVELOPMENT ONLY: plain HTTP with a weaker cookie. NODE_ENV=production turns it off and expects a proxy on this
// machine that adds HTTPS (docs/deploy.md).
const insecureHttp = process.env.NODE_ENV !== 'production'

const manager = createSessions<{ visits: number }>({
  secrets: [process.env.SESSION_SECRET],
  store: sqliteStore(process.env.SESSION_DATABASE ?? 'sessions.db'),
  trustProxy: insecureHttp ? false : ['127.0.0.1', '::1'],
  insecureHttp,
  onEvent: event => console.log(JSON.stringify(event)),
})

const listener = sessions(manager, async (request, response, { session, csrfToken, requireUser }) => {
  const page = (html: string) => response.setHeader('content-type', 'text/html; charset=utf-8').end(html)
  const route = `${request.method} ${request.url}`
  if (route === 'GET /') return page(form('/login', '<input name="name"><input name="password" type="password">'))
  if (route === 'POST /login') {
    const { name, password } = await readForm(request)
    const known = name === 'alice' && password && password === process.env.DEMO_PASSWORD // yours verifies argon2id
    if (!known) return response.writeHead(401).end('Invalid credentials')
    await session.signIn(name, { amr: ['pwd'] })
    return response.writeHead(303, { location: '/me' }).end()
  }
  if (route === 'GET /me') {
    const { userId } = await requireUser()
    const visits = await session.update(data => (data.visits = (data.visits ?? 0) + 1))
    const field = `<input type="hidden" name="csrf_token" value="${csrfToken()}">`
    return page(`<p>Hello ${userId}, visit ${visits}.</p>${form('/logout', field)}`)
  }
  if (route === 'POST /logout') {
    request.body = await readForm(request) // before the session loads, which checks the CSRF token in it
    await session.end()
    return response.writeHead(303, { location: '/' }).end()
  }
  response.writeHead(404).end('Not found')
})

const form = (to: string, fields: string) => `<form method="post" action="${to}">${fields}<button>Go</button></form>`

async function readForm(request: IncomingMessage): Promise<Record<string, string>> {
  let text = ''
  for await (const chunk of request) if (text.length < 10_000) text += chunk
  return Object.fromEntries(new URLSearchParams(text))
}

const server = createServer(listener).listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () =>
  console.log('listening', server.address()),
)
process.once('SIGTERM', () => server.close(() => manager.close()))
