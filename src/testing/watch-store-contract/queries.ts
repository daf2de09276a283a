import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { AuditEntry } from '../../watch/entry.ts'
import type { TrailQuery, WatchStore } from '../../watch/store.ts'
import { fixedRandom, sampleChain, sampleEntry, type WatchCheck } from './check.ts'

const types = ['session.created', 'session.signed-in', 'sign-in.failed', 'detector.hit', 'trail.opened'] as const
const severities = ['info', 'warning', 'alert'] as const

/** What is found in the trail, compared with what a simple filter finds. */
export function queries(check: WatchCheck): void {
  describe('looking into the trail', () => {
    const entries = manyEntries()
    const wanted: Readonly<Record<string, Omit<TrailQuery, 'limit'>>> = {
      'no condition': {},
      'a session': { sid: 'sid 3' },
      'a user': { userId: 'user 2' },
      'an address': { address: '192.0.2.1' },
      'one type': { types: ['sign-in.failed'] },
      'several types': { types: ['detector.hit', 'session.created', 'trail.opened'] },
      'a severity': { severity: 'warning' },
      'the highest severity': { severity: 'alert' },
      'the lowest severity': { severity: 'info' },
      'from an instant on': { since: 1_030 },
      'before an instant': { until: 1_030 },
      'a stretch of time': { since: 1_020, until: 1_025 },
      'a stretch of time that is empty': { since: 1_025, until: 1_025 },
      'everything at once': {
        since: 1_005,
        until: 1_055,
        userId: 'user 1',
        types: ['detector.hit', 'session.created'],
        severity: 'warning',
      },
      'a session, a user and an address': { sid: 'sid 1', userId: 'user 1', address: '192.0.2.1' },
      'no type': { types: [] },
      'a type that never happened': { types: ['session.ended'] },
      nobody: { sid: 'nobody' },
    }
    for (const [what, query] of Object.entries(wanted)) {
      check(`${what}: finds all that match, newest first, on pages of any size`, async store => {
        for (let i = 0; i < entries.length; i += 37) await store.append(entries.slice(i, i + 37))
        const expected = entries.filter(matches(query)).sort(newestFirst)
        assert.deepEqual((await store.entries({ ...query, limit: 1_000 })).entries, expected)
        for (const limit of [1, 7, 50]) assert.deepEqual(await allPages(store, { ...query, limit }), expected)
      })
    }

    check('a last page that is full says that it is the last', async store => {
      const chain = sampleChain(6)
      await store.append(chain)
      const first = await store.entries({ limit: 3 })
      assert.equal(first.entries.length, 3)
      const second = await store.entries({ limit: 3, cursor: first.next ?? '' })
      assert.deepEqual([second.entries.length, second.next], [3, null])
    })

    check('what is added meanwhile does not move the pages that follow', async store => {
      const chain = sampleChain(10)
      await store.append(chain)
      const first = await store.entries({ limit: 4 })
      await store.append(sampleChain(5, { at: Date.UTC(2031, 0, 1) }))
      const second = await store.entries({ limit: 100, cursor: first.next ?? '' })
      assert.deepEqual([...first.entries, ...second.entries], chain.toReversed())
    })

    check('nonsense for a cursor or a limit is a mistake of the caller, and finds nothing', async store => {
      await store.append([sampleEntry()])
      const usage = { code: 'usage' }
      for (const cursor of [
        '',
        'x',
        '0',
        '1.1',
        "1.1.'; --",
        '1.1.a.b',
        'NaN.1.a',
        '99999999999999999999.1.a',
        '\0',
        'é'.repeat(9_999),
      ])
        await assert.rejects(store.entries({ limit: 1, cursor }), usage, cursor.slice(0, 40))
      for (const limit of [0, -1, 1.5, 1_001, Number.NaN])
        await assert.rejects(store.entries({ limit }), usage, `${limit}`)
    })
  })
}

/** Of three nodes, whose clocks differ, with many at the same instant; added out of order. */
function manyEntries(): AuditEntry[] {
  const random = fixedRandom(7)
  const chains = ['a', 'B', '_'].map(letter => letter.repeat(22))
  const numbers = new Map<string, number>()
  return Array.from({ length: 400 }, (_, i) => {
    const chain = chains[random(3)] ?? ''
    const seq = (numbers.get(chain) ?? 0) + 1
    numbers.set(chain, seq)
    return sampleEntry({
      chain,
      seq,
      at: 1_000 + Math.floor(i / 7) + random(9),
      type: types[random(types.length)] ?? 'session.created',
      severity: severities[random(3)] ?? 'info',
      sid: random(5) === 0 ? null : `sid ${random(9)}`,
      userId: random(5) === 0 ? null : `user ${random(4)}`,
      address: random(5) === 0 ? null : `192.0.2.${random(3)}`,
    })
  })
}

function matches({ since, until, sid, userId, address, types, severity = 'info' }: Omit<TrailQuery, 'limit'>) {
  return (entry: AuditEntry): boolean =>
    entry.at >= (since ?? 0) &&
    entry.at < (until ?? Number.POSITIVE_INFINITY) &&
    [undefined, entry.sid].includes(sid) &&
    [undefined, entry.userId].includes(userId) &&
    [undefined, entry.address].includes(address) &&
    (types === undefined || types.includes(entry.type)) &&
    severities.indexOf(entry.severity) >= severities.indexOf(severity)
}

function newestFirst(one: AuditEntry, other: AuditEntry): number {
  if (one.at !== other.at) return other.at - one.at
  if (one.chain !== other.chain) return one.chain < other.chain ? 1 : -1
  return other.seq - one.seq
}

async function allPages(store: WatchStore, query: TrailQuery): Promise<AuditEntry[]> {
  const found: AuditEntry[] = []
  let cursor: string | undefined
  for (;;) {
    const page = await store.entries({ ...query, cursor })
    assert.ok(page.entries.length <= query.limit)
    found.push(...page.entries)
    if (page.next === null) return found
    cursor = page.next
  }
}
