import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { type AuditEntry, createWatch, type Watch, type WatchStore } from 'latchkey/watch'
import { postgresWatch } from 'latchkey/watch/stores/postgres'
import { sqliteWatch } from 'latchkey/watch/stores/sqlite'
import pg from 'pg'
import { entryLine } from '../../src/cli/entry-lines.ts'
import { watch as command } from '../../src/cli/watch.ts'
import { Browser } from '../actors/browser.ts'
import { describeWithPostgres } from '../servers/postgres.ts'
import { atTerminal, latchkey, type Place, place, start } from './command.ts'
import { hostile } from './hostile.ts'

const mallory = 'mallory\u001b[2J\n\u202eroot'
const how = { headers: { 'user-agent': 'Agent\u001b]0;pwned\u0007' } }

/** A service with a watch, and an ordinary day of it. */
async function day(store: (at: Place) => WatchStore) {
  const at = place()
  const watch = await createWatch(at.sessions, { store: store(at) })
  const [alice, bob] = [new Browser(at, null, '192.0.2.1'), new Browser(at, null, '203.0.113.9')]
  await alice.signIn('alice')
  await alice.signOut()
  await bob.signIn(mallory, {}, how)
  await bob.see({ method: 'POST', headers: { ...how.headers, 'sec-fetch-site': 'cross-site' } })
  await new Browser(at, 'nobodys-token').see()
  await watch.flush()
  return { at, watch }
}

const linesOf = (out: string) => out.split('\n').filter(Boolean)
const typesOf = (out: string) => linesOf(out).map(line => JSON.parse(line).type)

