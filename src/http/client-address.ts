/**
 * Who is really at the other end: address, encryption and host of the client, behind proxies that are trusted by name.
 *
 * Everything in `X-Forwarded-*` that a trusted proxy did not write was written by the client, so nothing is believed
 * without explicit trust (ASVS 4.1.3), and what is unclear is `null`, never a guess. `Forwarded` (RFC 7239) is always
 * ignored: the common proxies write `X-Forwarded-For` and pass a client's `Forwarded` on untouched, so that reading both
 * would let the client choose which one counts.
 */
import { BlockList, isIP, SocketAddress } from 'node:net'
import { UsageError } from '../errors.ts'

/** Request headers as Node gives them: lower-case names. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * Which proxies in front of this server are believed.
 *
 * - `false`: none. The socket is the client, forwarding headers are ignored.
 * - a number, 1–32: exactly so many proxies, whatever their addresses. Anybody who reaches this server past them can
 *   pretend to be anyone, so close its port to others. The only choice behind a Unix socket.
 * - a list of addresses and CIDR ranges, for example `['10.0.0.0/8', '::1']`: proxies at these addresses, any number.
 *
 * The outermost proxy must set (not pass on) `X-Forwarded-For`, `X-Forwarded-Proto` and, if used, `X-Forwarded-Host`.
 */
export type TrustProxy = false | number | readonly string[]

/** What is known about the client's end of a connection. */
export interface ClientConnection {
  /** IPv4 or IPv6 address in its canonical spelling, without port, brackets or zone; `null` when unknown. */
  readonly address: string | null
  /** Whether the client speaks HTTPS. `false` when a trusted proxy's answer is unreadable. */
  readonly encrypted: boolean
  /** Host and optional port that the client asked for, or `null` when absent or malformed. Clients can choose it. */
  readonly host: string | null
}

/**
 * Reads the client's connection off one request: `remoteAddress` and `encrypted` of the socket, and the headers.
 * Never throws; the work is bounded whatever the headers hold.
 */
export type ReadConnection = (
  remoteAddress: string | undefined,
  headers: RequestHeaders,
  encrypted: boolean,
) => ClientConnection

const maxProxies = 32
// 32 IPv6 addresses fit. Of a longer header only the end is read, which is the part that our own proxies wrote.
const maxForwardedLength = 2048

/** Checks `trustProxy` and returns the reader for it. Throws `UsageError` that says what to write instead. */
export function clientAddress(trustProxy: TrustProxy): ReadConnection {
  const trust =
    trustProxy === false
      ? trustNobody
      : typeof trustProxy === 'number'
        ? trustCount(trustProxy)
        : trustRanges(trustProxy)
  return (remoteAddress, headers, encrypted) => new TracedConnection(trust, remoteAddress, headers, encrypted)
}

/** A request's connection. Nearly every request only needs to know whether it is HTTPS; the rest is read for those that ask. */
class TracedConnection implements ClientConnection {
  readonly encrypted: boolean
  readonly #trust: Trust
  readonly #peer: string | undefined
  readonly #headers: RequestHeaders

  constructor(trust: Trust, peer: string | undefined, headers: RequestHeaders, encrypted: boolean) {
    this.#trust = trust
    this.#peer = peer
    this.#headers = headers
    const proxies = trust.proxies(peer, headers)
    const scheme = proxies === 0 ? undefined : seenByOutermost(headers['x-forwarded-proto'], proxies)
    this.encrypted = scheme === undefined ? encrypted : scheme.toLowerCase() === 'https'
  }

  get address(): string | null {
    return this.#trust.address(this.#peer, this.#headers)
  }

