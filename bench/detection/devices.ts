import type { Random } from './random.ts'

/** A browser on a device; it updates itself every few weeks. */
export interface Device {
  readonly kind: 'phone' | 'laptop'
  /** What it sends as `User-Agent` on this day of the simulation. */
  userAgent(day: number): string
}

/** Browsers in the proportion in which people have them, and how old their version is on day 0. */
const laptops = [
  [chromeOn('Windows NT 10.0; Win64; x64'), 45],
  [edge, 14],
  [firefoxOn('Windows NT 10.0; Win64; x64; rv'), 8],
  [safariOnMac, 14],
  [chromeOn('Macintosh; Intel Mac OS X 10_15_7'), 12],
  [firefoxOn('X11; Linux x86_64; rv'), 7],
] as const
const phones = [
  [iPhone, 40],
  [chromeOnAndroid, 55],
  [samsung, 5],
] as const

/** A device that somebody has. */
export function newDevice(kind: Device['kind'], random: Random): Device {
  const agent = random.weighted<(version: number) => string>(kind === 'phone' ? phones : laptops)
  // People restart their browsers on different days.
  const lag = random.int(28)
  return { kind, userAgent: day => agent(Math.floor((day + lag) / 28)) }
}

/** What programs of attackers send that do not bother to look like a browser, or do so badly. */
export const toolAgents = ['python-requests/2.32.3', 'Go-http-client/2.0', 'curl/8.11.0'] as const

function chromeOn(system: string) {
  return (version: number) =>
    `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${140 + version}.0.0.0 Safari/537.36`
}

function firefoxOn(system: string) {
  return (version: number) => `Mozilla/5.0 (${system}:${143 + version}.0) Gecko/20100101 Firefox/${143 + version}.0`
}

function edge(version: number): string {
  return `${chromeOn('Windows NT 10.0; Win64; x64')(version)} Edg/${140 + version}.0.0.0`
}

function safariOnMac(version: number): string {
  return `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.${version} Safari/605.1.15`
}

function iPhone(version: number): string {
  return `Mozilla/5.0 (iPhone; CPU iPhone OS 18_${version} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.${version} Mobile/15E148 Safari/604.1`
}

function chromeOnAndroid(version: number): string {
  return `Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${140 + version}.0.0.0 Mobile Safari/537.36`
}

function samsung(version: number): string {
  return `Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/${28 + version}.0 Chrome/130.0.0.0 Mobile Safari/537.36`
}