describe('latchkey watch', () => {
  let at: Place
  let watch: Watch
  let store: string[]
  before(async () => {
    ;({ at, watch } = await day(({ file }) => sqliteWatch(file('watch.db'))))
    store = ['--store', `sqlite:${at.file('watch.db')}`]
  })
  after(async () => {
    await watch.close()
    await at.remove()
  })

  it('tail prints the newest entries in the order of a log, one in a line, and nobody writes to the terminal', async () => {
    const { code, out, error } = await latchkey(['watch', 'tail', ...store])
    assert.equal(code, 0, error)
    const lines = linesOf(out)
    const { entries } = await watch.entries({ limit: 1_000 })
    assert.equal(lines.length, entries.length)
    assert.match(lines[0] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}info {5}trail\.opened /)
    assert.match(out, /\n\S+ {2}warning {2}request\.refused +address=203\.0\.113\.9 .* reason=csrf-cross-site\n/)
    assert.match(out, / session\.signed-in +user="mallory\\u\{1b\}\[2J\\u\{a\}\\u\{202e\}root" /)
    assert.match(out, /client="Agent\\u\{1b\}\]0;pwned\\u\{7\}"/)
    assert.ok(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/.test(out))
  })

  it('tail --json prints entries as they are, for programs, and still nobody writes to the terminal', async () => {
    const { out } = await latchkey(['watch', 'tail', ...store, '--json', '--limit', '3'])
    const { entries } = await watch.entries({ limit: 3 })
    assert.deepEqual(
      linesOf(out).map(line => JSON.parse(line)),
      entries.toReversed(),
    )
    assert.ok(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/.test(out))
  })

  it('tail --follow goes on with what comes, misses nothing and repeats nothing, until it is interrupted', async () => {
    const finished: string[] = []
    let out = ''
    const child = start(['watch', 'tail', ...store, '--follow', '--json', '--limit', '1'], {}, code =>
      finished.push(`${code}`),
    )
    const seen = (text: string) =>
      new Promise<void>(resolve => {
        const look = () => {
          if (!out.includes(text)) return
          child.stdout?.off('data', look)
          resolve()
        }
        child.stdout?.on('data', look)
        look()
      })
    child.stdout?.on('data', chunk => {
      out += chunk
    })
    await seen('\n')
    const other = await createWatch(at.sessions, { store: sqliteWatch(at.file('watch.db')) })
    for (const user of ['carol-1', 'carol-2', 'carol-3']) await new Browser(at).signIn(user)
    await Promise.all([watch.flush(), other.flush()])
    await seen('carol-3')
    await other.close()
    await seen('trail.closed')
    const exited = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGINT')
    await exited
    const shown: AuditEntry[] = linesOf(out).map(line => JSON.parse(line))
    const ids = shown.map(({ chain, seq }) => `${chain} ${seq}`)
    assert.equal(new Set(ids).size, ids.length)
    const { entries } = await watch.entries({ limit: 1_000 })
    const wanted = entries.filter(({ type, userId }) => type === 'session.signed-in' && userId?.startsWith('carol'))
    assert.equal(wanted.length, 6, 'each was written into two chains')
    for (const { chain, seq } of wanted) assert.ok(ids.includes(`${chain} ${seq}`))
  })

  const queries: readonly (readonly [args: string[], found: (entry: AuditEntry) => boolean])[] = [
    [['--user', 'alice'], ({ userId }) => userId === 'alice'],
    [['--user', mallory], ({ userId }) => userId === mallory],
    [['--address', '203.0.113.9'], ({ address }) => address === '203.0.113.9'],
    [
      ['--type', 'token.forged', '--type', 'session.ended'],
      ({ type }) => ['token.forged', 'session.ended'].includes(type),
    ],
    [['--severity', 'warning'], ({ severity }) => severity !== 'info'],
    [['--since', '1h'], () => true],
    [['--since', '2126-01-01'], () => false],
    [['--until', '1h'], () => false],
    [
      ['--since', '1h', '--user', 'alice', '--type', 'session.ended'],
      ({ userId, type }) => userId === 'alice' && type === 'session.ended',
    ],
  ]
  for (const [args, found] of queries) {
    it(`query ${JSON.stringify(args)} finds what it should`, async () => {
      const { terminal, said } = atTerminal()
      const code = await command(['query', ...store, '--json', '--limit', '1000', ...args], terminal)
      const { entries } = await watch.entries({ limit: 1_000 })
      assert.deepEqual(
        [code, linesOf(said.out).map(line => JSON.parse(line))],
        [0, entries.filter(found).toReversed()],
        said.error,
      )
    })
  }

  it('query --sid tells the story of a session', async () => {
    const [{ sid } = assert.fail()] = await at.sessions.list(mallory)
    const { out } = await latchkey(['watch', 'query', ...store, '--json', '--sid', sid])
    assert.deepEqual(typesOf(out), ['session.created', 'session.signed-in'])
  })

  it('query says when there are more, and where that does not disturb', async () => {
    const { code, out, error } = await latchkey(['watch', 'query', ...store, '--limit', '2', '--json'])
    assert.deepEqual([code, linesOf(out).length], [0, 2])
    assert.match(error, /newest 2; there are more/)
  })

  const misuses: readonly (readonly [args: string[], says: RegExp])[] = [
    [[], /tail, query or verify/],
    [['constructor'], /tail, query or verify/],
    [['tail'], /sqlite:FILE or postgres/],
    [['tail', '--store', 'mysql://a:hunter2@b/c'], /sqlite:FILE or postgres/],
    [['tail', '--store', 'sqlite:'], /sqlite:FILE/],
    [['tail', '--store', 'sqlite:x', '--limit', '0'], /--limit/],
    [['tail', '--store', 'sqlite:x', '--severity', 'loud'], /info, warning, alert/],
    [['query', '--store', 'sqlite:x', '--type', 'nope'], /docs\/events\.md/],
    [['query', '--store', 'sqlite:x', '--since', 'yesterday'], /no time/],
    [['query', '--store', 'sqlite:x', 'alice'], /alice/],
    [['verify', '--store', 'sqlite:x'], /SESSION_SECRET/],
  ]
  for (const [args, says] of misuses) {
    it(`exits 2 for ${JSON.stringify(args)}, and repeats no password`, async () => {
      const { terminal, said } = atTerminal()
      assert.equal(await command(args, terminal), 2)
      assert.match(said.error, says)
      assert.doesNotMatch(said.error, /hunter2/)
    })
  }

  it('exits 1 when the file is not there, and makes none', async () => {
    const { terminal, said } = atTerminal()
    assert.equal(await command(['tail', '--store', `sqlite:${at.file('nowhere.db')}`], terminal), 1)
    assert.match(said.error, /nowhere\.db is not there/)
  })
})