  get host(): string | null {
    const proxies = this.#trust.proxies(this.#peer, this.#headers)
    const host = proxies === 0 ? undefined : seenByOutermost(this.#headers['x-forwarded-host'], proxies)
    return host === undefined ? hostAsked(this.#headers) : normalHost(host)
  }
}

/** From the socket's peer and the entries of `X-Forwarded-For` to the number of trusted proxies on the way and to the client. */
interface Trust {
  proxies(peer: string | undefined, headers: RequestHeaders): number
  address(peer: string | undefined, headers: RequestHeaders): string | null
}

const trustNobody: Trust = { proxies: () => 0, address: peerAddress }

function trustCount(count: number): Trust {
  if (!Number.isInteger(count) || count < 1 || count > maxProxies) {
    throw new UsageError(
      `trustProxy: ${count} is not a number of proxies. Write how many proxies stand in front of this server, 1 to ` +
        `${maxProxies}, or false when there is none.`,
    )
  }
  // Each proxy appends the address it was called from, so the outermost one wrote the count-th entry. With fewer
  // entries the request did not come through all of them, and nobody vouches for any address.
  return {
    proxies: () => count,
    address: (_peer, headers) => entryAddress(nearestFirst(headers['x-forwarded-for'])[count - 1]),
  }
}

function trustRanges(ranges: readonly string[]): Trust {
  const isTrusted = trustedRanges(ranges)
  const trace = (socketPeer: string | undefined, headers: RequestHeaders) => {
    const peer = peerAddress(socketPeer)
    if (peer === null || !isTrusted(peer)) return { address: peer, proxies: 0 }
    let address: string | null = peer
    let proxies = 1
    // The peer wrote the first entry; every trusted address among the entries wrote the next one.
    for (const [index, entry] of nearestFirst(headers['x-forwarded-for']).entries()) {
      address = entryAddress(entry)
      proxies = index + 1
      if (address === null || !isTrusted(address)) break
    }
    return { address, proxies }
  }
  return {
    proxies: (peer, headers) => trace(peer, headers).proxies,
    address: (peer, headers) => trace(peer, headers).address,
  }
}

const rangeShape = /^([0-9a-fA-F:.]+)(?:\/([0-9]{1,3}))?$/

function trustedRanges(ranges: readonly string[]): (address: string) => boolean {
  if (!Array.isArray(ranges) || ranges.length === 0) {
    throw new UsageError(
      "trustProxy must be false, a number of proxies, or a list of their addresses such as ['10.0.0.0/8', '::1']. " +
        'There is no "trust everybody", because then every client chooses its own address.',
    )
  }
  const list = new BlockList()
  for (const range of ranges) {
    const [, address = '', prefix] = rangeShape.exec(String(range)) ?? []
    const family = isIP(address)
    const bits = family === 4 ? 32 : 128
    const length = prefix === undefined ? bits : Number(prefix)
    if (family === 0 || length < 1 || length > bits) {
      throw new UsageError(
        `trustProxy: '${range}' is not an address or a CIDR range such as '10.0.0.0/8', 'fd00::/8' or '127.0.0.1' ` +
          '(a prefix length of 0 would trust everybody).',
      )
    }
    if (family === 6 && isIP(entryAddress(address) ?? '') === 4) {
      throw new UsageError(`trustProxy: write '${range}' as a plain IPv4 address or range.`)
    }
    list.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6')
  }
  return address => list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
}

/** The entries of a list header from right to left, that is from our nearest proxy towards the client. */
function nearestFirst(header: string | readonly string[] | undefined): string[] {
  const text = typeof header === 'string' ? header : (header?.join(',') ?? '')
  if (text === '') return []
  const entries = text.slice(-maxForwardedLength).split(',')
  // The cut may have gone through an entry and left something that looks like another address.
  if (text.length > maxForwardedLength) entries[0] = ''
  return entries.reverse()
}

/**
 * What the outermost trusted proxy wrote into a header. One value was set by it and left alone since; of several, each
 * proxy appended one. `undefined` when there is no such header, `''` when there are too few values.
 */
function seenByOutermost(header: string | readonly string[] | undefined, proxies: number): string | undefined {
  // Nearly always: one value, put there by the one proxy.
  if (typeof header === 'string' && header !== '' && header.length < maxForwardedLength && !header.includes(','))
    return header.trim()
  const values = nearestFirst(header)
  if (values.length === 0) return undefined
  return (values.length === 1 ? values[0] : values[proxies - 1])?.trim() ?? ''
}

// `1.2.3.4:567`, `[::1]` and `[::1]:567`, as Azure and IIS write them.
const addressWithPort = /^(?:([0-9.]+):[0-9]{1,5}|\[([^\]]*:[^\]]*)\](?::[0-9]{1,5})?)$/
const maxAddressLength = 64

function entryAddress(entry: string | undefined): string | null {
  if (entry === undefined || entry.length > maxAddressLength) return null
  const text = entry.trim()
  const parts = addressWithPort.exec(text)
  const address = peerAddress(parts === null ? text : (parts[1] ?? parts[2]))
  if (address === null || isIP(address) === 4) return address
  // A proxy may write an IPv6 address in any of its spellings; one client must not look like several.
  return withoutMapping(new SocketAddress({ address, family: 'ipv6' }).address)
}

/** The socket's peer: without zone, and IPv4 in IPv6 as plain IPv4. The kernel's spelling is already canonical. */
function peerAddress(text: string | undefined): string | null {
  if (text === undefined) return null
  const address = withoutMapping(text)
  if (isIP(address) === 0) return null
  const zone = address.indexOf('%')
  return zone === -1 ? address : address.slice(0, zone)
}

const mapping = '::ffff:'

/** Sockets that listen on both families call the client 1.2.3.4 `::ffff:1.2.3.4`. */
function withoutMapping(address: string): string {
  const isMapped =
    address.startsWith(mapping) && address.lastIndexOf(':') === mapping.length - 1 && address.includes('.')
  return isMapped ? address.slice(mapping.length) : address
}

/** Source of a pattern for a host without port, as in `Host` and `Origin`: dotted name, IPv4, or IPv6 in brackets. */
export const hostPattern: string = '[A-Za-z0-9_-]+(?:\\.[A-Za-z0-9_-]+)*\\.?|\\[[0-9A-Fa-f:.]+\\]'

const hostAndPort = new RegExp(`^(?:${hostPattern})(?::[0-9]{1,5})?$`)
const maxHostLength = 300

function hostAsked(headers: RequestHeaders): string | null {
  // HTTP/2 has `:authority` instead.
  const host = headers.host ?? headers[':authority']
  return typeof host === 'string' ? normalHost(host) : null
}

function normalHost(host: string): string | null {
  return host.length <= maxHostLength && hostAndPort.test(host) ? host.toLowerCase() : null
}
