/**
 * Two layers against cross-site request forgery, both on by default.
 *
 * Layer 1 asks where a request comes from: the browser says so in `Sec-Fetch-Site`, older ones in `Origin`, and no page
 * can forge either. Layer 2 asks for a token that only a page of this session can know. Either alone has gaps (layer 1:
 * clients without these headers; layer 2: a token that leaks), and NIST SP 800-63B-4 5.1 wants the second.
 */
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { UsageError } from '../errors.ts'
import { hostPattern, type RequestHeaders } from './client-address.ts'

/** What layer 1 looks at. */
export interface OriginEvidence {
  /** Request method as sent; case-sensitive, so `get` is not `GET`. */
  readonly method: string
  /** The header `Sec-Fetch-Site`, `undefined` when absent. */
  readonly secFetchSite: string | undefined
  /** The header `Origin`, `undefined` when absent. */
  readonly origin: string | undefined
  /** Host and port that the client asked for, `null` when unknown. Only used when no own origins are configured. */
  readonly host: string | null
  /** Whether the client's connection is HTTPS. Only used when no own origins are configured. */
  readonly encrypted: boolean
}

/**
 * Where a request comes from.
 *
 * - `safe-method`: GET, HEAD or OPTIONS, which must not change anything (CSRF-6). Says nothing about the origin.
 * - `same-origin`: our own page, the user (address bar, bookmark), or an origin that `csrf.origins` trusts.
 * - `cross-site`: somebody else's page, or headers no browser sends.
 * - `unknown`: an unsafe method with neither `Sec-Fetch-Site` nor `Origin`: not a browser of this decade, or something
 *   on the way removed both. Whether that is allowed is policy (CSRF-3).
 */
export type OriginVerdict = 'safe-method' | 'same-origin' | 'cross-site' | 'unknown'

