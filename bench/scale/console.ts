/**
 * What an administrator's console asks of a store with a million sessions, how long that takes, and how long somebody waits in
 * front of it, in Chromium:
 * `node --conditions=latchkey-source --no-warnings bench/scale/console.ts [--sessions N] [--only sqlite,postgres,redis]`
 */
import { randomFillSync, randomInt } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { createSessions, type Sessions, type StoredRecord } from 'latchkey'
import { sampleRecord } from 'latchkey/testing'
import { encodeBody } from '../../src/session/body.ts'
import { type MeasuredPage, measurePage } from './console-page.ts'
import { openPlace, type Place, type PlaceName, placeNames } from './places.ts'

const hourMs = 3_600_000
const sessionsPerUser = 3
/** How often each question is asked after the first time. */
const repeats = 9

/** How long one question took. */
type Asked = {
  /** For the first time; only the page was there before. */
  firstMs: number
  medianMs: number
  slowestMs: number
  /** The longest time in which this process did nothing else. */
  stallMs: number
  /** Something of the answer, for the reader. */
  answer: unknown
}

type MeasuredConsole = {
  place: PlaceName
  version: string
  sessions: number
  /** Of the machine, while it was measured: other work disturbs. */
  load: number
  /** Count, census and first page, one after the other, for the first time. */
  firstViewMs: number
  asked: Record<string, Asked>
  /** In a browser, right after the store was filled; `null` where there is none. */
  page: MeasuredPage | null
}

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '1000000' },
    only: { type: 'string', default: 'sqlite,postgres,redis' },
  },
})
const sessions = Number(values.sessions)
const measured: MeasuredConsole[] = []
for (const name of values.only.split(',').map(placeOf)) {
  measured.push(await measure(name))
  save()
}
process.exit(0)

async function measure(name: PlaceName): Promise<MeasuredConsole> {
  const place = await openPlace(name, sessions)
  try {
    const userIds = await fill(place)
    await place.settle()
    const manager = createSessions({
      store: place.store,
      secrets: [randomText(48)],
      policy: { idleTimeout: '12h', absoluteTimeout: '12h' },
      environment: 'development',
      insecureHttp: true,
      sweepEvery: false,
    })
    const page = await measurePage(manager, userIds)
    const asked = await askAll(manager, userIds)
    const firstViewMs = ['count', 'census', 'first page'].reduce((sum, name) => sum + (asked[name]?.firstMs ?? 0), 0)
    console.log(name, `first view ${firstViewMs.toFixed(0)} ms`)
    return { place: name, version: place.version, sessions, load: loadavg()[0] ?? 0, firstViewMs, asked, page }
  } finally {
    await place.stop()
  }
}

async function askAll(manager: Sessions, userIds: readonly string[]): Promise<Record<string, Asked>> {
  const user = () => userIds[randomInt(userIds.length)] ?? ''
  const questions: [name: string, ask: () => Promise<unknown>][] = [
    ['count', () => manager.count()],
    ['census', () => manager.census()],
    ['first page', async () => (await manager.search({ limit: 50 })).sessions.length],
    ['sessions of a user', async () => (await manager.search({ userId: user() })).sessions.length],
    ['a text that many have: first answer', async () => shown(await manager.search({ text: 'firefox' }))],
    ['a text that one has: first answer', async () => shown(await manager.search({ text: user().slice(1) }))],
  ]
  const asked: Record<string, Asked> = {}
  // All for the first time before any for the second: a console that was just opened.
  for (const [name, ask] of questions) asked[name] = { ...(await time(ask)), medianMs: 0, slowestMs: 0 }
  for (const [name, ask] of questions) {
    const times: number[] = []
    for (let i = 0; i < repeats; i += 1) times.push((await time(ask)).firstMs)
    times.sort((a, b) => a - b)
    Object.assign(asked[name] ?? {}, { medianMs: times[repeats >> 1], slowestMs: times.at(-1) })
    console.log(name, asked[name])
  }
  return asked
}

