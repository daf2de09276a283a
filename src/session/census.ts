import type { AskedDirectory, Entry } from './asked-directory.ts'
import type { SessionInfo } from './session-info.ts'

/** How many sessions of which kind there are. */
export interface SessionCensus {
  /** All live sessions. */
  readonly total: number
  /** Whether each was looked at. `false` where there are many: all numbers are then estimates, within a few per cent. */
  readonly exact: boolean
  /** By level of assurance at this moment. */
  readonly byLevel: Readonly<Record<'0' | '1' | '2' | '3', number>>
  /** By what brings them to the server. */
  readonly byCarrier: Readonly<Record<'cookie' | 'bearer', number>>
}

/** Up to so many sessions are counted one by one; of more, so many are looked at. */
const looked = 2_000
const pageSize = 500

/** Counts or estimates. */
export async function takeCensus(
  directory: Pick<AskedDirectory, 'page' | 'count' | 'sample'>,
  describe: (entry: Entry) => SessionInfo,
): Promise<SessionCensus> {
  const count = await directory.count()
  const everybody = count <= looked ? await everybodyIn(directory) : null
  if (everybody) return tally(everybody.map(describe), 1, true)
  const { entries, examined } = await directory.sample(looked)
  // Each that was looked at stands for so many; those that timed out unseen stand for others that did.
  return tally(entries.map(describe), examined === 0 ? 1 : count / examined, false)
}

/** All sessions, or `null` where they turn out to be too many. */
async function everybodyIn(directory: Pick<AskedDirectory, 'page'>): Promise<Entry[] | null> {
  const everybody: Entry[] = []
  let cursor: string | null = null
  let examined = 0
  do {
    const page = await directory.page(cursor, pageSize)
    everybody.push(...page.entries)
    examined += page.examined
    cursor = page.next
  } while (cursor !== null && examined <= 2 * looked)
  return cursor === null ? everybody : null
}

function tally(sessions: readonly SessionInfo[], each: number, exact: boolean): SessionCensus {
  const count = (isOne: (session: SessionInfo) => boolean) => Math.round(sessions.filter(isOne).length * each)
  const level = (aal: number) => count(session => session.aal === aal)
  return {
    total: count(() => true),
    exact,
    byLevel: { 0: level(0), 1: level(1), 2: level(2), 3: level(3) },
    byCarrier: {
      cookie: count(({ carrier }) => carrier === 'cookie'),
      bearer: count(({ carrier }) => carrier === 'bearer'),
    },
  }
}
