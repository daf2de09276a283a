import { StoreError } from '../errors.ts'
import type { FactorFault } from './answer.ts'
import type { FactorRecord, FactorStore } from './store.ts'

/** What changes of a record when its factor is accepted. */
export type FactorChange = Pick<FactorRecord, 'lastUsedAt' | 'body'>

/**
 * Each lost race means that another caller won one. So many in a row do not happen to one user's factor: the store would
 * be answering `conflict` whatever it is asked.
 */
const mostTries = 100

/**
 * Accepts a factor in one atomic step, or says why not. `decide` looks at the newest record and runs again when somebody
 * else was faster, so that of any number of callers with the same code, on any number of nodes, one gets `accepted`
 * (ASVS 6.5.1). It must depend on nothing but its argument.
 */
export async function changeFactor(
  store: FactorStore,
  found: FactorRecord | null,
  decide: (record: FactorRecord) => FactorChange | FactorFault,
): Promise<'accepted' | FactorFault> {
  let record = found
  for (let tries = 0; tries < mostTries; tries += 1) {
    if (!record) return 'unknown'
    const decision = decide(record)
    if (typeof decision === 'string') return decision
    const outcome = await store.save({ ...record, ...decision, version: record.version + 1 })
    if (outcome === 'saved') return 'accepted'
    record = outcome === 'gone' ? null : await store.find(record.id)
  }
  throw new StoreError(`The factor store (${store.name}) let nobody change a factor. Try again in a moment.`)
}
