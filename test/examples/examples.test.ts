import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'

const root = join(import.meta.dirname, '../..')

for (const example of ['examples/express.ts', 'examples/fastify.ts', 'examples/hono.ts', 'examples/node.ts']) {
  describe(example, () => {
    it('signs in, knows the user, and signs out', async () => {
      const origin = await start(example)
      const visitor = new Visitor(origin)
      assert.match(await visitor.text('/'), /<form/)

      const wrong = await visitor.send('/login', { name: 'alice', password: 'wrong' })
      assert.equal(wrong.status, 401)
      const right = await visitor.send('/login', { name: 'alice', password })
      assert.equal(right.status, 303)
      assert.equal(right.headers.get('location'), '/me')

      const page = await visitor.text('/me')
      assert.match(page, /Hello alice, visit 1\./)
      assert.match(await visitor.text('/me'), /Hello alice, visit 2\./)

      const forged = await visitor.send('/logout', {})
      assert.equal(forged.status, 403, 'a sign-out without the CSRF token')
      const token = visitor.cookie
      const out = await visitor.send('/logout', { csrf_token: /value="([^"]+)"/.exec(page)?.[1] ?? '' })
      assert.equal(out.status, 303)
      assert.equal(visitor.cookie, '')

      visitor.cookie = token
      assert.doesNotMatch(await visitor.text('/me'), /Hello alice/, 'the token of the ended session')
    })

    it('is short, and stops when it is asked to', async () => {
      assert.ok(linesOf(example) < 60)
      const running = await run(example)
      running.kill('SIGTERM')
      assert.deepEqual(await once(running, 'exit'), [0, null])
    })
  })
}

describe('examples/next-route.ts', () => {
  it('signs in, knows the user, and signs out, by plain requests as Next.js passes them', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'latchkey-example-'))
    after(() => rmSync(directory, { recursive: true }))
    Object.assign(process.env, environment(directory))
    const { GET, POST } = await import('../../examples/next-route.ts')
    let cookie = ''
    const visit = async (action: string, fields?: Record<string, string>): Promise<Response> => {
      const headers = { cookie, 'sec-fetch-site': 'same-origin' }
      const init = fields ? { method: 'POST', body: new URLSearchParams(fields), headers } : { headers }
      const request = new Request(`http://localhost:3000/account/${action}`, init)
      const response = await (fields ? POST : GET)(request, { params: Promise.resolve({ action }) })
      for (const line of response.headers.getSetCookie()) cookie = /^sid=[^;]+/.exec(line)?.[0] ?? ''
      return response
    }
    assert.match(await (await visit('login')).text(), /<form/)
    assert.equal((await visit('me')).status, 401)
    assert.equal((await visit('login', { name: 'alice', password: 'wrong' })).status, 401)
    const right = await visit('login', { name: 'alice', password })
    assert.deepEqual([right.status, right.headers.get('location')], [303, '/account/me'])
    const page = await (await visit('me')).text()
    assert.match(page, /Hello alice, visit 1\./)
    assert.equal((await visit('logout', {})).status, 403, 'a sign-out without the CSRF token')
    const token = cookie
    assert.equal((await visit('logout', { csrf_token: /value="([^"]+)"/.exec(page)?.[1] ?? '' })).status, 303)
    assert.equal(cookie, '')
    cookie = token
    assert.equal((await visit('me')).status, 401, 'the token of the ended session')
    assert.equal((await visit('constructor')).status, 404)
  })

  it('is short', () => assert.ok(linesOf('examples/next-route.ts') < 60))
})

const password = randomBytes(12).toString('hex')

function linesOf(example: string): number {
  return readFileSync(join(root, example), 'utf8').trimEnd().split('\n').length
}

function environment(directory: string): Record<string, string> {
  return {
    SESSION_SECRET: randomBytes(32).toString('base64url'),
    SESSION_DATABASE: join(directory, 'sessions.db'),
    DEMO_PASSWORD: password,
  }
}

/** A browser, as far as these pages need one. */
class Visitor {
  readonly #origin: string
  cookie = ''

  constructor(origin: string) {
    this.#origin = origin
  }

  async text(path: string): Promise<string> {
    return (await this.#fetch(path)).text()
  }

  send(path: string, fields: Record<string, string>): Promise<Response> {
    return this.#fetch(path, { method: 'POST', body: new URLSearchParams(fields) })
  }

  async #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { cookie: this.cookie, 'sec-fetch-site': 'same-origin' }
    const response = await fetch(this.#origin + path, { ...init, headers, redirect: 'manual' })
    for (const cookie of response.headers.getSetCookie()) this.cookie = /^sid=[^;]+/.exec(cookie)?.[0] ?? ''
    return response
  }
}

async function start(example: string): Promise<string> {
  const running = await run(example)
  return `http://127.0.0.1:${ports.get(running)}`
}

const ports = new WeakMap<ChildProcess, string>()

/** Starts an example in a process of its own and resolves when it listens. */
async function run(example: string): Promise<ChildProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-example-'))
  const env = {
    PATH: process.env.PATH,
    PORT: '0',
    ...environment(directory),
  }
  const running = spawn(process.execPath, ['--conditions=latchkey-source', example], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  after(() => {
    running.kill('SIGKILL')
    rmSync(directory, { recursive: true })
  })
  let printed = ''
  // Express prints every error it answers, the 403 that this test wants as well: only a start that fails shows it.
  running.stderr.setEncoding('utf8').on('data', text => {
    printed += text
  })
  for await (const text of running.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    printed += text
    const [, port] = /port: (\d+)/.exec(printed) ?? []
    if (port === undefined) continue
    running.stdout.resume()
    ports.set(running, port)
    return running
  }
  throw new Error(`${example} ended before it listened: ${printed}`)
}
