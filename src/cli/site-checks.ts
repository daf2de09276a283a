import { type Finding, failure, ok, warning } from './finding.ts'

const yearSeconds = 31_536_000

/** Looks at a running site from outside: one GET, nothing is sent but the request. */
export async function checkSite(url: string): Promise<Finding[]> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    return [failure(`${JSON.stringify(url)} is not an address.`, 'Write it as https://host/path.')]
  }
  if (new URL(url).protocol !== 'https:') return [failure(`${url} is plain HTTP.`, 'Serve HTTPS and redirect to it.')]
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(10_000) })
    await response.body?.cancel()
    return judgeAnswer(url, response.headers)
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const reason = cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : String(cause)
    return [
      failure(
        `${url} did not answer (${reason}).`,
        'Is it running, and is its certificate valid? For a certificate of your own set NODE_EXTRA_CA_CERTS.',
      ),
    ]
  }
}

/** Judges the headers of an answer: HSTS (ASVS 3.4.1), cookies (3.3.1–3.3.4), caching (14.3.2), sniffing (3.4.4). */
export function judgeAnswer(url: string, headers: Headers): Finding[] {
  const hsts = headers.get('strict-transport-security') ?? ''
  const maxAge = Number(/max-age=(\d+)/i.exec(hsts)?.[1] ?? 0)
  const findings: Finding[] = [
    maxAge < yearSeconds
      ? failure(
          `${url}: Strict-Transport-Security is ${hsts ? 'shorter than a year' : 'missing'}.`,
          'Send: Strict-Transport-Security: max-age=31536000; includeSubDomains',
        )
      : /includesubdomains/i.test(hsts)
        ? ok(`${url}: HSTS for a year or longer, subdomains included.`)
        : warning(`${url}: HSTS leaves subdomains out.`, 'Add includeSubDomains.'),
    headers.get('x-content-type-options')?.toLowerCase() === 'nosniff'
      ? ok(`${url}: answers are not sniffed.`)
      : warning(`${url}: X-Content-Type-Options is missing.`, 'Send: X-Content-Type-Options: nosniff'),
  ]
  const cookies = headers.getSetCookie()
  for (const cookie of cookies) findings.push(judgeCookie(cookie))
  if (cookies.length > 0) {
    findings.push(
      /\bno-store\b/i.test(headers.get('cache-control') ?? '')
        ? ok(`${url}: the answer that sets cookies is not stored.`)
        : failure(
            `${url}: an answer that sets cookies may be stored by caches.`,
            'Send Cache-Control: no-store with it.',
          ),
    )
  }
  return findings
}

function judgeCookie(cookie: string): Finding {
  const [pair = '', ...attributes] = cookie.split(';').map(part => part.trim())
  const name = pair.split('=', 1)[0] ?? ''
  const has = (attribute: string) => attributes.some(text => text.toLowerCase().split('=', 1)[0] === attribute)
  const missing = ['Secure', 'HttpOnly', 'SameSite'].filter(attribute => !has(attribute.toLowerCase()))
  if (missing.length > 0)
    return failure(`Cookie ${name} lacks ${missing.join(', ')}.`, 'Set all three on every cookie.')
  if (!/^__(Host|Secure)-/.test(name))
    return warning(
      `Cookie ${name} has no __Host- or __Secure- prefix.`,
      'Rename it, so that no other host can plant it.',
    )
  return ok(`Cookie ${name} has its flags and prefix.`)
}
