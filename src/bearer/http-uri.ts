/*
 * Whether a DPoP proof was made for the address that is asked for. RFC 9449 section 4.3 wants both normalised as in RFC
 * 3986 section 6.2, because clients and proxies spell one address differently. Not `new URL`: the browsers' parser mends
 * what is broken (backslashes, tabs, user names), and what is broken here was made by somebody with a purpose.
 */
import { hostPattern } from '../http/client-address.ts'

const uriShape = new RegExp(`^(https?)://(${hostPattern})(?::([0-9]*))?(/[^?#]*)?(?:[?#].*)?$`, 'i')
const defaultPorts: Readonly<Record<string, string>> = { http: '80', https: '443' }

/**
 * Whether two addresses are the same but for query and fragment: `htu` from the proof, `asked` as the client saw it.
 * What is no http(s) address in visible ASCII is the same as nothing.
 *
 * `asked` may have no dot segments. Every client resolves them before it asks, but routers do not, and would send
 * `/admin/../public` where `/admin/…` goes: a proof for `/public` must not open that.
 */
export function isSameTarget(htu: string, asked: string): boolean {
  const target = normalUri(asked, 'refused')
  return target !== null && target === normalUri(htu, 'resolved')
}

function normalUri(uri: string, dots: 'resolved' | 'refused'): string | null {
  if (!/^[\x21-\x7e]+$/.test(uri)) return null
  const parts = uriShape.exec(uri)
  if (!parts) return null
  const [, scheme = '', host = '', port = '', path = '/'] = parts
  const segments = normalSegments(path)
  if (!segments || (dots === 'refused' && segments.some(isDots))) return null
  const protocol = scheme.toLowerCase()
  const shownPort = port === '' || port === defaultPorts[protocol] ? '' : `:${port}`
  return `${protocol}://${host.toLowerCase()}${shownPort}/${withoutDots(segments).join('/')}`
}

/** The path's segments with `%7e` as `~` and `%2f` as `%2F`; `null` when a percent sign escapes nothing. */
function normalSegments(path: string): string[] | null {
  if (!path.includes('%')) return path.slice(1).split('/')
  if (/%(?![0-9A-F]{2})/i.test(path)) return null
  // In one pass: `%2541` is the text %41 and must not become A.
  const normal = path.replace(/%[0-9A-F]{2}/gi, escaped => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    return /[A-Za-z0-9._~-]/.test(character) ? character : escaped.toUpperCase()
  })
  return normal.slice(1).split('/')
}

function isDots(segment: string): boolean {
  return segment === '.' || segment === '..'
}

/** RFC 3986 section 5.2.4. */
function withoutDots(segments: readonly string[]): readonly string[] {
  if (!segments.some(isDots)) return segments
  const kept: string[] = []
  for (const segment of segments) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  // `/a/.` and `/a/b/..` both are `/a/`.
  if (isDots(segments.at(-1) ?? '')) kept.push('')
  return kept
}
