/*
 * JSON that two parsers cannot read differently (RFC 8725bis, JWT-9). What one reader takes and another overlooks is how a
 * token means one thing to the gateway and another to the service behind it: two members of one name, a number that is
 * rounded, half of a character, bytes that are not UTF-8.
 */

/** Objects and arrays inside each other: `{ authorization_details: [{ actions: [] }] }` is four. */
const deepest = 4

/** Names that reach an object's prototype when somebody copies members one by one. */
const refusedNames = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * Nor a name with a backslash: after an object with the name `\`, the `JSON.parse` of Node 24.21 (V8) reads the name `"` of the next
 * object of that shape as `\`, too. So two members of one name would look like two names. No claim is called like that.
 */
const misread = '\\'

// `ignoreBOM` leaves a byte order mark in the text, where it is no JSON.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads one JSON object from UTF-8; `null` for everything else: bad UTF-8, a byte order mark, a name twice in one object
 * (also when one of the two is escaped), `__proto__`, `constructor` or `prototype` as a name, a backslash in one, half a surrogate pair, a
 * number beyond the safe integers, more than 4 levels. Never throws. The caller bounds the size.
 */
export function parseStrictJson(bytes: Uint8Array): Record<string, unknown> | null {
  let text: string
  let value: unknown
  try {
    text = utf8.decode(bytes)
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  // `JSON.parse` keeps the last of two members of one name, so the text then has more members than what came out of it.
  return countMembers(value, 1) === colonsOutsideStrings(text) ? (value as Record<string, unknown>) : null
}

/** Members of all objects in a value, or NaN when there is something in it that we refuse. */
function countMembers(value: unknown, depth: number): number {
  if (typeof value === 'string') return value.isWellFormed() ? 0 : Number.NaN
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? 0 : Number.NaN
  if (typeof value !== 'object' || value === null) return 0
  if (depth > deepest) return Number.NaN
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) count += countMembers(item, depth + 1)
    return count
  }
  const members = value as Record<string, unknown>
  for (const name of Object.keys(members)) {
    if (refusedNames.has(name) || name.includes(misread) || !name.isWellFormed()) return Number.NaN
    count += 1 + countMembers(members[name], depth + 1)
  }
  return count
}

/** How many members a text of valid JSON has: outside of strings, a colon stands for nothing else. */
function colonsOutsideStrings(text: string): number {
  let count = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (inString && code === backslash) at++
    else if (code === quote) inString = !inString
    else if (!inString && code === colon) count++
  }
  return count
}

const quote = 0x22
const colon = 0x3a
const backslash = 0x5c
