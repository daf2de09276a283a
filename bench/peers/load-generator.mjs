import { readFileSync } from 'node:fs'
import autocannon from 'autocannon'

/*
 * node load-generator.mjs URL CONNECTIONS SECONDS FILE: sends the requests of a JSON file and prints one line of JSON.
 *
 * The event loop never sleeps here. A load generator that sleeps must be woken by nearly every answer, at the expense of
 * the server that sends it (an interrupt to another core, expensive in a virtual machine), and it sleeps the more the
 * slower the server is: wrk made 10 µs of arithmetic look like 20 µs. Awake it measures 10 µs as 10 µs.
 */
const stayAwake = () => setImmediate(stayAwake)
stayAwake()

const [url, connections, seconds, file] = process.argv.slice(2)
const requests = JSON.parse(readFileSync(file, 'utf8'))

let begun = 0
const result = await autocannon({
  url,
  connections: Number(connections),
  duration: Number(seconds),
  timeout: 5,
  requests,
  // Every connection begins with another session, or all of them would ask for the same one at the same time.
  setupClient(client) {
    const from = Math.floor((begun * requests.length) / Number(connections))
    begun += 1
    client.setRequests([...requests.slice(from), ...requests.slice(0, from)])
  },
})
console.log(
  JSON.stringify({
    requests: result['2xx'],
    durationMs: result.finish - result.start,
    p99Ms: result.latency.p99,
    failed: result.non2xx + result.errors + result.timeouts,
  }),
)
process.exit()
