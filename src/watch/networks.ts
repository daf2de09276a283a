import { isIPv4, isIPv6 } from 'node:net'

/** The network that an address belongs to. */
export interface Network {
  /** IP version. */
  readonly family: 4 | 6
  /** What one customer of a provider holds, or a carrier gives out from: /24, or /48 of IPv6. For example `192.0.2.0/24`. */
  readonly near: string
  /** What one provider often holds: /16, or /32 of IPv6. */
  readonly wide: string
}

/**
 * The network of an address; `null` for what is none. An IPv4 address that is mapped into IPv6 (`::ffff:192.0.2.1`) is the IPv4
 * address, or one client would look like two. A zone (`%eth0`) belongs to no address.
 */
export function networkOf(address: string): Network | null {
  if (isIPv4(address)) {
    const [a, b, c] = address.split('.')
    return { family: 4, near: `${a}.${b}.${c}.0/24`, wide: `${a}.${b}.0.0/16` }
  }
  const [zoneless = ''] = address.split('%', 1)
  if (!isIPv6(zoneless)) return null
  const groups = groupsOf(zoneless)
  const [a = 0, b = 0, c = 0] = groups
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff) {
    const [high = 0, low = 0] = groups.slice(6)
    return networkOf([high >> 8, high & 255, low >> 8, low & 255].join('.'))
  }
  const [first, second, third] = [a, b, c].map(group => group.toString(16))
  return { family: 6, near: `${first}:${second}:${third}::/48`, wide: `${first}:${second}::/32` }
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  // The last 32 bits may be written as IPv4.
  const text = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number)
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  })
  const [head = '', tail] = text.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const middle = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array<string>(Math.max(0, middle)).fill('0'), ...right].map(group => Number.parseInt(group, 16))
}
