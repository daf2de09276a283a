import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type AuditEntry, severities, type TrailStore } from '../watch/index.ts'
import { readLimit, readSeverity, writeEntries } from './entry-lines.ts'
import { reasonOf } from './exit-code.ts'
import type { Terminal } from './terminal.ts'
import { openWatchStore, tableOptions } from './watch-place.ts'
import { newest } from './watch-query.ts'

const lookEveryMs = 1_000
const pageSize = 1_000
const mostPassed = 100

/** Prints the newest entries of the trail, and with `--follow` every new one until it is interrupted. */
export async function tail(args: string[], terminal: Terminal): Promise<number> {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args,
    options: { ...tableOptions, store: text, severity: text, limit: text, follow: flag, json: flag },
  })
  const severity = readSeverity(values.severity)
  const limit = readLimit(values.limit, 20, 10_000)
  const store = await openWatchStore(values.store, values)
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  if (values.follow) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt)
  try {
    // Before the newest are read: what comes meanwhile is then seen twice and not missed.
    const follower = new Follower(store, await store.heads())
    const { entries } = await newest(store, { severity }, limit)
    writeEntries(entries.toReversed(), values.json, terminal)
    follower.skip(entries)
    const isUrgent = (entry: AuditEntry) =>
      !severity || severities.indexOf(entry.severity) >= severities.indexOf(severity)
    while (values.follow && !interrupted.signal.aborted) {
      await wait(lookEveryMs, undefined, { signal: interrupted.signal }).catch(() => {})
      // A database that is restarted is no reason to stop looking.
      const fresh = await follower.next().catch(error => terminal.error(`latchkey watch tail: ${reasonOf(error)}`))
      writeEntries((fresh ?? []).filter(isUrgent), values.json, terminal)
    }
    return 0
  } finally {
    await store.close()
  }
}

/**
 * What is new in all chains. By their numbers and not by time: entries are written a little later than they happen, and the
 * clocks of several machines differ.
 */
class Follower {
  readonly #store: Pick<TrailStore, 'heads' | 'chain'>
  readonly #seen: Map<string, number>
  readonly #shown = new Set<string>()

  constructor(store: Pick<TrailStore, 'heads' | 'chain'>, heads: Readonly<Record<string, { readonly seq: number }>>) {
    this.#store = store
    this.#seen = new Map(Object.entries(heads).map(([chain, { seq }]) => [chain, seq]))
  }

  /** These were shown already. */
  skip(entries: readonly AuditEntry[]): void {
    for (const { chain, seq } of entries) if (seq > (this.#seen.get(chain) ?? 0)) this.#shown.add(`${chain} ${seq}`)
  }

  /** The next entries. Some that cannot be read are passed by, which `verify` tells of; `null` when there are too many. */
  async #page(chain: string, after: number): Promise<readonly AuditEntry[] | null> {
    const ask = (from: number, limit: number) => this.#store.chain(chain, from, limit).catch(() => null)
    for (let limit = pageSize; limit >= 1; limit = Math.floor(limit / 2)) {
      const page = await ask(after, limit)
      if (page) return page
    }
    // Rejects when it is the store that cannot be read.
    await this.#store.heads()
    for (let passed = 1; passed <= mostPassed; passed += 1) {
      const page = await ask(after + passed, 1)
      if (page) return page
    }
    return null
  }

  /** What came since the last time, in the order in which it happened. */
  async next(): Promise<AuditEntry[]> {
    const fresh: AuditEntry[] = []
    for (const [chain, { seq: last }] of Object.entries(await this.#store.heads())) {
      let seen = this.#seen.get(chain) ?? 0
      while (seen < last) {
        const page = await this.#page(chain, seen)
        if (!page) break
        fresh.push(...page.filter(({ seq }) => !this.#shown.delete(`${chain} ${seq}`)))
        // Nothing there means that it was pruned meanwhile.
        seen = page.at(-1)?.seq ?? last
      }
      this.#seen.set(chain, seen)
    }
    return fresh.sort((one, other) => one.at - other.at)
  }
}
