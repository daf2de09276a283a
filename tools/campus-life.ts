import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createSessions } from 'latchkey'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { sqliteWatch } from 'latchkey/watch/stores/sqlite'
import { type APIRequestContext, request } from 'playwright-core'
import { placesIn } from '../app/data-directory.ts'
import { readOptions } from '../app/options.ts'
import { type RunningCampus, startCampus } from '../app/start.ts'

const minute = 60_000
const hours = 23
const stepMinutes = 5
const names = [
  'ada',
  'grace',
  'edsger',
  'barbara',
  'ken',
  'margaret',
  'tim',
  'radia',
  'donald',
  'frances',
  'alan',
  'hedy',
]
const agents = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
]
const tool = { address: '198.51.100.77', userAgent: 'python-requests/2.32.3' }

/** A Campus on which something has happened. */
export interface LivelyCampus extends RunningCampus {
  /** Its clock, epoch ms. */
  now(): number
  /** Lets time pass. */
  pass(ms: number): void
}

/**
 * Starts Campus in `data` and lets a day pass on it: people come and go, mistype, an attacker tries a list
 * of names, and a stolen cookie comes back. Everything but the length of a minute is real.
 */
export async function livelyCampus(data: string, password: string): Promise<LivelyCampus> {
  const chosen = (more: readonly string[]) => {
    const options = readOptions(['--data', data, '--port', '0', '--demo-password', password, ...more], {})
    if (options === 'help') throw new Error('no help is needed here')
    return options
  }
  let passed = -hours * 60 * minute
  const now = () => Date.now() + passed
  const surroundings = { clock: now, log: () => {}, announce: () => {} }
  // The first start makes accounts and a certificate, which Campus must be given when it trusts what a proxy says of addresses.
  await (await startCampus(chosen([]), surroundings)).stop()
  addAccounts(join(data, 'campus.db'))
  const { certificate, key } = placesIn(data)
  const proxied = ['--trust-proxy', '1', '--tls-cert', certificate, '--tls-key', key]
  const campus = await startCampus(chosen(proxied), surroundings)

  // Minutes pass too fast for the watch's own timer, so its measuring is done for it.
  const series = sqliteWatch(join(data, 'watch.db'))
  const secrets = [randomBytes(32).toString('base64url')]
  const counting = createSessions({
    ...{
      secrets,
      store: sqliteStore(join(data, 'sessions.db')),
      clock: now,
      sweepEvery: false,
      environment: 'development',
    },
  })
  const open: Browsing[] = []
  const victim = await browsing(campus.origin, '203.0.113.9', agents[0] ?? '')
  let seed = 1
  const below = (most: number) => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % most
  }
  for (let step = 0; passed < 0; step += 1) {
    const crowd = 1 + Math.round(2 * Math.sin((step / ((hours * 60) / stepMinutes)) * Math.PI))
    for (let n = below(crowd + 1); n > 0; n -= 1) {
      const name = names[below(names.length)] ?? 'ada'
      const visitor = await browsing(campus.origin, `203.0.113.${20 + below(60)}`, agents[below(agents.length)] ?? '')
      if (below(5) === 0) await visitor.signIn(name, 'correct hose')
      await visitor.signIn(name, password)
      open.push(visitor)
    }
    for (const visitor of [...open]) {
      if (below(3) === 0 || (await visitor.look())) continue
      open.splice(open.indexOf(visitor), 1)
      await visitor.leave(false)
    }
    while (open.length > 9) await open.splice(below(open.length), 1)[0]?.leave(below(3) > 0)
    if (step === 200) await tryNames(campus.origin, below)
    if (step >= 256 && !(await victim.look())) await victim.signIn('grace', password)
    if (step === 257) await victim.beCopied()
    if (step === 262) await victim.copyComesBack(campus.origin)
    await counting.sweep()
    const at = Math.floor(now() / minute)
    await series.put([{ name: 'sessions.active', minute: at, value: await counting.count() }])
    passed += stepMinutes * minute
  }
  passed = 0
  await series.close()
  await counting.close()
  for (const visitor of [...open, victim]) await visitor.leave(false)
  // What was counted is in the charts once it has stopped.
  await campus.stop()
  const again = await startCampus(chosen(proxied), surroundings)
  const pass = (ms: number) => {
    passed += ms
  }
  return { ...again, now, pass }
}

/** Accounts with the students' password, which is in the clear nowhere. */
function addAccounts(file: string): void {
  const database = new DatabaseSync(file)
  const copy = database.prepare(
    `INSERT INTO campus_users (username, password_hash, role) SELECT ?, password_hash, role FROM campus_users WHERE username = 'student123'`,
  )
  for (const name of names) copy.run(name)
  database.close()
}

/** Somebody with a browser. */
interface Browsing {
  signIn(name: string, password: string): Promise<void>
  /** Looks at a page; answers with whether it is still signed in. */
  look(): Promise<boolean>
  /** Closes the browser, after signing out or without. */
  leave(signOut: boolean): Promise<void>
  /** Somebody copies its cookies. */
  beCopied(): Promise<void>
  /** The copy is used, elsewhere. */
  copyComesBack(origin: string): Promise<void>
}

async function browsing(origin: string, address: string, userAgent: string): Promise<Browsing> {
  const always = { 'x-forwarded-for': address, 'x-forwarded-proto': 'https', 'sec-fetch-site': 'same-origin', origin }
  const client = await request.newContext({
    baseURL: origin,
    ignoreHTTPSErrors: true,
    userAgent,
    extraHTTPHeaders: always,
  })
  let copied: Awaited<ReturnType<APIRequestContext['storageState']>> | null = null
  const send = async (path: string, form: Record<string, string>) => {
    const page = await (await client.get(path)).text()
    const csrf_token = /name="csrf_token" value="([^"]+)"/.exec(page)?.[1] ?? ''
    await client.post(path, { form: { ...form, csrf_token }, maxRedirects: 0 })
  }
  return {
    signIn: (username, password) => send('/login', { username, password }),
    look: async () => new URL((await client.get('/dashboard')).url()).pathname === '/dashboard',
    async leave(signOut) {
      if (signOut) await send('/logout', {})
      await client.dispose()
    },
    async beCopied() {
      copied = await client.storageState()
    },
    async copyComesBack(origin) {
      if (copied === null) return
      const extraHTTPHeaders = { ...always, 'x-forwarded-for': tool.address }
      const thief = await request.newContext({
        ...{
          baseURL: origin,
          ignoreHTTPSErrors: true,
          userAgent: tool.userAgent,
          extraHTTPHeaders,
          storageState: copied,
        },
      })
      await thief.get('/dashboard')
      await thief.dispose()
    },
  }
}

/** A list of names and passwords from elsewhere, from one machine. */
async function tryNames(origin: string, below: (most: number) => number): Promise<void> {
  const machine = await browsing(origin, tool.address, tool.userAgent)
  for (let n = 0; n < 40; n += 1) {
    const name = n % 4 === 0 ? names[below(names.length)] : `user${1_000 + below(9_000)}`
    await machine.signIn(name ?? '', 'summer2024')
  }
  await machine.leave(false)
}
