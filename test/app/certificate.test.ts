import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { statSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { developmentCertificate, isDevelopmentCertificate } from '../../app/certificate.ts'
import { placesIn } from '../../app/data-directory.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const day = 86_400_000
const now = Date.parse('2026-11-21T12:00:00Z')

describe('The development certificate', () => {
  it('is for this machine, matches its key and is private', async () => {
    const places = placesIn(temporaryDirectory())
    const { certificate, key } = await developmentCertificate(places, now)
    const parsed = new X509Certificate(certificate)
    assert.equal(parsed.checkHost('localhost'), 'localhost')
    assert.equal(parsed.checkIP('127.0.0.1'), '127.0.0.1')
    assert.equal(parsed.checkIP('::1'), '::1')
    assert.equal(parsed.ca, false)
    assert.ok(parsed.checkPrivateKey(createPrivateKey(key)))
    assert.ok(isDevelopmentCertificate(certificate))
    for (const file of [places.certificate, places.key]) assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  it('is used again at the next start', async () => {
    const places = placesIn(temporaryDirectory())
    const first = await developmentCertificate(places, now)
    assert.deepEqual(await developmentCertificate(places, now + 60 * day), first)
  })

  it('is made anew before it expires, and when its files are damaged', async () => {
    const places = placesIn(temporaryDirectory())
    const first = await developmentCertificate(places, now)
    const second = await developmentCertificate(places, now + 80 * day)
    assert.notEqual(second.certificate, first.certificate)
    writeFileSync(places.key, first.key)
    const third = await developmentCertificate(places, now + 80 * day)
    assert.notEqual(third.certificate, second.certificate, 'a key of another certificate')
    writeFileSync(places.certificate, 'not a certificate')
    assert.ok(
      (await developmentCertificate(places, now + 80 * day)).certificate.startsWith('-----BEGIN CERTIFICATE-----'),
    )
  })
})
