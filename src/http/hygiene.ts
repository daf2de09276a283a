/** Response headers around a session: keep private pages out of caches, and clean up in the browser at sign-out. */

/** A header's value as `response.getHeader` returns it. */
export type ExistingHeader = number | string | readonly string[] | undefined

/**
 * The `Vary` header with `names` added, each only once whatever its case. `*` stays alone, because it says more.
 *
 * `Vary: Cookie` on every answer that used the session keeps a shared cache from serving one user's page to another
 * even where an application allows storing (ASVS 14.2.2).
 */
export function mergeVary(existing: ExistingHeader, ...names: readonly string[]): string {
  if (existing === undefined && names.length === 1) return names[0] ?? ''
  if (existing === undefined) return names.join(', ')
  const merged = new Map<string, string>()
  for (const name of [...listOf(existing), ...names]) {
    const key = name.toLowerCase()
    if (!merged.has(key)) merged.set(key, name)
  }
  return merged.has('*') ? '*' : [...merged.values()].join(', ')
}

/**
 * The `Cache-Control` header for an answer that used the session: `no-store`, or the application's own value when it
 * says `no-store` or `private` without taking it back by `public` (ASVS 14.3.2).
 *
 * With `setsToken`, an answer that carries a token in `Set-Cookie`, only the application's `no-store` is good enough: a
 * stored copy would hold the token (WSTG-SESS-04b).
 */
export function cacheControlFor(existing: ExistingHeader, setsToken = false): string {
  if (existing === undefined) return 'no-store'
  const own = listOf(existing).map(directive => directive.toLowerCase())
  // `private="field"` only covers that field, and a quoted comma would break the list: such a value is replaced.
  if (own.some(directive => directive.includes('"'))) return 'no-store'
  const keep = own.includes('no-store') || (!setsToken && own.includes('private') && !own.includes('public'))
  return keep ? listOf(existing).join(', ') : 'no-store'
}

/** What else than `storage` a sign-out may clear. Both cost something, so neither is on by default (CSD-2, CSD-3). */
export type AlsoCleared =
  /** The HTTP cache of this origin. Slow in some browsers, and pointless where pages are `no-store`. */
  | 'cache'
  /**
   * All cookies of the whole registrable domain: signs the user out of sibling applications too, and removes cookies
   * that the same answer sets. Never send it together with a new cookie.
   */
  | 'cookies'

/**
 * Headers for the answer to a sign-out, lower-case names: `Clear-Site-Data: "storage"`, so that nothing private stays in
 * the browser's storage (ASVS 14.3.1). Empty over plain HTTP, where browsers ignore the header (CSD-1). The session
 * cookie itself is removed by `Set-Cookie`.
 */
export function signOutHeaders(
  encrypted: boolean,
  also: readonly AlsoCleared[] = [],
): Readonly<Record<string, string>> {
  if (!encrypted) return {}
  const kinds = new Set(['storage', ...also])
  return { 'clear-site-data': [...kinds].map(kind => `"${kind}"`).join(', ') }
}

function listOf(header: ExistingHeader): string[] {
  if (header === undefined) return []
  return String(header)
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
}
