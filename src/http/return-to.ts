/**
 * Where to send the user after sign-in: only to a page of ours (ASVS 3.7.2, CWE-601).
 *
 * Browsers read much more into an address than it shows: a backslash counts as a slash, tabs and line breaks vanish,
 * and proxies and frameworks decode once more. So the rule does not look for bad addresses but describes the good ones.
 */

const maxLength = 2048

// Visible ASCII, so nothing that a browser strips and nothing that a header cannot carry; no backslash.
const absolutePath = /^\/[\x21-\x5b\x5d-\x7e]*$/
// In the decoded path: two slashes at the start make a host, and `/..//host` moves them there. Decoding only adds to what
// stands there raw, so looking once is enough.
const deceptive = /\/\/|[\\\x00-\x20\x7f]/

/**
 * `value` if it is a path on this origin (query and fragment allowed, at most 2,048 characters), else `fallback`.
 *
 * Refused, also when percent-encoded: another scheme or host in any spelling, backslashes, spaces and control
 * characters, `//` anywhere in the path, malformed escapes. `fallback` is the application's own and returned unchecked.
 */
export function safeReturnTo(value: unknown, fallback: string): string {
  if (typeof value !== 'string' || value.length > maxLength || !absolutePath.test(value)) return fallback
  const decoded = decodedOnce(value.slice(0, value.search(/[?#]|$/)))
  return decoded === null || deceptive.test(decoded) ? fallback : value
}

function decodedOnce(path: string): string | null {
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}