describe('latchkey watch verify', () => {
  let at: Place
  let store: string[]
  let secret: { SESSION_SECRET: string }
  before(async () => {
    const made = await day(({ file }) => sqliteWatch(file('watch.db')))
    at = made.at
    await made.watch.close()
    store = ['--store', `sqlite:${at.file('watch.db')}`]
    secret = { SESSION_SECRET: `2Vr8vXw1Tn6LkYp0sBd5fHj2mCg7aUe9iOxRtWzQyE3, ${at.secret}` }
  })
  after(() => at.remove())
  const change = (sql: string) => {
    const database = new DatabaseSync(at.file('watch.db'))
    database.exec(sql)
    database.close()
  }

  it('says of each chain that it is whole', async () => {
    const { code, out, error } = await latchkey(['watch', 'verify', ...store], secret)
    assert.equal(code, 0, error)
    assert.match(out, /^ok {6}\S{22} {2}\d+ entries, \S+Z to \S+Z\n\n1 chain, \d+ entries: whole\.\n$/)
  })

  it('takes the secrets from the configuration, too', async () => {
    const { code, out, error } = await latchkey(['watch', 'verify', ...store, '--config', at.config, '--json'])
    assert.deepEqual([code, JSON.parse(out).isWhole], [0, true], error)
  })

  it('cannot tell without the right secret, says so and exits 1', async () => {
    const { code, out } = await latchkey(['watch', 'verify', ...store], {
      SESSION_SECRET: '2Vr8vXw1Tn6LkYp0sBd5fHj2mCg7aUe9iOxRtWzQyE3',
    })
    assert.equal(code, 1)
    assert.match(out, /^BROKEN .*\n {8}entry 1 cannot be told: its key is not among the secrets\n/)
  })

  it('never shows a secret, not even one that it refuses', async () => {
    const { code, out, error } = await latchkey(['watch', 'verify', ...store], { SESSION_SECRET: 'hunter2-hunter2' })
    assert.equal(code, 1)
    assert.match(error, /secrets\[0\]/)
    assert.doesNotMatch(out + error, /hunter2/)
  })

  it('finds that entries which are known from elsewhere are gone', async () => {
    const anchors = at.file('anchors.jsonl')
    const { out } = await latchkey(['watch', 'query', ...store, '--json'])
    writeFileSync(anchors, out)
    assert.equal((await latchkey(['watch', 'verify', ...store, '--anchors', anchors], secret)).code, 0)
    const gone = { chain: JSON.parse(linesOf(out)[0] ?? '').chain, seq: 9_999, mac: 'x'.repeat(43) }
    writeFileSync(anchors, `${out}${JSON.stringify(gone)}\n`)
    const cut = await latchkey(['watch', 'verify', ...store, '--anchors', anchors], secret)
    assert.equal(cut.code, 1)
    assert.match(cut.out, /and those after it were removed/)
    for (const nonsense of ['no JSON', '{}', '{"chain":1,"seq":1,"mac":"x"}', 'null']) {
      writeFileSync(anchors, `${out}${nonsense}\n`)
      const { code, error } = await latchkey(['watch', 'verify', ...store, '--anchors', anchors], secret)
      assert.deepEqual([code, /^latchkey watch verify: Line \d+ of .* is no anchor/.test(error)], [1, true], error)
    }
  })

  it('finds an entry that was changed, and then one that was removed, and exits 1', async () => {
    change(`UPDATE entries SET user_id = 'bob' WHERE seq = 4`)
    const changed = await latchkey(['watch', 'verify', ...store], secret)
    assert.equal(changed.code, 1)
    assert.match(
      changed.out,
      /^BROKEN .*\n {8}entry 4 was changed, or does not belong there\n\n1 chain, \d+ entries: 1 BROKEN\.\n$/,
    )
    change('DELETE FROM entries WHERE seq = 3')
    const removed = await latchkey(['watch', 'verify', ...store], secret)
    assert.match(removed.out, /\n {8}entry 3 is missing\n/)
  })
})