/** Judges where a request comes from, by its headers alone. `own` comes from {@link ownOrigins}. Never throws. */
export function judgeOrigin(request: OriginEvidence, own: ReadonlySet<string>): OriginVerdict {
  // TRACE, QUERY and whatever comes next are unsafe until somebody has thought about them.
  if (request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS') return 'safe-method'

  const { secFetchSite, origin } = request
  // `none` is the user's own doing: no page can cause a request with an unsafe method and `none`.
  if (secFetchSite === 'same-origin' || secFetchSite === 'none') return 'same-origin'
  if (secFetchSite !== undefined) {
    // `same-site` included: a sibling subdomain is somebody else (user content, a takeover). Unknown values too: the
    // specification would ignore them, but a browser that means well by a new word can wait for us (conflict C10).
    return origin !== undefined && isOneOf(own, origin) ? 'same-origin' : 'cross-site'
  }

  if (origin === undefined) return 'unknown'
  // Configured origins are the better answer, because a client that is no browser chooses its Host (CSRF-2).
  if (own.size > 0) return isOneOf(own, origin) ? 'same-origin' : 'cross-site'
  const asked = request.host === null ? null : normalOrigin(`${request.encrypted ? 'https' : 'http'}://${request.host}`)
  return asked !== null && asked === normalOrigin(origin) ? 'same-origin' : 'cross-site'
}

/**
 * Checks the configured origins and returns them in the form {@link judgeOrigin} compares with.
 *
 * Each is what browsers send in `Origin`: `https://host` or `https://host:port`, nothing after it, no wildcard
 * (CSRF-4). Throws `UsageError` with the right spelling where there is one.
 */
export function ownOrigins(configured: readonly string[] = []): ReadonlySet<string> {
  if (!Array.isArray(configured))
    throw new UsageError("csrf.origins must be a list, for example ['https://example.com'].")
  return new Set(configured.map(checkedOrigin))
}

function checkedOrigin(configured: unknown): string {
  const text = String(configured)
  const normal = normalOrigin(text)
  const asBrowsersSend = URL.canParse(text) ? new URL(text).origin : ''
  if (normal !== null && normal === asBrowsersSend) return normal
  throw new UsageError(
    `csrf.origins: '${text}' is not an origin. An origin is https:// (or http://), host and optional port, without path, ` +
      `trailing slash, user name or wildcard, for example '${normalOrigin(asBrowsersSend) ?? 'https://example.com'}'. ` +
      'List every origin by itself.',
  )
}

// By hand instead of `new URL`, which finds an origin in texts that are none: it takes the host of `http://evil@host`
// to be `host` (golang/go#78563), and lets paths, tabs and backslashes pass.
const serialisedOrigin = new RegExp(`^(https?)://(${hostPattern})(?::([1-9][0-9]{0,4}))?$`)
const maxOriginLength = 300

/** The origin with its host in lower case and without default port, or `null` when the text is not one origin. */
function normalOrigin(text: string): string | null {
  if (text.length > maxOriginLength) return null
  const [, scheme, host, port] = serialisedOrigin.exec(text) ?? []
  if (scheme === undefined || host === undefined) return null
  const shownPort = port === undefined || port === (scheme === 'https' ? '443' : '80') ? '' : `:${port}`
  return `${scheme}://${host.toLowerCase()}${shownPort}`
}

function isOneOf(own: ReadonlySet<string>, origin: string): boolean {
  const normal = normalOrigin(origin)
  return normal !== null && own.has(normal)
}

const saltBytes = 16
const tokenBytes = saltBytes + 32
// 48 bytes are exactly 64 base64url characters: no padding and no unused bits, so each token has one spelling only.
const tokenShape = /^[A-Za-z0-9_-]{64}$/

/**
 * Makes a CSRF token for a session: 64 base64url characters (16 random bytes and an HMAC-SHA-256 over `binding` and
 * them).
 *
 * Nothing is stored. Every call gives another token, so that compressed pages do not leak it byte by byte (BREACH).
 * `binding` is what the token stands and falls with, and must change at sign-in (CSRF-7); `random` is a CSPRNG.
 */
export function mintCsrfToken(key: KeyObject, binding: string, random: (size: number) => Buffer): string {
  const salt = random(saltBytes)
  return Buffer.concat([salt, proof(key, binding, salt)]).toString('base64url')
}

/** Whether `token` was minted with this key for this binding. Compares in constant time; `false` for anything odd. */
export function verifyCsrfToken(key: KeyObject, binding: string, token: unknown): boolean {
  if (typeof token !== 'string' || !tokenShape.test(token)) return false
  const bytes = Buffer.from(token, 'base64url')
  if (bytes.length !== tokenBytes) return false
  return timingSafeEqual(bytes.subarray(saltBytes), proof(key, binding, bytes.subarray(0, saltBytes)))
}

/** The length goes first, so that no other binding and salt make the same message (CS-CSRF). */
function proof(key: KeyObject, binding: string, salt: Buffer): Buffer {
  return createHmac('sha256', key)
    .update(`${Buffer.byteLength(binding)}:${binding}`)
    .update(salt)
    .digest()
}

const tokenHeaders = ['x-csrf-token', 'x-csrftoken'] as const
const tokenField = 'csrf_token'

/**
 * The CSRF token a request carries, or `null`: the header `X-CSRF-Token`, else `X-CSRFToken`, else the field
 * `csrf_token` of a parsed body; the first that is not empty counts.
 *
 * Never the query string, because addresses are logged and sent on as `Referer` (CSRF-8). Several values in one place
 * give `null`. Only an own, plain property of the body is read: no getter of a hostile body runs, and nothing inherited
 * (prototype pollution) passes for a token. The result is not verified yet.
 */
export function csrfTokenFrom(headers: RequestHeaders, body: unknown): string | null {
  for (const name of tokenHeaders) {
    const value = headers[name]
    if (value === undefined || value === '') continue
    return typeof value === 'string' ? value : null
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return null
  const field: unknown = Object.getOwnPropertyDescriptor(body, tokenField)?.value
  return typeof field === 'string' && field !== '' ? field : null
}
