import { UsageError } from '../errors.ts'

/** Most bytes of name and value together: browsers silently drop a larger cookie (RFC 6265bis 5.7, ASVS 3.3.5). */
export const maxCookieBytes = 4096

/** Most bytes of one attribute's value: browsers ignore a longer attribute (RFC 6265bis 5.6). */
export const maxCookieAttributeBytes = 1024

/** Longest life of a cookie, 400 days in seconds: browsers cut anything longer (RFC 6265bis 5.5). */
export const maxCookieAgeSeconds = 34_560_000

/** How the session cookie is named and where browsers send it. Validated once, by {@link sessionCookie}. */
export type SessionCookieOptions = CookieIdentity & CookieScope & CookieSite

interface CookieIdentity {
  /**
   * Name without prefix: a token of RFC 9110, 1–64 characters. Default `sid`, which tells nobody what runs here. On
   * the wire it gets `__Host-Http-`, or `__Secure-` with `domain`, or nothing with `insecureHttp`.
   */
  readonly name?: string
  /**
   * Default `false`. `true` drops `Secure` and the name's prefix, so that the cookie works over plain HTTP: everybody
   * on the network path can read it and take the session. For development only.
   */
  readonly insecureHttp?: boolean
}

type CookieScope =
  | {
      /** Left out: only this very host gets the cookie, and no sibling can plant one (`__Host-`, ASVS 3.3.3). */
      readonly domain?: undefined
      /** Always `/` without `domain`, because the prefix `__Host-` demands it. */
      readonly path?: '/'
    }
  | {
      /**
       * Shares the cookie with every subdomain of this registrable domain, for example `example.com`. Weakens it: each
       * subdomain can read and overwrite the session cookie, and the prefix falls back to `__Secure-`.
       */
      readonly domain: string
      /** Path below which browsers send the cookie, default `/`. No protection: pages of other paths can get at it. */
      readonly path?: string
    }

type CookieSite =
  | {
      /**
       * `lax` (default) keeps links from other sites signed in; `strict` also hides the cookie from those. Defence in
       * depth beside the CSRF checks, never instead of them. Always written, because browsers treat an absent one as
       * "Lax, but not for the first two minutes" (CK-12).
       */
      readonly sameSite?: 'lax' | 'strict'
      /** Only together with `sameSite: 'none'`. */
      readonly insecureSameSiteNone?: false
    }
  | {
      /** Sends the cookie with every cross-site request, for an application embedded in other sites. */
      readonly sameSite: 'none'
      /** Confirms that other sites may send requests with this user's session. */
      readonly insecureSameSiteNone: true
    }

/** Writes the session cookie. All attributes are fixed at start; only value and life vary. */
export interface SessionCookie {
  /** Full name on the wire, prefix included: what to look for in the `Cookie` header. */
  readonly name: string
  /**
   * The `Set-Cookie` value that stores `value`, which must be cookie-octets (RFC 6265bis 4.1.1).
   *
   * `maxAgeSeconds` is a whole number, 1 to {@link maxCookieAgeSeconds}; left out, the cookie goes when the browser
   * closes. Throws `UsageError` when the value has a forbidden character or name and value exceed
   * {@link maxCookieBytes}; the message never contains the value.
   */
  set(value: string, maxAgeSeconds?: number): string
  /** The `Set-Cookie` value that removes the cookie: same name, domain, path and flags, already expired (CK-6). */
  clear(): string
}

const maxNameLength = 64
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const cookieOctets = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/
// Browsers match prefixes in any case, so a name that hides one in another case would still fall under its rules.
const prefixed = /^__(?:host|secure|http)-/i
// The last label starts with a letter, which keeps IP addresses out; browsers refuse those as Domain.
const domainName = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const maxDomainLength = 253
const pathValue = /^\/[\x21-\x3a\x3c-\x7e]*$/
const sameSiteNames = { lax: 'Lax', strict: 'Strict', none: 'None' } as const

