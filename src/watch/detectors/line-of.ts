import { isIPv4 } from 'node:net'

/** Mapped (RFC 4291), and translated on the way to a server that has only IPv6 (RFC 6052): a whole IPv4 Internet in one /64. */
const holdsIPv4: ReadonlySet<string> = new Set(['0:0:0:0:0:ffff', '64:ff9b:0:0:0:0'])

/**
 * The line that an address belongs to: the address, or its /64 of IPv6. A device makes up the second half of an IPv6 address by itself,
 * as often as it likes (RFC 8981), and a host that has one /64 has 2⁶⁴ addresses; phones get a /64 each (RFC 7278). All spellings
 * of an address are one. Only for what is an address, see `networkOf`.
 */
export function lineOf(address: string): string {
  const [zoneless = ''] = address.split('%', 1)
  // As the URL standard writes it: lower case, in groups, IPv4 in its mapped form.
  const { hostname } = new URL(`http://[${isIPv4(zoneless) ? '::ffff:' : ''}${zoneless}]`)
  const [head = '', tail = ''] = hostname.slice(1, -1).split('::')
  const [left, right] = [head, tail].map(part => (part === '' ? [] : part.split(':')))
  const zeros = Array<string>(8 - (left?.length ?? 0) - (right?.length ?? 0)).fill('0')
  const groups = [...(left ?? []), ...zeros, ...(right ?? [])]
  return (holdsIPv4.has(groups.slice(0, 6).join(':')) ? groups.slice(6) : groups.slice(0, 4)).join(':')
}
