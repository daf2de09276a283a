/**
 * Writes databases in MaxMind's format (https://maxmind.github.io/MaxMind-DB/): a binary search tree over the bits of addresses, and the
 * data it leads to. For tests that read with the real reader.
 */
import { isIPv4, SocketAddress } from 'node:net'

/** What a database can say; whole numbers are written as uint32. */
export type MmdbValue = string | number | boolean | readonly MmdbValue[] | { readonly [name: string]: MmdbValue }

/** A database of these networks, such as `192.0.2.0/24`; they must not overlap. */
export function writeMmdb(type: string, networks: Readonly<Record<string, MmdbValue>>): Buffer {
  const data: Buffer[] = []
  let dataLength = 0
  // A branch leads to a node, to a place in the data, or nowhere.
  type Branch = { readonly node: number } | { readonly data: number } | null
  const nodes: [Branch, Branch][] = [[null, null]]
  for (const [network, value] of Object.entries(networks)) {
    const bits = bitsOf(network)
    let node = 0
    for (const [depth, bit] of bits.entries()) {
      const pair = nodes[node] ?? [null, null]
      if (depth === bits.length - 1) pair[bit] = { data: dataLength }
      else {
        const next = pair[bit]
        if (next && 'node' in next) node = next.node
        else {
          pair[bit] = { node: nodes.length }
          node = nodes.length
          nodes.push([null, null])
        }
      }
    }
    const encoded = encode(value)
    data.push(encoded)
    dataLength += encoded.length
  }

  const tree = Buffer.alloc(nodes.length * 8)
  const separator = 16
  const record = (branch: Branch) =>
    branch === null ? nodes.length : 'node' in branch ? branch.node : nodes.length + separator + branch.data
  for (const [index, [zero, one]] of nodes.entries()) {
    tree.writeUInt32BE(record(zero), index * 8)
    tree.writeUInt32BE(record(one), index * 8 + 4)
  }
  const metadata = encode({
    ...{ node_count: nodes.length, record_size: 32, ip_version: 6, database_type: type, languages: ['en'] },
    ...{ binary_format_major_version: 2, binary_format_minor_version: 0, build_epoch: 1_893_456_000 },
    description: { en: 'for tests' },
  })
  const marker = Buffer.concat([Buffer.from('abcdef', 'hex'), Buffer.from('MaxMind.com')])
  return Buffer.concat([tree, Buffer.alloc(separator), ...data, marker, metadata])
}

/** The bits of a network, as of IPv6; IPv4 lies at `::/96`. */
function bitsOf(network: string): (0 | 1)[] {
  const [address = '', length = ''] = network.split('/')
  const bytes = isIPv4(address) ? [...Array<number>(12).fill(0), ...address.split('.').map(Number)] : ipv6Bytes(address)
  const bits = bytes.flatMap(byte => Array.from({ length: 8 }, (_, index) => ((byte >> (7 - index)) & 1) as 0 | 1))
  return bits.slice(0, Number(length) + (isIPv4(address) ? 96 : 0))
}

function ipv6Bytes(address: string): number[] {
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address
  const [left = '', right] = canonical.split('::')
  const groups = (text: string | undefined) => (text ? text.split(':').map(group => Number.parseInt(group, 16)) : [])
  const missing = 8 - groups(left).length - groups(right).length
  const all =
    right === undefined ? groups(left) : [...groups(left), ...Array<number>(missing).fill(0), ...groups(right)]
  return all.flatMap(group => [group >> 8, group & 255])
}

function encode(value: MmdbValue): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)])
  if (typeof value === 'boolean') return control(14, value ? 1 : 0)
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return Buffer.concat([control(6, 4), bytes])
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleBE(value)
    return Buffer.concat([control(3, 8), bytes])
  }
  if (isList(value)) return Buffer.concat([control(11, value.length), ...value.map(encode)])
  const entries = Object.entries(value)
  return Buffer.concat([control(7, entries.length), ...entries.flatMap(entry => entry.map(encode))])
}

function isList(value: MmdbValue): value is readonly MmdbValue[] {
  return Array.isArray(value)
}

/** Type and size; types above 7 stand in a byte of their own, sizes from 29 on as well. */
function control(type: number, size: number): Buffer {
  if (size > 284) throw new Error('longer than tests need')
  const short = Math.min(size, 29)
  return Buffer.from([
    type > 7 ? short : (type << 5) | short,
    ...(type > 7 ? [type - 7] : []),
    ...(size >= 29 ? [size - 29] : []),
  ])
}