/** Builds the writer of the session cookie. Throws `UsageError`, naming option and fix, for options no browser honours. */
export function sessionCookie(options: SessionCookieOptions = {}): SessionCookie {
  const { name: bareName = 'sid', insecureHttp = false, domain, path = '/' } = options
  checkName(bareName)
  checkScope(domain, path)
  const sameSite = checkedSameSite(options)

  // `__Http-` would say more than `__Secure-` for a shared cookie, but a browser that does not know it yet protects
  // nothing, whereas every browser that does not know `__Host-Http-` still sees `__Host-`.
  const prefix = insecureHttp ? '' : domain === undefined ? '__Host-Http-' : '__Secure-'
  const name = prefix + bareName
  const attributes =
    `; Path=${path}` +
    (domain === undefined ? '' : `; Domain=${domain}`) +
    (insecureHttp ? '' : '; Secure') +
    `; HttpOnly; SameSite=${sameSite}`
  // Expires as well as Max-Age: some clients know only the former.
  const cleared = `${name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT${attributes}`

  return {
    name,
    set(value, maxAgeSeconds) {
      if (!cookieOctets.test(value)) {
        throw new UsageError(
          'The value of a cookie may only contain visible ASCII without double quote, comma, semicolon and backslash. ' +
            'Encode it first, for example as base64url.',
        )
      }
      // The grammar leaves only ASCII, so characters are bytes.
      if (name.length + value.length > maxCookieBytes) {
        throw new UsageError(
          `The cookie ${name} would take ${name.length + value.length} bytes, but browsers silently drop a cookie of ` +
            `more than ${maxCookieBytes}. Put less into it, or keep the data in a store.`,
        )
      }
      if (maxAgeSeconds === undefined) return `${name}=${value}${attributes}`
      checkMaxAge(maxAgeSeconds)
      return `${name}=${value}; Max-Age=${maxAgeSeconds}${attributes}`
    },
    clear: () => cleared,
  }
}

/**
 * Adds a `Set-Cookie` value to those a response already has and drops earlier ones of the same name, because with two
 * of them the browser's order decides which one wins (CK-2). Other cookies stay as they are, in their order.
 *
 * `existing` is what `response.getHeader('set-cookie')` returns and is not changed.
 */
export function appendSetCookie(existing: number | string | readonly string[] | undefined, cookie: string): string[] {
  if (existing === undefined) return [cookie]
  const name = nameOf(cookie)
  const others = (Array.isArray(existing) ? existing : [existing]).map(String).filter(other => nameOf(other) !== name)
  return [...others, cookie]
}

/** The name as a browser reads it: what stands before the first `=` of the first part, without space around it. */
function nameOf(setCookie: string): string {
  const pair = setCookie.split(';', 1)[0] ?? ''
  const equals = pair.indexOf('=')
  return equals === -1 ? '' : pair.slice(0, equals).replace(/^[ \t]+|[ \t]+$/g, '')
}

function checkName(name: unknown): void {
  if (typeof name !== 'string' || !token.test(name) || name.length > maxNameLength) {
    throw new UsageError(
      `cookie.name must be 1 to ${maxNameLength} characters out of letters, digits and !#$%&'*+-.^_\`|~, for example 'sid'.`,
    )
  }
  if (prefixed.test(name)) {
    throw new UsageError(
      `cookie.name is written without prefix: use '${name.replace(/^__(?:host-http|host|secure|http)-/i, '') || 'sid'}'. ` +
        'Latchkey adds the strongest prefix that the other options allow.',
    )
  }
}

function checkScope(domain: unknown, path: unknown): void {
  if (domain === undefined) {
    if (path === '/') return
    throw new UsageError(
      "cookie.path must be '/' (or left out): the prefix __Host- demands it, and a path keeps no other page away from " +
        'the cookie. Give applications that must not share a session different host names or a different cookie.name.',
    )
  }
  if (typeof domain !== 'string' || domain.length > maxDomainLength || !domainName.test(domain)) {
    throw new UsageError(
      "cookie.domain must be a lower-case host name without leading dot, port or scheme, for example 'example.com' " +
        '(international names in their xn-- form). Leave it out unless subdomains must share the session.',
    )
  }
  if (typeof path !== 'string' || path.length > maxCookieAttributeBytes || !pathValue.test(path)) {
    throw new UsageError(
      `cookie.path must start with '/' and be at most ${maxCookieAttributeBytes} visible ASCII characters without ` +
        "semicolon, for example '/'.",
    )
  }
}

function checkedSameSite(options: SessionCookieOptions): 'Lax' | 'Strict' | 'None' {
  const { sameSite = 'lax', insecureSameSiteNone = false, insecureHttp = false } = options
  if (!Object.hasOwn(sameSiteNames, sameSite)) {
    throw new UsageError("cookie.sameSite must be 'lax' (default) or 'strict', in lower case.")
  }
  if ((sameSite === 'none') !== insecureSameSiteNone) {
    throw new UsageError(
      "cookie.sameSite: 'none' and cookie.insecureSameSiteNone: true only go together, because other sites can then " +
        "send requests with the user's session. Use sameSite 'lax' unless the application is embedded in other sites.",
    )
  }
  if (sameSite === 'none' && insecureHttp) {
    throw new UsageError(
      "cookie.sameSite: 'none' needs HTTPS, because browsers refuse such a cookie without Secure. Remove insecureHttp.",
    )
  }
  return sameSiteNames[sameSite]
}

function checkMaxAge(seconds: number): void {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= maxCookieAgeSeconds) return
  throw new UsageError(
    `The life of a persistent cookie must be a whole number of seconds, 1 to ${maxCookieAgeSeconds} (400 days, where ` +
      `browsers cut it), but is ${seconds}. Shorten policy.persistent, or use clear() to remove the cookie.`,
  )
}
