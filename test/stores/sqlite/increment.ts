/** Creates the counter in the database named by the first argument unless it is there, and raises it as often as the second says. */
import { sqliteStore } from 'latchkey/stores/sqlite'
import { sampleRecord } from 'latchkey/testing'

const [path = '', times = ''] = process.argv.slice(2)
const store = sqliteStore(path, { lockTimeout: '30s' })
const counter = sampleRecord({ sid: 'counter', body: '0' })
await store.create(counter, { now: counter.createdAt })
for (let done = 0; done < Number(times); ) {
  const record = await store.read(counter.sid)
  if (!record) throw new Error('the counter is gone')
  const answer = await store.save(
    { ...record, version: record.version + 1, body: String(Number(record.body) + 1) },
    { durable: false },
  )
  if (answer === 'saved') done += 1
}
await store.close()
