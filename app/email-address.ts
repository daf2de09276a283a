/** RFC 5321 4.5.3.1: no longer path fits into a mail server's commands. */
export const longestEmailAddress = 254
const longestLocalPart = 64

/**
 * An address as most people have it: the ASCII part of RFC 5322 without quotes and comments, at a domain with a dot. Quotes
 * are what mail software reads in different ways, and then sends to somebody else (CVE-2025-13033).
 */
const shape =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/i

/** The one spelling of an e-mail address, or `null` for what is none: the domain does not care about case, the rest may. */
export function emailAddress(typed: string): string | null {
  const trimmed = typed.trim()
  const at = trimmed.lastIndexOf('@')
  if (trimmed.length > longestEmailAddress || at > longestLocalPart || !shape.test(trimmed)) return null
  return trimmed.slice(0, at) + trimmed.slice(at).toLowerCase()
}
