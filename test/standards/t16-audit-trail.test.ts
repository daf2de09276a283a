import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { type EventType, eventCatalogue } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import {
  type AuditEntry,
  type AuditType,
  auditCatalogue,
  createWatch,
  type Watch,
  type WatchStore,
} from 'latchkey/watch'
import { jsonLines, type SinkOptions } from 'latchkey/watch/sinks'
import { memoryWatch } from 'latchkey/watch/stores/memory'
import { sqliteWatch } from 'latchkey/watch/stores/sqlite'
import { Linker } from '../../src/watch/chain.ts'
import { entryOf } from '../../src/watch/entry-of.ts'
import type { AuditEvent } from '../../src/watch/events.ts'
import { verifyTrail } from '../../src/watch/verify.ts'
import { Browser } from '../actors/browser.ts'
import { hostileTexts, unseenCharacters } from '../actors/hostile-text.ts'
import { Seeds } from '../actors/seeds.ts'
import { startServer } from '../actors/server.ts'
import {
  everything,
  key,
  keyId,
  keyOf,
  openPrivacy,
  openTrail,
  signedIn,
  troubledSink,
  troubledStore,
} from '../actors/trail.ts'
import { stories, World } from '../actors/world.ts'

/** Terms of the OWASP Logging Vocabulary Cheat Sheet that the watch has to do with. */
const vocabulary = new Set([
  ...['authn_token_revoked', 'authz_admin', 'malicious_attack_tool', 'sensitive_delete', 'sequence_fail'],
  ...['sys_crash', 'sys_monitor_disabled', 'sys_monitor_enabled', 'sys_shutdown', 'sys_startup'],
])

const types = Object.keys(auditCatalogue) as AuditType[]
const formats = ['latchkey', 'ecs', 'ocsf'] as const

/** An entry of a type, as the trail makes it. */
function sample(type: AuditType, more: Record<string, unknown> = {}): AuditEntry {
  const event = { ...signedIn(Date.UTC(2030, 0, 1), 'alice'), ...more, type } as unknown as AuditEvent
  return new Linker(key, keyId, randomBytes).link(entryOf(event, openPrivacy))
}

async function line(entry: AuditEntry, format: NonNullable<SinkOptions['format']>): Promise<string> {
  const lines: string[] = []
  await jsonLines({ write: text => lines.push(text), format }).write([entry], new AbortController().signal)
  assert.equal(lines.length, 1)
  return lines[0] ?? ''
}

describe('T16 audit trail: the schema', () => {
  for (const type of types) {
    it(`ASVS 16.2.1: an entry of ${type} says when, what, how urgent, which session, who and from where`, () => {
      const { chain, seq, mac, ...entry } = sample(type)
      assert.deepEqual(entry, {
        ...{ at: Date.UTC(2030, 0, 1), type, severity: auditCatalogue[type].severity, sid: 'A'.repeat(22) },
        ...{ userId: 'alice', address: '192.0.2.1', userAgent: 'Test/1.0' },
        detail: { amr: ['pwd'], aal: 1, from: null },
      })
      assert.match(`${chain} ${seq} ${mac}`, /^[\w-]{22} 1 [\w-]{43}$/)
    })

    it(`ASVS 16.2.2, ASVS 16.2.4: ${type} is one JSON object with its instant in UTC, in every format`, async () => {
      for (const format of formats) {
        const record = JSON.parse(await line(sample(type), format))
        const shown = record.time ?? record['@timestamp']
        const time = typeof shown === 'number' ? new Date(shown).toISOString() : shown
        assert.match(time, /^2030-01-01T00:00:00\.000Z$/)
      }
      const bare = { origin: null, sid: null, userId: null }
      const [one, other] = [sample(type), sample(type, bare)]
      assert.deepEqual(Object.keys(one), Object.keys(other))
    })

    it(`CS-L1: ${type} has a term of the OWASP vocabulary and a severity`, () => {
      const { owasp, severity } = auditCatalogue[type]
      assert.ok(Object.hasOwn(eventCatalogue, type) || vocabulary.has(owasp), owasp)
      assert.ok(['info', 'warning', 'alert'].includes(severity))
    })
  }
})

