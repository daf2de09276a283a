import { createHmac, type KeyObject } from 'node:crypto'
import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { UsageError } from '../errors.ts'
import type { Agents } from './agents.ts'

/** How much of people's addresses and programs the watch writes down. It holds for everything that it stores or sends. */
export interface PrivacyOptions {
  /**
   * `full` (default): as they are. `truncated`: the network only, `192.0.2.0/24` and `2001:db8:1::/48`. `hashed`: `h:` and a
   * keyed hash, so that the same address is known again and nobody without the server's secret can try all addresses; another
   * secret makes other hashes. `off`: nothing.
   */
  readonly addresses?: 'full' | 'truncated' | 'hashed' | 'off'
  /** `full` (default): the header, at most 256 characters. `family`: like `Chrome on Windows`. `off`: nothing. */
  readonly userAgents?: 'full' | 'family' | 'off'
}

/** What may be written down of an address and a user agent. Pure, and never throws. */
export interface Privacy {
  /** `null` for what is unknown, is no IP address, or must not be written down. */
  address(text: string | null): string | null
  /** `null` for what is unknown or must not be written down. */
  userAgent(text: string | null): string | null
}

/** Reads the options; `key` makes the hashes. Throws a `UsageError` for a choice that there is not: a typing error must not store more. */
export function createPrivacy(options: PrivacyOptions | undefined, key: KeyObject, agents: Agents): Privacy {
  const { addresses = 'full', userAgents = 'full' } = options ?? {}
  return {
    address: known(addresses, 'addresses', {
      full: text => text,
      truncated: networkOf,
      hashed: text => hashOf(key, text),
      off: () => null,
    }),
    userAgent: known(userAgents, 'userAgents', {
      full: text => text.slice(0, mostAgent),
      family: text => familyOf(agents, text),
      off: () => null,
    }),
  }
}

type Rewrite = (text: string | null) => string | null

const mostAgent = 256

function known<Choice extends string>(
  choice: Choice,
  option: string,
  choices: Record<Choice, (text: string) => string | null>,
): Rewrite {
  if (!Object.hasOwn(choices, choice)) {
    const names = Object.keys(choices).map(name => `'${name}'`)
    throw new UsageError(`privacy.${option} is ${JSON.stringify(choice)}: write one of ${names.join(', ')}.`)
  }
  const rewrite = choices[choice]
  return text => (text === null || text === '' ? null : rewrite(text))
}

/** The /24 of an IPv4 address, the /48 of an IPv6 address: what a provider gives to one customer or a few. */
function networkOf(address: string): string | null {
  const mapped = /^::ffff:([0-9.]+)$/i.exec(address)?.[1] ?? address
  if (isIPv4(mapped)) return `${mapped.slice(0, mapped.lastIndexOf('.'))}.0/24`
  if (!isIPv6(address)) return null
  const network = `${firstGroups(address).join(':')}::`
  return `${new SocketAddress({ address: network, family: 'ipv6' }).address}/48`
}

/** The first three of the eight groups of an IPv6 address, in any of its spellings. */
function firstGroups(address: string): string[] {
  // An IPv4 address at the end stands for two groups; which ones does not matter, they are not among the first.
  const [head = '', tail] = address
    .replace(/%.*/, '')
    .replace(/[0-9.]*\.[0-9.]*$/, '0:0')
    .split('::')
  const [before, after] = [head, tail ?? ''].map(part => (part === '' ? [] : part.split(':')))
  const zeros = 8 - (before?.length ?? 0) - (after?.length ?? 0)
  return [...(before ?? []), ...Array<string>(tail === undefined ? 0 : zeros).fill('0'), ...(after ?? [])].slice(0, 3)
}

/** 16 bytes: enough that no two addresses of a site meet. The key, because all IPv4 addresses are tried in minutes. */
function hashOf(key: KeyObject, address: string): string {
  const mac = createHmac('sha256', key).update(`latchkey address v1\n${address}`).digest()
  return `h:${mac.subarray(0, 16).toString('base64url')}`
}

function familyOf(agents: Agents, userAgent: string): string {
  const { browser, os } = agents.read(userAgent)
  return [browser, os].filter(name => name !== null).join(' on ') || 'unknown'
}
