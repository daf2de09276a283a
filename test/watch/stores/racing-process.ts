/** A process of its own that writes into a watch together with others, and dies without a goodbye. Its orders come as JSON in its first argument. */
import { sampleAlert, sampleEntry } from 'latchkey/testing'
import { sqliteWatch } from 'latchkey/watch/stores/sqlite'

/** What such a process is told. */
export interface Orders {
  readonly file: string
  /** Its chain. */
  readonly chain: string
  readonly rounds: number
}

const { file, chain, rounds }: Orders = JSON.parse(process.argv[2] ?? '')
const store = sqliteWatch(file, { lockTimeout: '60s' })

// All begin together: the first line that comes in is the start.
process.stdout.write('ready\n')
await new Promise(resolve => process.stdin.once('data', resolve))
let opened = 0
for (let round = 0; round < rounds; round += 1) {
  const batch = Array.from({ length: 20 }, (_, i) => sampleEntry({ chain, seq: round * 20 + i + 1, at: 1_000 + round }))
  const [raised] = await Promise.all([
    store.raise(sampleAlert({ fingerprint: `${round}` }), 1_000_000),
    store.append(batch),
    store.see([{ key: 'window', member: `${chain[0]} ${round}`, at: 1_000, windowMs: 500, most: 256 }]),
    store.tally([{ key: 'counter', by: 1, at: 1_000, forgetAfterMs: 500 }]),
    store.add([{ name: 'alerts', minute: round, value: 1 }]),
  ])
  if (raised.isNew) opened += 1
}
process.stdout.write(`${opened}\n`, () => process.kill(process.pid, 'SIGKILL'))
