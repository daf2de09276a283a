import assert from 'node:assert/strict'
import { inspect } from 'node:util'

/**
 * Secrets that were let loose in a system, and the search for them: whatever a log, page, event or error holds, none of
 * them may be in it, raw or in any encoding that a program uses.
 */
export class Seeds {
  readonly #seeds = new Map<string, string>()

  /** Adds a secret under a name for messages. Its encodings are searched for too. */
  add(name: string, secret: string): void {
    assert.ok(secret.length >= 8, `${name} is too short to be searched for`)
    for (const [encoding, text] of Object.entries(encodings(secret))) {
      // What is no token has no secret part; of nothing, nothing is searched.
      if (text.length >= 8) this.#seeds.set(text, `${name} (${encoding})`)
    }
  }

  get size(): number {
    return this.#seeds.size
  }

  /** Fails when `thing`, printed in every way a program prints, holds a secret. */
  assertNotIn(thing: unknown, where: string): void {
    for (const [way, text] of Object.entries(prints(thing))) {
      for (const [seed, name] of this.#seeds) {
        assert.ok(!text.includes(seed), `${name} is in ${where}, ${way}`)
      }
    }
  }
}

function encodings(secret: string): Record<string, string> {
  const bytes = Buffer.from(secret)
  const decoded = Buffer.from(secret.split('.').at(-1) ?? '', 'base64url')
  return {
    raw: secret,
    'its payload': secret.split('.').at(-1) ?? secret,
    'percent-encoded': encodeURIComponent(secret),
    base64: bytes.toString('base64').replace(/=+$/, ''),
    base64url: bytes.toString('base64url'),
    hex: bytes.toString('hex'),
    'decoded, in hex': decoded.toString('hex'),
    'decoded, in base64': decoded.toString('base64').replace(/=+$/, ''),
    // A token's middle is its secret: a message that cuts the token must not begin with it.
    'its secret part': decoded.length === 64 ? decoded.subarray(16, 48).toString('hex') : secret,
    'bytes as a list': [...decoded.subarray(16, 28)].join(', '),
    'bytes as a JSON list': [...decoded.subarray(16, 28)].join(','),
    'bytes as inspect shows them': inspect(decoded.subarray(16, 28)).replace(/^<Buffer |>$/g, ''),
  }
}

function prints(thing: unknown): Record<string, string> {
  if (typeof thing === 'string') return { 'as it is': thing }
  return {
    'by console.log': inspect(thing),
    'by inspect with everything': inspect(thing, {
      depth: null,
      showHidden: true,
      showProxy: true,
      maxArrayLength: null,
    }),
    'by JSON.stringify': JSON.stringify(thing, replacer()) ?? '',
    'by its stack': thing instanceof Error ? `${thing.stack} ${thing.message} ${inspect(thing.cause)}` : '',
    'by its properties': thing instanceof Object ? inspect({ ...thing }, { depth: 8, getters: false }) : '',
  }
}

/** Circles are left out; errors and maps, which have no JSON of their own, are shown. */
function replacer(): (key: string, value: unknown) => unknown {
  const seen = new Set<unknown>()
  return (_key, value) => {
    if (typeof value === 'bigint') return String(value)
    if (typeof value !== 'object' || value === null) return value
    if (seen.has(value)) return undefined
    seen.add(value)
    if (value instanceof Error) return { ...value, message: value.message, stack: value.stack, cause: value.cause }
    return value instanceof Map || value instanceof Set ? [...value] : value
  }
}
