import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { placesIn } from '../../app/data-directory.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import { createVisitor } from './visitor.ts'

const secret = 'jJ4kU0aVtq1cTgS8Zb5xYw2nRm7LhEoP'

/** Starts Campus as its own process and gathers what it prints. */
function run(args: string[], environment: Record<string, string> = {}) {
  const main = new URL('../../app/main.ts', import.meta.url).pathname
  const { PATH = '', HOME = '' } = process.env
  const child: ChildProcess = spawn(process.execPath, ['--conditions=latchkey-source', main, ...args], {
    env: { PATH, HOME, ...environment },
  })
  after(() => child.kill('SIGKILL'))
  const printed = { out: '', error: '' }
  child.stdout?.setEncoding('utf8').on('data', text => {
    printed.out += text
  })
  child.stderr?.setEncoding('utf8').on('data', text => {
    printed.error += text
  })
  const exit = once(child, 'close').then(([code]) => code as number | null)
  const open = async () => {
    for (;;) {
      const origin = /Campus is open: {2}(\S+)/.exec(printed.out)?.[1]
      if (origin) return origin
      const code = await Promise.race([exit, once(child.stdout ?? child, 'data').then(() => 'more' as const)])
      if (code !== 'more') throw new Error(`Campus stopped with ${code}: ${printed.error}`)
    }
  }
  return { child, printed, exit, open }
}

describe('The command that starts Campus', () => {
  it('prints the accounts once, works over HTTPS with its own certificate, and keeps everything private', async () => {
    const directory = join(temporaryDirectory(), 'new', 'data')
    const first = run(['--data', directory, '--port', '0'])
    const origin = await first.open()
    const passwords = [...first.printed.out.matchAll(/^ {4}(student123|instructor|admin) +(\S+)$/gm)]
    assert.equal(passwords.length, 3)
    const certificate = readFileSync(placesIn(directory).certificate, 'utf8')
    const visitor = createVisitor(origin, certificate)
    assert.equal((await visitor.signIn('student123', passwords[0]?.[2] ?? '')).status, 303)
    assert.equal(statSync(directory).mode & 0o777, 0o700)
    for (const name of readdirSync(directory)) assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600, name)
    first.child.kill('SIGTERM')
    assert.equal(await first.exit, 0)
    assert.equal(first.printed.error, '')

    const second = run(['--data', directory, '--port', '0'])
    const again = createVisitor(await second.open(), certificate)
    assert.doesNotMatch(second.printed.out, /student123/)
    for (const [name, value] of visitor.cookies) again.cookies.set(name, value)
    assert.match((await again.get('/')).text, /Welcome back, student123!/, 'a restart signs nobody out')
    second.child.kill('SIGINT')
    assert.equal(await second.exit, 0)
  })

  it('keeps a file store private', async () => {
    const directory = temporaryDirectory()
    const campus = run(['--data', directory, '--port', '0', '--store', 'file:sessions', '--demo-password', 'pw'])
    const visitor = createVisitor(await campus.open(), readFileSync(placesIn(directory).certificate, 'utf8'))
    assert.equal((await visitor.signIn('admin', 'pw')).status, 303)
    const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
    assert.ok(entries.some(entry => entry.parentPath.includes('sessions')))
    for (const entry of entries) {
      const mode = statSync(join(entry.parentPath, entry.name)).mode & 0o777
      assert.equal(mode, entry.isDirectory() ? 0o700 : 0o600, entry.name)
    }
    campus.child.kill('SIGTERM')
    assert.equal(await campus.exit, 0)
  })

  it('on SIGTERM answers what is under way, takes nothing new and stops', async () => {
    const directory = temporaryDirectory()
    const campus = run(['--data', directory, '--port', '0', '--demo-password', 'pw'])
    const origin = await campus.open()
    const ca = readFileSync(placesIn(directory).certificate, 'utf8')
    const body = JSON.stringify({ username: 'student123', password: 'pw' })
    const headers = {
      'content-type': 'application/json',
      'content-length': String(body.length),
      expect: '100-continue',
    }
    const slow = request(`${origin}/api/login`, { method: 'POST', ca, headers })
    slow.flushHeaders()
    // The server answers `100 Continue` once it works on the request.
    await once(slow, 'continue')
    slow.write(body.slice(0, 10))
    campus.child.kill('SIGTERM')
    const { hostname, port } = new URL(origin)
    await closed(hostname, Number(port))
    slow.end(body.slice(10))
    const [answer] = await once(slow, 'response')
    answer.resume()
    assert.equal(answer.statusCode, 200)
    assert.equal(await campus.exit, 0)
  })

  it('refuses an unknown option with one line and exit code 2', async () => {
    const campus = run(['--colour', 'red'])
    assert.equal(await campus.exit, 2)
    assert.match(campus.printed.error, /^campus: Unknown option '--colour'[^\n]*--help[^\n]*\n$/)
    assert.equal(campus.printed.out, '')
  })

  it('prints its options for --help', async () => {
    const campus = run(['--help'])
    assert.equal(await campus.exit, 0)
    assert.match(campus.printed.out, /--idle-timeout TIME/)
  })

  it('T23: refuses production that is only good enough for development, and names everything', async () => {
    const directory = temporaryDirectory()
    const campus = run(['--data', directory, '--port', '0', '--store', 'memory:'], { NODE_ENV: 'production' })
    assert.equal(await campus.exit, 2)
    assert.match(campus.printed.error, /SESSION_SECRET[\s\S]*--tls-cert[\s\S]*--store/)
    assert.deepEqual(readdirSync(directory), [], 'and leaves nothing behind')
  })

  it('T23: runs in production behind a trusted proxy, as plain HTTP that only believes the proxy', async () => {
    const campus = run(['--data', temporaryDirectory(), '--port', '0', '--trust-proxy', '1', '--demo-password', 'pw'], {
      NODE_ENV: 'production',
      SESSION_SECRET: secret,
    })
    const origin = await campus.open()
    assert.match(origin, /^http:/)
    const body = JSON.stringify({ username: 'student123', password: 'pw' })
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' }
    const answer = await fetch(`${origin}/api/login`, { method: 'POST', headers, body })
    assert.equal(answer.status, 200)
    assert.match(sessionCookie(answer, '__Host-Http-sid'), /Secure/)
    assert.ok(answer.headers.get('strict-transport-security'))
    campus.child.kill('SIGTERM')
    assert.equal(await campus.exit, 0)
  })

  it('works over plain HTTP when told to, with a cookie that says so', async () => {
    const campus = run(['--data', temporaryDirectory(), '--port', '0', '--insecure-http', '--demo-password', 'pw'])
    const origin = await campus.open()
    assert.match(origin, /^http:/)
    const body = JSON.stringify({ username: 'student123', password: 'pw' })
    const answer = await fetch(`${origin}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    assert.match(sessionCookie(answer, 'sid'), /^sid=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/)
    assert.equal(answer.headers.get('strict-transport-security'), null)
    campus.child.kill('SIGTERM')
    assert.equal(await campus.exit, 0)
  })
})

/** Waits until nobody listens there any more. */
async function closed(host: string, port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, host)
    const refused = await Promise.race([
      once(socket, 'connect').then(() => false),
      once(socket, 'error').then(() => true),
    ]).catch(() => true)
    socket.destroy()
    if (refused) return
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** What an answer sets the session cookie to; it sets others, too. */
function sessionCookie({ headers }: Response, name: string): string {
  return headers.getSetCookie().find(text => text.startsWith(`${name}=`)) ?? assert.fail(`there is a cookie ${name}`)
}
