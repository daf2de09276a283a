import { isIPv6 } from 'node:net'

/**
 * The network place of an address, as far as it tells people apart: an IPv4 address, or the /64 that an IPv6 customer
 * gets as a whole. A guesser with IPv6 would otherwise have 18 trillion million addresses to count from zero.
 */
export function placeOf(address: string | null | undefined): string {
  if (!address) return 'unknown'
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1]) return mapped[1]
  const [bare = address] = address.split('%')
  if (!isIPv6(bare)) return address
  // The URL parser writes any spelling of an address in its one canonical form.
  const canonical = new URL(`http://[${bare}]`).hostname.slice(1, -1)
  const [head = '', tail = ''] = canonical.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === '' ? [] : tail.split(':')
  const groups = canonical.includes('::')
    ? [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
    : before
  return `${groups.slice(0, 4).join(':')}::/64`
}