async function time(ask: () => Promise<unknown>): Promise<{ firstMs: number; stallMs: number; answer: unknown }> {
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  await new Promise(resume => setTimeout(resume, 20))
  loop.reset()
  const began = performance.now()
  const answer = await ask()
  const firstMs = performance.now() - began
  await new Promise(resume => setTimeout(resume, 20))
  loop.disable()
  return { firstMs, stallMs: Math.max(0, loop.max / 1e6 - 1), answer }
}

function shown({ sessions, examined, next }: { sessions: readonly unknown[]; examined: number; next: string | null }) {
  return { found: sessions.length, examined, isMore: next !== null }
}

/** Creates the sessions, through the store or in large statements where it takes them, and answers with some of the users. */
async function fill({ store, atOnce, insert }: Place): Promise<string[]> {
  const now = Date.now()
  const known: string[] = []
  let next = 0
  const newRecord = () => {
    const record = recordOf(next, now)
    if (next % Math.ceil(sessions / 100) === 0) known.push(record.userId ?? '')
    next += 1
    if (next % (sessions / 10) === 0) console.log(store.name, next)
    return record
  }
  const work = async () => {
    while (next < sessions) {
      const { outcome } = await store.create(newRecord(), { now })
      if (outcome !== 'created') throw new Error(`create answered ${outcome}`)
    }
  }
  if (insert) {
    while (next < sessions) await insert(Array.from({ length: Math.min(5_000, sessions - next) }, newRecord))
  } else {
    await Promise.all(Array.from({ length: atOnce }, work))
  }
  return known
}

function recordOf(index: number, now: number): StoredRecord {
  const users = Math.ceil(sessions / sessionsPerUser)
  const createdAt = now - Math.floor(((sessions - index) / sessions) * hourMs)
  return sampleRecord({
    userId: `u${randomInt(users).toString(36)}@example.org`,
    createdAt,
    lastSeenAt: createdAt,
    expiresAt: now + 12 * hourMs,
    body: body(createdAt),
  })
}

/** What the engine writes of a session: one in five at level 2, one in ten of a program, one in four from Firefox. */
function body(at: number): string {
  const proofs = [
    { method: 'pwd', at, aal: 1 as const },
    ...(randomInt(5) === 0 ? [{ method: 'otp', at, aal: 2 as const }] : []),
  ]
  const browser =
    randomInt(4) === 0
      ? 'Gecko/20100101 Firefox/145.0'
      : 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36'
  return encodeBody({
    proofs,
    pending: null,
    challenges: [],
    persistent: false,
    bearer: randomInt(10) === 0 ? { clientId: 'mobile', keyThumbprint: null } : null,
    client: { address: `203.0.113.${randomInt(256)}`, userAgent: `Mozilla/5.0 (X11; Linux x86_64) ${browser}` },
    secret: { hash: randomText(43), keyId: 'k1a2b3', issuedAt: at },
    retired: [],
    data: randomText(200),
  })
}

function randomText(length: number): string {
  return randomFillSync(Buffer.alloc(length)).toString('base64url').slice(0, length)
}

function placeOf(name: string): PlaceName {
  const found = placeNames.find(known => known === name)
  if (!found) throw new Error(`--only ${name}: there are ${placeNames.join(', ')}.`)
  return found
}

/** A million in a store is published, and takes the place of what was measured of that store on the same day; fewer is raw. */
function save(): void {
  const date = new Date().toISOString()
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  }
  const directory = join(import.meta.dirname, '../results')
  mkdirSync(join(directory, 'raw'), { recursive: true })
  const isMillion = sessions >= 1_000_000
  const file = join(
    directory,
    isMillion ? `console-${date.slice(0, 10)}.json` : `raw/console-${date.replaceAll(':', '-')}.json`,
  )
  const before: { notes?: string[]; measured: MeasuredConsole[] } = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { measured: [] }
  const others = before.measured.filter(({ place }) => !measured.some(one => one.place === place))
  const results = { date, machine, notes: before.notes, measured: [...others, ...measured] }
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`)
  console.log(`The numbers: ${file}`)
}
