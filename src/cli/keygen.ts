import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { readInstant } from './instant.ts'
import type { Terminal } from './terminal.ts'

/** What signs access tokens, and the key that it needs. */
const algorithms: Record<string, () => Promise<JWK>> = {
  ES256: () => privateJwk('ES256'),
  EdDSA: () => privateJwk('EdDSA'),
  Ed25519: () => privateJwk('Ed25519'),
  HS256: async () => ({ kty: 'oct', k: secret() }),
}

/**
 * Prints a new secret: 32 random bytes as 43 base64url characters, alone on its line so that a script can take it. With
 * `--jwk` a private key for access tokens, a JWK alone on its line, so that a file of several is made with `>>`.
 */
export async function keygen(args: string[], terminal: Terminal): Promise<number> {
  const options = readOptions(args)
  if (typeof options === 'string') {
    terminal.error(`latchkey keygen: ${options}`)
    return 2
  }
  if (!options.jwk) {
    terminal.out(secret())
    return 0
  }
  const jwk = await options.make()
  const kid = await calculateJwkThumbprint(jwk)
  terminal.out(JSON.stringify({ ...jwk, use: 'sig', alg: options.alg, kid, ...options.times }))
  return 0
}

type Options = { jwk: false } | { jwk: true; alg: string; make: () => Promise<JWK>; times: Record<string, string> }

/** The options, or what is wrong with them. */
function readOptions(args: string[]): Options | string {
  try {
    const text = { type: 'string' } as const
    const { values } = parseArgs({ args, options: { jwk: { type: 'boolean' }, alg: text, from: text, until: text } })
    const { jwk = false, alg = 'ES256', from, until } = values
    if (!jwk && Object.keys(values).length > 0) return '--alg, --from and --until are for --jwk.'
    if (!jwk) return { jwk }
    const make = Object.hasOwn(algorithms, alg) ? algorithms[alg] : undefined
    if (!make) return `--alg ${alg} is none of ${Object.keys(algorithms).join(', ')}.`
    const times = { ...time('from', from), ...time('until', until) }
    const [begin = '', end = '9999'] = [times['latchkey:from'], times['latchkey:until']]
    return begin < end ? { jwk, alg, make, times } : '--until is not after --from.'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** A time as a JWK of ours holds it: the option is a time in UTC, or a length of time from now on. Throws when it is neither. */
function time(option: 'from' | 'until', value: string | undefined): Record<string, string> {
  if (value === undefined) return {}
  const at = readInstant(option, value, 'from now on')
  return { [`latchkey:${option}`]: `${new Date(at).toISOString().slice(0, 19)}Z` }
}

async function privateJwk(alg: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return exportJWK(privateKey)
}

function secret(): string {
  return randomBytes(32).toString('base64url')
}
