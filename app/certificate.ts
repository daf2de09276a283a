import { createPrivateKey, X509Certificate } from 'node:crypto'
import { generate } from 'selfsigned'
import { readIfThere, writePrivate } from './data-directory.ts'

/** A certificate and its private key, both PEM. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
}

const organization = 'Campus development certificate'
const dayMs = 86_400_000

/** Short enough that a key that leaked from a laptop is soon worthless; browsers ask again when it changes. */
const validForMs = 90 * dayMs
const renewBeforeMs = 14 * dayMs

/**
 * A certificate for this machine (localhost, 127.0.0.1, ::1), so that Campus runs over HTTPS from the first minute:
 * Secure cookies and the `__Host-` prefixes need it. Kept in `files` and made anew before it expires.
 */
export async function developmentCertificate(
  files: { readonly certificate: string; readonly key: string },
  now: number,
): Promise<Certificate> {
  const certificate = readIfThere(files.certificate)
  const key = readIfThere(files.key)
  if (certificate && key && isUsable({ certificate, key }, now)) return { certificate, key }

  const made = await generate(
    [
      { name: 'commonName', value: 'localhost' },
      { name: 'organizationName', value: organization },
    ],
    {
      keyType: 'ec',
      algorithm: 'sha256',
      // Some clocks are slow: a certificate from the future is as bad as an expired one.
      notBeforeDate: new Date(now - dayMs),
      notAfterDate: new Date(now + validForMs),
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true },
        {
          name: 'subjectAltName',
          altNames: [
            { type: 2, value: 'localhost' },
            { type: 7, ip: '127.0.0.1' },
            { type: 7, ip: '::1' },
          ],
        },
      ],
    },
  )
  writePrivate(files.key, made.private)
  writePrivate(files.certificate, made.cert)
  return { certificate: made.cert, key: made.private }
}

/** Whether this is a certificate that Campus made for itself, wherever it was copied to. */
export function isDevelopmentCertificate(certificate: string): boolean {
  return new X509Certificate(certificate).subject.split('\n').includes(`O=${organization}`)
}

function isUsable({ certificate, key }: Certificate, now: number): boolean {
  try {
    const parsed = new X509Certificate(certificate)
    return parsed.checkPrivateKey(createPrivateKey(key)) && parsed.validToDate.getTime() - now > renewBeforeMs
  } catch {
    // Half-written, edited or foreign: a new one is better than a start that fails.
    return false
  }
}
