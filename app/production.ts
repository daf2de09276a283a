import { isDevelopmentCertificate } from './certificate.ts'
import type { CampusOptions } from './options.ts'

/**
 * Why this configuration may not serve real people, each reason with its remedy; empty when it may. Everything is
 * listed at once, so that nobody has to restart five times to learn five things.
 */
export function productionRefusals(options: CampusOptions, certificate: string | null): string[] {
  if (options.environment !== 'production') return []
  const refusals: string[] = []
  if (options.secrets.length === 0) {
    refusals.push(
      'SESSION_SECRET is not set: make one with `npx latchkey keygen` and give it to Campus in its environment.',
    )
  }
  if (options.insecureHttp) {
    refusals.push(
      '--insecure-http sends passwords and session tokens in the clear: remove it, and use --tls-cert and --tls-key, or --trust-proxy behind a proxy that speaks HTTPS.',
    )
  } else if (options.tls === null && options.trustProxy === false) {
    refusals.push(
      'There is no TLS: pass --tls-cert and --tls-key, or --trust-proxy when a proxy in front speaks HTTPS.',
    )
  }
  if (options.store.kind === 'memory') {
    refusals.push('--store memory: forgets everybody at each restart: use --store sqlite:FILE or --store file:DIR.')
  }
  if (certificate !== null && isDevelopmentCertificate(certificate)) {
    refusals.push(
      '--tls-cert is the certificate that Campus made for development: use one that a certificate authority issued for your host name.',
    )
  }
  return refusals
}
