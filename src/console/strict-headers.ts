import type { ConsoleAnswer } from './contract.ts'

/**
 * What browsers may do with the console's answers. The page loads its own files and asks its own server, and nothing else: what
 * an attacker wrote into a user agent or a name finds no way to run, even if the page forgot to encode it (ASVS 3.4, T18).
 */
const always: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    // Not even our own script writes markup: it makes elements (W3C Trusted Types).
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // A session's id in a referrer would tell others who is looked at.
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  // For what does not know `frame-ancestors`.
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex',
}

/** The answer with the headers that all have. Nothing is stored anywhere, unless the answer itself says that it may be. */
export function withStrictHeaders(answer: ConsoleAnswer): ConsoleAnswer {
  return { ...answer, headers: { 'cache-control': 'no-store', ...answer.headers, ...always } }
}
