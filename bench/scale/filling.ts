import { hash, randomFillSync, randomInt } from 'node:crypto'
import type { SessionStore, StoredRecord } from 'latchkey'
import { sampleRecord } from 'latchkey/testing'

/** When all sessions were created. */
export const startAt: number = Date.UTC(2030, 0, 1)
const hourMs = 3_600_000
/** By now the tenth with the shorter life has expired, and nobody else. */
export const tenthExpiredAt: number = startAt + 2 * hourMs

const sessionsPerUser = 3
/** The one user with this many. */
export const crowd = { userId: 'a user with a thousand sessions', size: 1_000 }

const sidBytes = 16

/** The sids of a store, outside of the heap that is measured. A sid comes out as a fresh text, as it does of a token. */
export class Sids {
  readonly count: number
  readonly #bytes: Buffer

  constructor(count: number) {
    this.count = count
    this.#bytes = Buffer.alloc(count * sidBytes)
  }

  set(index: number, sid: string): void {
    this.#bytes.write(sid, index * sidBytes, 'base64url')
  }

  at(index: number): string {
    return this.#bytes.toString('base64url', index * sidBytes, (index + 1) * sidBytes)
  }

  random(): string {
    return this.at(Math.floor(Math.random() * this.count))
  }
}

/** Whether the session with this number expires before the others do: every tenth, but none of the crowd. */
export function expiresEarly(index: number): boolean {
  return index >= crowd.size && index % 10 === 0
}

/** Creates the sessions through the store, some at a time, and answers with how many seconds it took. */
export async function fill(
  store: SessionStore,
  sids: Sids,
  { atOnce, progress }: { atOnce: number; progress: (created: number, perSecond: number) => void },
): Promise<number> {
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1_000
  const step = Math.ceil(sids.count / 10)
  let next = 0
  let created = 0
  const work = async () => {
    while (next < sids.count) {
      const index = next
      next += 1
      const record = recordOf(index, Math.ceil(sids.count / sessionsPerUser))
      const { outcome } = await store.create(record, { now: startAt })
      if (outcome !== 'created') throw new Error(`${store.name}: create answered ${outcome}`)
      sids.set(index, record.sid)
      created += 1
      if (created % step === 0) progress(created, created / seconds())
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return seconds()
}

function recordOf(index: number, users: number): StoredRecord {
  const userId = index < crowd.size ? crowd.userId : hash('md5', `user ${randomInt(users)}`)
  const life = (expiresEarly(index) ? 1 : 8) * hourMs + randomInt(hourMs)
  return sampleRecord({
    userId,
    createdAt: startAt,
    lastSeenAt: startAt,
    expiresAt: startAt + life,
    body: body(),
  })
}

/** What the engine writes of a session that was signed in from a browser and holds a little data. */
function body(): string {
  return JSON.stringify({
    authenticatedAt: startAt,
    amr: ['pwd'],
    aal: 1,
    persistent: false,
    client: {
      address: '203.0.113.195',
      userAgent:
        'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    },
    secret: { hash: randomText(43), keyId: 'k1a2b3', issuedAt: startAt },
    retired: [],
    data: randomText(200),
  })
}

/** Nothing in a sealed text can be compressed. */
function randomText(length: number): string {
  randomFillSync(noise, 0, length)
  return noise.toString('base64url', 0, length).slice(0, length)
}

const noise = Buffer.alloc(256)

/** The characters of a body, all of which are alike. */
export const bodyLength: number = body().length
