import type { RequestHeaders } from '../http/client-address.ts'

/** The credentials of a request: `null` when there are none, `malformed` when there are some that we cannot take. */
export type Authorization = { readonly scheme: 'bearer' | 'dpop'; readonly token: string } | 'malformed' | null

/**
 * Reads the header `Authorization` (RFC 6750 section 2.1, RFC 9449 section 7.1). Tokens are taken from nowhere else: in an
 * address they would be logged, and in a form field any page could send them (BT-1). Another scheme is none of ours.
 */
export function readAuthorization(headers: RequestHeaders): Authorization {
  const { authorization } = headers
  if (authorization === undefined) return null
  if (typeof authorization !== 'string') return 'malformed'
  const space = authorization.indexOf(' ')
  const scheme = (space < 0 ? authorization : authorization.slice(0, space)).toLowerCase()
  if (scheme !== 'bearer' && scheme !== 'dpop') return null
  const token = space < 0 ? '' : authorization.slice(space + 1)
  // The characters of RFC 6750's b64token. Several tokens, a list or a quoted one are nobody's honest request.
  return /^[A-Za-z0-9._~+/-]+=*$/.test(token) ? { scheme, token } : 'malformed'
}