describe('T16 audit trail: injection', () => {
  for (const [name, text] of Object.entries(hostileTexts)) {
    it(`ASVS 16.4.1: ${name} as user agent, user id, address or detail forges no line`, async () => {
      const more = { userId: text, origin: { address: text, userAgent: text }, operation: text, [text]: text }
      for (const format of formats) {
        const written = await line(sample('confirmation.refused', more), format)
        assert.doesNotMatch(written, unseenCharacters)
        JSON.parse(written)
      }
    })
  }

  it('ASVS 16.4.1: a hostile user agent comes through the engine as one entry', async () => {
    const lines: string[] = []
    const server = startServer()
    const watch = await createWatch(server.sessions, {
      store: memoryWatch(),
      sinks: [jsonLines({ write: text => lines.push(text) })],
    })
    const hostile = Object.values(hostileTexts)
    for (const text of hostile) await new Browser(server, 'forged').see({ headers: { 'user-agent': text } })
    await watch.flush()
    const forged = lines.map(text => JSON.parse(text)).filter(({ type }) => type === 'token.forged')
    assert.deepEqual(
      forged.map(({ userAgent }) => userAgent),
      hostile,
    )
    for (const text of lines) assert.doesNotMatch(text, unseenCharacters)
    await watch.close()
  })
})

describe('T16 audit trail: what is in it', () => {
  async function watched(store: WatchStore): Promise<{ world: World; watch: Watch; lines: string[] }> {
    const lines: string[] = []
    const world = new World(memoryStore())
    const sinks = formats.map(format => jsonLines({ write: text => lines.push(text), format }))
    return { world, lines, watch: await createWatch(world.server.sessions, { store, sinks }) }
  }

  it('ASVS 16.2.5: no token, secret or data of any story is in the trail or a sink, however it is spelled', async () => {
    const { world, watch, lines } = await watched(memoryWatch())
    for (const type of Object.keys(eventCatalogue) as EventType[]) await stories[type](world)
    await watch.flush()
    const { entries } = await watch.entries({ limit: 1_000 })
    const seeds = new Seeds()
    seeds.add('the secret of the server', world.server.secret)
    for (const [n, token] of [...world.csrfTokens, ...world.bearerTokens, ...world.factorSecrets].entries()) {
      seeds.add(`secret ${n}`, token)
    }
    for (const { token } of world.replies) if (token) seeds.add('a session token', token)
    seeds.add('session data', 'dear diary')
    assert.ok(seeds.size > 100 && entries.length > 50 && lines.length > 150)
    seeds.assertNotIn(entries, 'the trail')
    seeds.assertNotIn(lines.join('\n'), 'a log')
    await watch.close()
  })

  it('CS-S9: the life of a session can be followed by an id that stays and cannot sign anybody in', async () => {
    const { world, watch } = await watched(memoryWatch())
    const browser = await world.signedIn()
    const { sid } = world.server.events.find(({ type }) => type === 'session.signed-in') ?? {}
    world.server.clock.advance('11m')
    await world.send(browser, session => session.rotate())
    await world.send(browser, session => session.end())
    await watch.flush()
    assert.ok(sid)
    const { entries } = await watch.entries({ limit: 100, sid })
    const story = entries.map(({ type }) => type).reverse()
    assert.deepEqual(story.slice(0, 2), ['session.created', 'session.signed-in'])
    assert.ok(story.includes('session.rotated'))
    assert.equal(story.at(-1), 'session.ended')
    const reply = await new Browser(world.server, sid).see()
    assert.equal(reply.status, 200)
    assert.equal(world.server.events.at(-1)?.type, 'token.forged')
    await watch.close()
  })
})