it('a line of the trail is one line without anything unseen, whatever somebody wrote into its store', () => {
  for (const [what, text] of hostile) {
    const entry = {
      ...{ chain: text, seq: 1, at: 1e300, type: text, severity: text, sid: text, userId: text },
      ...{ address: text, userAgent: text, detail: { [text]: text, list: [text] }, mac: text },
    } as unknown as AuditEntry
    const line = entryLine(entry, false)
    assert.ok(!/[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/.test(line), what)
  }
})

describeWithPostgres('latchkey watch, in PostgreSQL', server => {
  it('migrate --watch makes the tables; tail, query and verify read them; sessions end writes into them', async () => {
    const url = server.url()
    const made = await latchkey(['migrate', url, '--watch'])
    assert.deepEqual(
      [made.code, made.out.replace(/\d/, 'N')],
      [0, "The tables are at version N now.\nThe watch's tables are there.\n"],
      made.error,
    )
    assert.equal((await latchkey(['migrate', url, '--watch'])).code, 0, 'twice is no harm')
    const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 10_000 })
    const { at, watch } = await day(() => postgresWatch(pool))
    const ended = await latchkey(['sessions', 'end', '--user', mallory, '--yes', '--config', at.config, '--watch', url])
    assert.deepEqual([ended.code, ended.out], [0, '1 session is over.\n'], ended.error)
    const query = await latchkey(['watch', 'query', '--store', url, '--type', 'operator.acted', '--json'])
    assert.deepEqual(JSON.parse(query.out).detail.target, mallory, query.error)
    const tail = await latchkey(['watch', 'tail', '--store', url, '--limit', '1'])
    assert.match(tail.out, /trail\.closed/)
    const verify = await latchkey(['watch', 'verify', '--store', url], { SESSION_SECRET: at.secret })
    assert.deepEqual([verify.code, /^2 chains, .*: whole\.$/m.test(verify.out)], [0, true], verify.error + verify.out)
    await watch.close()
    await pool.end()
    await at.remove()
  })

  it('the tables are where they are said to be', async () => {
    await server.sql('CREATE SCHEMA "Audit"')
    const where = ['--schema', 'Audit', '--table-prefix', 'x_']
    assert.equal((await latchkey(['migrate', server.url(), '--watch', ...where])).code, 0)
    const tail = await latchkey(['watch', 'tail', '--store', server.url(), ...where])
    assert.deepEqual([tail.code, tail.out], [0, ''], tail.error)
    const printed = await latchkey(['migrate', '--print', '--watch', '--schema', 'Other'])
    await server.sql('CREATE SCHEMA "Other"')
    await server.sql(printed.out)
    const other = await latchkey(['watch', 'tail', '--store', server.url(), '--schema', 'Other'])
    assert.deepEqual([other.code, other.out], [0, ''], other.error)
  })

  it('exits 1 when there are no tables, and repeats no password', async () => {
    const { code, error } = await latchkey(['watch', 'tail', '--store', server.url(), '--table-prefix', 'none_'])
    assert.equal(code, 1)
    assert.match(error, /migrate/)
    const refused = await latchkey(['watch', 'tail', '--store', 'postgres://a:hunter2@127.0.0.1:1/x'])
    assert.equal(refused.code, 1)
    assert.doesNotMatch(refused.error, /hunter2/)
  })
})
