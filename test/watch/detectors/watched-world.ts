/** A small world for detectors: two nodes over one store, a map of networks, and people with browsers. */
import { createSecretKey } from 'node:crypto'
import { testClock } from 'latchkey/testing'
import type { EventDetail, RequestOrigin, SessionEvent } from '../../../src/session/events.ts'
import { loadAgents } from '../../../src/watch/agents.ts'
import type { Detection } from '../../../src/watch/detection.ts'
import { createDetectors, type DetectorSetup, type Detectors } from '../../../src/watch/detectors/create-detectors.ts'
import type { WatchEvent } from '../../../src/watch/events.ts'
import type { Geo, Place } from '../../../src/watch/geo.ts'
import type { Windows } from '../../../src/watch/store.ts'
import { memoryWatch } from '../../../src/watch/stores/memory.ts'

const place = (asn: number, country: string, latitude: number, longitude: number, relay = false): Place => ({
  ...{ asn, country, latitude, longitude, relay },
  accuracyKm: 50,
})

/** Networks by the first two numbers of their addresses. */
const map: Readonly<Record<string, Place>> = {
  '10.1': place(64_501, 'DE', 52.5, 13.4), // home, Berlin
  '10.2': place(64_502, 'DE', 53.6, 10.0), // mobile carrier, Hamburg
  '10.3': place(64_502, 'DE', 48.1, 11.6), // the same carrier, Munich
  '10.4': place(64_504, 'DE', 52.4, 13.1), // work, Potsdam
  '10.5': place(64_505, 'US', 40.7, -74.0), // New York
  '10.6': place(64_506, 'JP', 35.7, 139.7), // Tokyo
  '10.7': place(9_009, 'US', 34.0, -118.2), // a VPN that everybody knows, Los Angeles
  '10.8': place(64_508, 'FR', 48.9, 2.4), // Paris
  '10.10': place(64_510, 'PL', 52.4, 14.6), // across the border, an hour from Berlin
  '10.9': place(64_509, 'SE', 59.3, 18.1, true), // a VPN that the database knows, Stockholm
}

/** A database that knows {@link map}. */
export const geo: Geo = {
  locate: address => map[address.split('.').slice(0, 2).join('.')] ?? null,
}

const chrome = (system: string, version: number, tail = '') =>
  `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0${tail} Safari/537.36`

/** Browsers as they introduce themselves. */
export const browsers = {
  chrome: chrome('Windows NT 10.0; Win64; x64', 126),
  chromeUpdated: chrome('Windows NT 10.0; Win64; x64', 127),
  chromeOld: chrome('Windows NT 10.0; Win64; x64', 119),
  edge: `${chrome('Windows NT 10.0; Win64; x64', 126)} Edg/126.0.0.0`,
  chromeOnLinux: chrome('X11; Linux x86_64', 126),
  chromeOnAndroid: chrome('Linux; Android 10; K', 126, ' Mobile'),
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0',
  iphone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  iphoneAsDesktop:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
  iphonePlayer: 'AppleCoreMedia/1.0.0.21F79 (iPhone; U; CPU OS 17_5 like Mac OS X; en_us)',
  curl: 'curl/8.5.0',
}

/** A session, as its uses show it. */
export interface SessionOf {
  readonly sid: string
  readonly userId: string | null
  readonly client: RequestOrigin
  readonly createdAt: number
  lastSeenAt: number
}

/** An event, as a story tells it: who and where from, only when it matters. */
export type Happening = EventDetail & Partial<Pick<SessionEvent, 'sid' | 'userId' | 'origin'>>

export const from = (address: string | null, userAgent: string | null = browsers.chrome): RequestOrigin => ({
  address,
  userAgent,
})

/** The rules that questions to a store keep (see `Windows`), whatever a client sends. */
function checked(windows: Windows): Windows {
  return {
    forgetWindows: (now, limit) => windows.forgetWindows(now, limit),
    see(sightings) {
      for (const { key, member, most, windowMs } of sightings) {
        if (key.length > 200 || member.length > 100 || member === '') throw new Error(`too long: ${key} ${member}`)
        if (!(Number.isInteger(most) && most >= 1 && most <= 256 && windowMs > 0)) throw new Error(`${key}: ${most}`)
      }
      return windows.see(sightings)
    },
    tally(counts) {
      for (const { key, by, forgetAfterMs } of counts) {
        if (key.length > 200 || !(by >= 0) || !(forgetAfterMs > 0)) throw new Error(`${key}: ${by}`)
      }
      return windows.tally(counts)
    },
  }
}

/** The world. */
export async function watchedWorld(setup: Partial<DetectorSetup> & { readonly nodes?: number } = {}) {
  const clock = testClock()
  const windows = checked(setup.windows ?? memoryWatch())
  const agents = await loadAgents()
  const found: Detection[] = []
  const alarming: Detection[] = []
  const told: WatchEvent[] = []
  const troubles: unknown[] = []
  const key = createSecretKey(Buffer.alloc(32, 7))
  const nodes: Detectors[] = Array.from({ length: setup.nodes ?? 1 }, () =>
    createDetectors({
      options: undefined,
      geo,
      agents,
      privacy: { address: text => text && `[${text}]`, userAgent: text => text },
      key,
      clock: clock.now,
      found: (detection, isTentative) => {
        found.push(detection)
        if (!isTentative) alarming.push(detection)
      },
      tell: event => told.push(event),
      trouble: error => troubles.push(error),
      ...setup,
      windows,
    }),
  )
  const node = (index = 0): Detectors => {
    const chosen = nodes[index % nodes.length]
    if (!chosen) throw new Error('there is no node')
    return chosen
  }
  const flush = async () => {
    for (const each of nodes) await each.flush()
  }
  let sessions = 0
  return {
    ...{ clock, windows, found, told, troubles, nodes, node, flush },

    /** A new session, used for the first time where it begins. */
    session(client: RequestOrigin, userId: string | null = 'ada'): SessionOf {
      sessions += 1
      const sid = Buffer.from(String(sessions).padStart(16, '.')).toString('base64url')
      return { sid, userId, client, createdAt: clock.now(), lastSeenAt: clock.now() }
    },

    /** A request uses a session. */
    async use(session: SessionOf, origin: RequestOrigin, at = 0): Promise<void> {
      const { sid, userId, client, createdAt, lastSeenAt } = session
      node(at).use({ at: clock.now(), sid, userId, client, createdAt, lastSeenAt, origin: () => origin })
      session.lastSeenAt = clock.now()
      await flush()
    },

    /** Something happens, so many times. */
    async event(happening: Happening, { times = 1, at = 0 } = {}): Promise<void> {
      const none = { at: clock.now(), sid: null, userId: null, origin: null }
      for (let i = 0; i < times; i += 1) node(at).event({ ...none, ...happening })
      await flush()
    },

    /** Which detectors found something, each once. */
    hits(): string[] {
      return [...new Set(found.map(({ detector }) => detector))].sort()
    },

    /** What was found until now is over; says how much it was. */
    forget(): number {
      alarming.length = 0
      return found.splice(0).length
    },

    /** Which of them found something that becomes an alert: about somebody whom the watch knows. */
    alarms(): string[] {
      return [...new Set(alarming.map(({ detector }) => detector))].sort()
    },
  }
}

/** A world of the tests. */
export type WatchedWorld = Awaited<ReturnType<typeof watchedWorld>>
