import { randomBytes, randomInt } from 'node:crypto'
import type { AuditEntry, AuditType, SeriesName, WatchStore } from 'latchkey/watch'

const minuteMs = 60_000
const minutesOfADay = 24 * 60
const atOnce = 1_000

/** So many entries of the last day are in the trail before the console is opened. */
export const entriesBefore = 100_000

/** What happens at a site, and how often. */
const life: readonly (readonly [AuditType, AuditEntry['detail'], share: number])[] = [
  ['session.rotated', {}, 13],
  ['session.signed-in', { amr: ['pwd'], aal: 1, from: null }, 2],
  ['session.ended', { reason: 'signed-out' }, 2],
  ['session.created', {}, 2],
  ['sign-in.failed', { account: 'h:0123456789abcdef' }, 1],
]
const types = life.flatMap(([type, detail, share]) => Array.from({ length: share }, () => ({ type, detail })))

/** About how much is counted in a minute. */
const rates: Readonly<Record<SeriesName, number>> = {
  ...{ 'sessions.active': 1_000_000, 'sign-ins': 700, 'sign-ins.failed': 60, 'sessions.ended': 650 },
  ...{ 'requests.refused': 12, 'tokens.refused': 4, alerts: 1 },
}

/** Gives a watch a day to look back on: its trail, every minute of its charts, some alerts. Nobody's chain, so it would not verify. */
export async function fillWatch(store: WatchStore, now: number): Promise<void> {
  const chain = randomBytes(16).toString('base64url')
  for (let from = 0; from < entriesBefore; from += atOnce) {
    await store.append(Array.from({ length: atOnce }, (_, n) => entryOf(chain, from + n, now)))
  }
  const thisMinute = Math.floor(now / minuteMs)
  const points = Array.from({ length: minutesOfADay }, (_, ago) =>
    Object.entries(rates).map(([name, rate]) => {
      return { name, minute: thisMinute - ago, value: Math.round(rate * (0.8 + randomInt(400) / 1_000)) }
    }),
  ).flat()
  for (let from = 0; from < points.length; from += atOnce) await store.put(points.slice(from, from + atOnce))
  for (let n = 0; n < 20; n += 1) {
    const [id, userId] = [randomBytes(16).toString('base64url'), `u${n}@example.org`]
    const alert = { ...{ id, fingerprint: id, userId }, detector: 'password-spraying', severity: 'alert' } as const
    await store.raise({ ...alert, at: now - n * minuteMs, sid: null, address: null, evidence: {} }, minuteMs)
  }
}

function entryOf(chain: string, index: number, now: number): AuditEntry {
  const { type, detail } = types[index % types.length] ?? { type: 'session.rotated', detail: {} }
  return {
    ...{ chain, seq: index + 1, type, detail, severity: type === 'sign-in.failed' ? 'warning' : 'info' },
    at: now - Math.floor(((entriesBefore - index) / entriesBefore) * minutesOfADay * minuteMs),
    sid: randomBytes(16).toString('base64url'),
    userId: `u${randomInt(300_000).toString(36)}@example.org`,
    address: `203.0.113.${randomInt(256)}`,
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    mac: randomBytes(32).toString('base64url'),
  }
}
