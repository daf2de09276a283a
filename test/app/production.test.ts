import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { developmentCertificate } from '../../app/certificate.ts'
import { placesIn } from '../../app/data-directory.ts'
import { readOptions } from '../../app/options.ts'
import { productionRefusals } from '../../app/production.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const secret = { NODE_ENV: 'production', SESSION_SECRET: 'from the environment' }
const tls = ['--tls-cert', '/c', '--tls-key', '/k']

const refusalsOf = (args: string[], environment: Record<string, string>, certificate: string | null = null) => {
  const options = readOptions(args, environment)
  assert.notEqual(options, 'help')
  return productionRefusals(options as Exclude<typeof options, 'help'>, certificate)
}

describe('T23: Campus in production', () => {
  const accepted: [name: string, args: string[]][] = [
    ['a certificate', tls],
    ['a trusted proxy', ['--trust-proxy', '1']],
    ['the file store', [...tls, '--store', 'file:sessions']],
  ]
  for (const [name, args] of accepted) it(`accepts ${name}`, () => assert.deepEqual(refusalsOf(args, secret), []))

  const refused: [name: string, args: string[], environment: Record<string, string>, message: RegExp][] = [
    ['no secret from the environment', tls, { NODE_ENV: 'production' }, /^SESSION_SECRET is not set.*latchkey keygen/],
    ['neither TLS nor a trusted proxy', [], secret, /--tls-cert and --tls-key, or --trust-proxy/],
    ['plain HTTP', ['--insecure-http'], secret, /^--insecure-http.*remove it/],
    ['plain HTTP behind a proxy', ['--insecure-http', '--trust-proxy', '1'], secret, /^--insecure-http/],
    ['the memory store', [...tls, '--store', 'memory:'], secret, /^--store memory:.*sqlite:FILE/],
  ]
  for (const [name, args, environment, message] of refused) {
    it(`refuses ${name} and says what to do`, () => {
      const refusals = refusalsOf(args, environment)
      assert.equal(refusals.length, 1)
      assert.match(refusals[0] ?? '', message)
    })
  }

  it('refuses the generated certificate, wherever it was copied to', async () => {
    const { certificate } = await developmentCertificate(placesIn(temporaryDirectory()), Date.now())
    const [refusal = ''] = refusalsOf(tls, secret, certificate)
    assert.match(refusal, /^--tls-cert is the certificate that Campus made.*certificate authority/)
  })

  it('names everything at once', () => {
    assert.equal(refusalsOf(['--store', 'memory:'], { NODE_ENV: 'production' }).length, 3)
  })

  it('is not what development is', () => {
    assert.deepEqual(refusalsOf(['--store', 'memory:', '--insecure-http'], {}), [])
  })
})
