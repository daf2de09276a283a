/**
 * A process of its own that tries one code many times at once, says how often it passed, and dies without a goodbye.
 * Its orders come as JSON in its first argument.
 */
import { createSessions } from 'latchkey'
import { createFactors } from 'latchkey/mfa'
import { sqliteFactors } from 'latchkey/mfa/stores/sqlite'
import { memoryStore } from 'latchkey/stores/memory'

/** What such a process is told. */
export interface Orders {
  readonly file: string
  readonly secret: string
  readonly now: number
  readonly code: string
  readonly times: number
}

const orders: Orders = JSON.parse(process.argv[2] ?? '')
const sessions = createSessions({
  secrets: [orders.secret],
  store: memoryStore(),
  environment: 'development',
  clock: () => orders.now,
})
const store = sqliteFactors(orders.file, { lockTimeout: '30s' })
const factors = createFactors(sessions, { store, issuer: 'Campus', storeTimeout: '60s' })

// All begin together: the first line that comes in is the start.
process.stdout.write('ready\n')
await new Promise(resolve => process.stdin.once('data', resolve))
const attempt = { userId: 'ada', device: null }
const answers = await Promise.all(Array.from({ length: orders.times }, () => factors.checkCode(attempt, orders.code)))
const passed = answers.filter(({ outcome }) => outcome === 'passed').length
process.stdout.write(`${passed}\n`, () => process.kill(process.pid, 'SIGKILL'))
