/**
 * Finds our cookie in a `Cookie` header.
 *
 * The strictness is the point: every lenient rule of a parser (percent-decoding or trimming a name, `$Version`, quoted
 * strings) lets a page of a sibling site send a cookie under a name the browser did not recognise as ours and therefore
 * did not protect by its prefix (CVE-2020-8184; "Cookie Chaos", 2025). So: bytes in, bytes compared, nothing decoded.
 */

/** Several cookies of our name arrived in one request: an attack or a bug, and no reason to believe either (CK-10). */
export const duplicated: unique symbol = Symbol('latchkey.duplicated')

/**
 * Longest `Cookie` header that is looked into, in characters: 65,536, what Node accepts on HTTP/2 by default (16,384
 * on HTTP/1). A longer one needs raised server limits; it counts as no cookie, so that the work stays bounded.
 */
export const maxCookieHeaderLength = 65_536

const tab = 0x09
const space = 0x20
const semicolon = 0x3b
const equals = 0x3d

/**
 * The value of the cookie `name`, `null` when there is none, {@link duplicated} when there are several, even equal ones.
 *
 * `name` is the full name on the wire and is compared byte for byte, case-sensitively (CK-7, CK-9). The value comes back
 * as it was sent, only without spaces and tabs around it. Works on the header as Node gives it: one character per byte,
 * several headers joined by `; ` (CK-11). Never throws; time is linear in the header's length.
 */
export function findCookie(header: string | undefined, name: string): string | null | typeof duplicated {
  if (header === undefined || header.length > maxCookieHeaderLength) return null
  let found: string | null = null
  let at = header.indexOf(name)
  while (at !== -1) {
    const after = at + name.length
    if (header.charCodeAt(after) !== equals || !startsPair(header, at)) {
      at = header.indexOf(name, after)
      continue
    }
    if (found !== null) return duplicated
    const separator = header.indexOf(';', after)
    const end = separator === -1 ? header.length : separator
    found = withoutSpaceAround(header, after + 1, end)
    at = header.indexOf(name, end)
  }
  return found
}

/** A pair starts the header or follows a `;`. A name after a `=`, a comma or any other character is part of a value. */
function startsPair(header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && isSpace(header.charCodeAt(before))) before--
  return before < 0 || header.charCodeAt(before) === semicolon
}

function withoutSpaceAround(header: string, start: number, end: number): string {
  while (start < end && isSpace(header.charCodeAt(start))) start++
  while (end > start && isSpace(header.charCodeAt(end - 1))) end--
  return header.slice(start, end)
}

/** OWS of RFC 9110: space and tab. `String.prototype.trim` would also take U+00A0, a byte that may belong to a name. */
function isSpace(code: number): boolean {
  return code === space || code === tab
}
