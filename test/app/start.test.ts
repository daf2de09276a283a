import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { UsageError } from 'latchkey'
import { developmentCertificate } from '../../app/certificate.ts'
import { placesIn } from '../../app/data-directory.ts'
import { OptionError, readOptions } from '../../app/options.ts'
import { startCampus } from '../../app/start.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const secret = 'jJ4kU0aVtq1cTgS8Zb5xYw2nRm7LhEoP'
const alertSecret = 'c2VjcmV0IGZvciBhbGVydHMgb2YgdGhpcyB0ZXN0ISE='
const production = { NODE_ENV: 'production', SESSION_SECRET: secret }

const start = (args: string[], environment: Record<string, string> = {}) => {
  const options = readOptions(
    ['--data', join(temporaryDirectory(), 'data'), '--port', '0', '--demo-password', 'pw', ...args],
    environment,
  )
  if (options === 'help') throw new Error('no help is needed here')
  return startCampus(options, { clock: Date.now, log: () => {}, announce: () => {} })
}

describe('The start of Campus', () => {
  const files = temporaryDirectory()
  const file = join(files, 'file')
  writeFileSync(file, 'neither a certificate nor a directory')
  const own = placesIn(files)

  const refused: [name: string, args: string[], environment: Record<string, string>, message: RegExp][] = [
    ['a policy that cannot work', ['--idle-timeout', '9h'], {}, /idleTimeout \(9h\) is longer than/],
    ['a weak secret', [], { SESSION_SECRET: 'keyboard cat' }, /latchkey keygen/],
    [
      'a certificate that is not there',
      ['--tls-cert', '/nowhere', '--tls-key', '/nowhere'],
      {},
      /^--tls-cert cannot be read/,
    ],
    [
      'a file that is no certificate',
      ['--tls-cert', file, '--tls-key', file],
      {},
      /^--tls-cert and --tls-key cannot be used/,
    ],
    ['a file that is no certificate in production', ['--tls-cert', file, '--tls-key', file], production, /^--tls-cert/],
    ['a data directory that is a file', ['--data', file], {}, /^--data .* cannot be used/],
    ['a store in a place that is a file', ['--store', `file:${file}/x`], {}, /^--store file:.* cannot be opened/],
    ['a store that is another kind of file', ['--store', `sqlite:${file}`], {}, /^--store sqlite:.* cannot be opened/],
    ['accounts in a file of another kind', ['--users', `sqlite:${file}`], {}, /^--users sqlite:.* cannot be opened/],
    [
      'accounts in a PostgreSQL that is not there, without its password',
      ['--users', 'postgres://me:keyboard%20cat@localhost:1/campus'],
      {},
      /^--users postgres:\/\/localhost:1 cannot be opened \(connect ECONNREFUSED[^)]*\)/,
    ],
    ['a watch in a file of another kind', ['--watch', `sqlite:${file}`], {}, /^--watch sqlite:.* cannot be opened/],
    [
      'a watch in a PostgreSQL that is not there, without its password',
      ['--watch', 'postgres://me:keyboard%20cat@localhost:1/campus'],
      {},
      /^--watch postgres:\/\/localhost:1 cannot be opened \(PostgreSQL cannot be reached[^)]*\)/,
    ],
    ['a database of places that is none', ['--geo-city', file], {}, /^--geo-city cannot be read \(.*\*\.mmdb/],
    ['a database of networks that is not there', ['--geo-asn', '/nowhere'], {}, /^--geo-asn cannot be read \(ENOENT.*/],
    [
      'a secret of alerts that is a phrase, without repeating it',
      ['--alert-webhook', 'https://alerts.example/'],
      { ALERT_SECRET: 'keyboard cat, keyboard cat, keyboard cat' },
      /^--alert-webhook or ALERT_SECRET cannot be used \(.*openssl rand/,
    ],
    [
      'alerts over plain HTTP to another machine',
      ['--alert-webhook', 'http://alerts.example/keyboard%20cat'],
      { ALERT_SECRET: alertSecret },
      /^--alert-webhook or ALERT_SECRET cannot be used \(.*https:/,
    ],
    ['a host that is not here', ['--host', '192.0.2.1'], {}, /^--host 192\.0\.2\.1 is not an address of this machine/],
  ]
  for (const [name, args, environment, message] of refused) {
    it(`T23: refuses ${name} in one line that names the option`, async () => {
      await assert.rejects(start(args, environment), (error: Error) => {
        assert.ok(error instanceof OptionError || error instanceof UsageError, String(error.stack))
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /\n|keyboard/)
        return true
      })
    })
  }

  it('refuses a port that is taken, and says so', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    after(() => other.close())
    await once(other, 'listening')
    const address = other.address()
    const port = typeof address === 'object' && address ? String(address.port) : ''
    await assert.rejects(start(['--port', port]), /^OptionError: --port \d+ is taken: .*--port \d+\.$/)
  })

  it('T23: refuses the generated certificate in production', async () => {
    await developmentCertificate(own, Date.now())
    await assert.rejects(
      start(['--tls-cert', own.certificate, '--tls-key', own.key], production),
      /certificate that Campus made for development/,
    )
  })

  it('makes no certificate and no secret in production', async () => {
    const directory = join(temporaryDirectory(), 'data')
    const campus = await start(['--data', directory, '--trust-proxy', '1'], production)
    await campus.stop()
    const { certificate, key, secret: kept } = placesIn(directory)
    const database = join(directory, 'campus.db')
    assert.deepEqual([certificate, key, kept, database].map(existsSync), [false, false, false, true])
  })

  it('stops twice without complaint', async () => {
    const campus = await start(['--store', 'memory:'])
    await Promise.all([campus.stop(), campus.stop()])
  })

  it('T20: a new secret in front of the old one signs nobody out', async () => {
    const directory = join(temporaryDirectory(), 'data')
    const body = JSON.stringify({ username: 'student123', password: 'pw' })
    const first = await start(['--data', directory, '--insecure-http'], { SESSION_SECRET: secret })
    const answer = await fetch(`${first.origin}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    const cookie =
      answer.headers
        .getSetCookie()
        .find(text => text.startsWith('sid='))
        ?.split(';')[0] ?? ''
    await first.stop()
    const second = await start(['--data', directory, '--insecure-http'], {
      SESSION_SECRET: `pQ8sW3nB6yT1kD5hL0vXc7gZr9fJ2mEu,${secret}`,
    })
    assert.equal((await fetch(`${second.origin}/api/check_session`, { headers: { cookie } })).status, 200)
    await second.stop()
    const third = await start(['--data', directory, '--insecure-http'], {
      SESSION_SECRET: 'pQ8sW3nB6yT1kD5hL0vXc7gZr9fJ2mEu',
    })
    assert.equal((await fetch(`${third.origin}/api/check_session`, { headers: { cookie } })).status, 401)
    await third.stop()
  })
})
