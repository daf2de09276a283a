/**
 * How many events a second the watch takes, its trail in SQLite: everything from the engine's event to the row on disk,
 * detectors included, in one process on one core. `npm run bench:watch`, pinned to a core where there is `taskset`.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createSessions, type RequestOrigin } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import { createWatch } from 'latchkey/watch'
import { sqliteWatch } from 'latchkey/watch/stores/sqlite'
// The events come from nowhere: no request could make so many of them on one core.
import { hostOf } from '../src/http/sessions.ts'

const { values } = parseArgs({
  options: { rate: { type: 'string', default: '20000' }, seconds: { type: 'string', default: '20' } },
})
const [rate, seconds] = [Number(values.rate), Number(values.seconds)]

const directory = mkdtempSync(join(tmpdir(), 'watch-speed-'))
const file = join(directory, 'watch.db')
const sessions = createSessions({
  secrets: ['Zk3vQ9yTf7Lw2Xs8Rb4Nc6Jd1Gh5PmAe'],
  store: memoryStore(),
  environment: 'development',
})
const watch = await createWatch(sessions, { store: sqliteWatch(file) })
const { events } = hostOf(sessions).host.engine

const agents = [138, 139, 140, 141, 142].map(
  version =>
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`,
)
let told = 0

/** A day at a large site: mostly life. */
const life: readonly Parameters<typeof events.emit>[3][] = [
  ...Array.from({ length: 13 }, () => ({ type: 'session.rotated' }) as const),
  ...Array.from({ length: 2 }, () => ({ type: 'session.signed-in', amr: ['pwd'], aal: 1, from: null }) as const),
  ...Array.from({ length: 2 }, () => ({ type: 'session.ended', reason: 'signed-out' }) as const),
  ...Array.from({ length: 2 }, () => ({ type: 'session.created' }) as const),
  { type: 'factor.passed', factor: 'totp' },
]

function tell(): void {
  const n = told++
  const user = n % 50_000
  const sid = `${String(user).padStart(10, 'A')}${String(n % 10).padStart(12, 'B')}`
  const origin: RequestOrigin = {
    address: `${20 + (user % 7)}.${user >> 8}.${user & 255}.7`,
    userAgent: agents[user % agents.length] ?? null,
  }
  const what = life[n % life.length]
  if (what) events.emit(sid, what.type === 'session.created' ? null : `user-${user}`, origin, what)
}

const cpuBefore = process.cpuUsage()
const began = performance.now()
let longestQueue = 0
while (performance.now() - began < seconds * 1_000) {
  const due = Math.floor(((performance.now() - began) / 1_000) * rate)
  while (told < due) tell()
  longestQueue = Math.max(longestQueue, watch.stats().queued)
  await new Promise(resume => setTimeout(resume, 1))
}
const elapsedMs = performance.now() - began
await watch.flush()
const { user, system } = process.cpuUsage(cpuBefore)
const { written, dropped, hits } = watch.stats()
const { next } = await watch.entries({ limit: 1 })
console.log({
  eventsPerSecond: Math.round((told / elapsedMs) * 1_000),
  written,
  dropped,
  cpuShare: `${(((user + system) / 1_000 / elapsedMs) * 100).toFixed(0)} % of a core`,
  cpuUsPerEvent: ((user + system) / told).toFixed(1),
  longestQueue,
  bytesPerEntry: Math.round(statSync(file).size / written),
  flushedAfterMs: Math.round(performance.now() - began - elapsedMs),
  hits,
  more: next !== null,
})
await sessions.close()
await watch.close()
rmSync(directory, { recursive: true })