describe('T16 audit trail: trouble', () => {
  it('CS-L2, ASVS 16.4.3: requests are answered while store and sinks hang, and losses are counted', async () => {
    const store = memoryWatch()
    const hanging = troubledSink('hanging', 'hangs')
    const server = startServer()
    const watch = await createWatch(server.sessions, { store, sinks: [hanging], maxQueued: 100 })
    store.append = () => new Promise(() => {})
    const browsers = Array.from({ length: 300 }, () => new Browser(server))
    for (const browser of browsers) await browser.send(session => session.signIn('alice', { amr: ['pwd'] }))
    const { queued, dropped } = watch.stats()
    assert.ok(queued >= 100)
    assert.ok(dropped > 0)
    assert.ok(server.events.length >= 300)
  })

  it('CS-L2: a store and a sink that throw at once reach no request and do not end the process', async () => {
    const { trail, store, timers, troubles, write } = await openTrail({ sinks: [troubledSink('log', 'throws')] })
    Object.assign(store, { appends: 'throws', reads: 'throws' })
    write(10)
    await timers.pass(10_000)
    assert.deepEqual(troubles.sort(), ['log: failed', 'trail: failed'])
    assert.equal(trail.stats().dropped, 0)
  })
})

describe('T16 audit trail: tampering with the file', () => {
  async function written(t: TestContext): Promise<{ store: WatchStore; database: DatabaseSync; all: AuditEntry[] }> {
    const directory = mkdtempSync(join(tmpdir(), 'latchkey-trail-'))
    const store = sqliteWatch(join(directory, 'watch.db'))
    for (const events of [9, 5]) {
      const { trail, write } = await openTrail({ store: { ...troubledStore(store) } })
      write(events)
      await trail.close()
    }
    const database = new DatabaseSync(join(directory, 'watch.db'))
    t.after(async () => {
      database.close()
      await store.close()
      rmSync(directory, { recursive: true })
    })
    return { store, database, all: await everything(store) }
  }

  /** SQL that somebody runs who can write to the file, on the entry number five of the longer chain. */
  const crimes: Readonly<Record<string, readonly [sql: string, found: string]>> = {
    'another time': ['UPDATE entries SET at = at + 1', 'changed 5'],
    'another kind of event': ['UPDATE entries SET kind = (SELECT min(id) FROM kinds)', 'changed 5'],
    'another session': ["UPDATE entries SET sid = 'BBBBBBBBBBBBBBBBBBBBBB'", 'changed 5'],
    'another user': ["UPDATE entries SET user_id = 'mallory'", 'changed 5'],
    'another address': ["UPDATE entries SET address = '203.0.113.1'", 'changed 5'],
    'another user agent': ['UPDATE entries SET user_agent = NULL', 'changed 5'],
    'another detail': ['UPDATE entries SET detail = \'{"amr":["pwd","otp"],"aal":2,"from":null}\'', 'changed 5'],
    'no JSON at all': ["UPDATE entries SET detail = '{'", 'changed 5'],
    'another MAC': ["UPDATE entries SET mac = 'x'", 'changed 5'],
    'another number': ['UPDATE entries SET seq = 50', 'missing 5'],
    'a removed entry': ['DELETE FROM entries', 'missing 5'],
  }
  for (const [name, [sql, found]] of Object.entries(crimes)) {
    it(`ASVS 16.4.2: ${name} is found, and where`, async t => {
      const { store, database } = await written(t)
      assert.equal((await verifyTrail(store, keyOf)).isWhole, true)
      const longer = 'SELECT chain FROM entries GROUP BY chain ORDER BY count(*) DESC LIMIT 1'
      const { changes } = database.prepare(`${sql} WHERE seq = 5 AND chain = (${longer})`).run()
      assert.equal(changes, 1)
      const { chains, isWhole } = await verifyTrail(store, keyOf)
      assert.equal(isWhole, false)
      assert.deepEqual(
        chains.flatMap(({ broken }) => (broken ? `${broken.what} ${broken.seq}` : [])),
        [found],
      )
    })
  }

  it('ASVS 16.4.3: with the log that was shipped elsewhere, even an emptied trail is found', async t => {
    const { store, database, all } = await written(t)
    const shipped: string[] = []
    await jsonLines({ write: text => shipped.push(text) }).write(all, new AbortController().signal)
    database.exec('DELETE FROM entries')
    assert.equal((await verifyTrail(store, keyOf)).isWhole, true)
    const { chains } = await verifyTrail(store, keyOf, { anchors: shipped.map(text => JSON.parse(text)) })
    assert.deepEqual(
      chains.map(({ broken }) => broken?.what),
      ['chain-missing', 'chain-missing'],
    )
  })
})
