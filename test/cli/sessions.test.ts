import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { after, before, describe, it } from 'node:test'
import { sqliteWatch } from 'latchkey/watch/stores/sqlite'
import { sessions as command } from '../../src/cli/sessions.ts'
import { withSidsApart } from '../../src/cli/sid-argument.ts'
import { Browser } from '../actors/browser.ts'
import { atTerminal, latchkey, type Place, place } from './command.ts'

const mallory = 'mallory\u001b[2J\n\u202eroot'

describe('latchkey sessions', () => {
  let at: Place
  before(async () => {
    at = place()
    for (const user of ['alice', 'alice', 'bob', mallory]) {
      const browser = new Browser(at, null, user === 'bob' ? '203.0.113.9' : '192.0.2.1')
      await browser.signIn(user, { amr: user === 'bob' ? ['pwd', 'otp'] : ['pwd'] })
    }
    await new Browser(at).put({ cart: 1 })
  })
  after(() => at.remove())
  const sidOf = async (user: string) => (await at.sessions.list(user))[0]?.sid ?? assert.fail(user)

  it('list shows who is signed in, in columns, and nobody writes to the terminal', async () => {
    const { code, out, error } = await latchkey(['sessions', 'list', '--config', at.config])
    assert.equal(code, 0, error)
    const [header = '', ...lines] = out.trimEnd().split('\n')
    assert.match(header, /^SID {21}USER +LEVEL +CARRIER +LAST USED +ADDRESS +CLIENT$/)
    assert.equal(lines.length, 7, 'five sessions, an empty line and their number')
    assert.equal(lines.at(-1), '5 sessions.')
    const column = header.indexOf('LEVEL')
    for (const line of lines.slice(0, 5)) assert.match(line.slice(column), /^[012] /)
    assert.match(out, /mallory\\u\{1b\}\[2J\\u\{a\}\\u\{202e\}root/)
    assert.ok(!out.includes('\u001b') && !out.includes('\u202e'))
  })

  const searches: readonly (readonly [args: string[], users: string[]])[] = [
    [
      ['--user', 'alice'],
      ['alice', 'alice'],
    ],
    [['--user', 'ali'], []],
    [['--text', '203.0.113'], ['bob']],
    [
      ['--text', 'ALI'],
      ['alice', 'alice'],
    ],
    [['--user', mallory], [mallory]],
  ]
  for (const [args, users] of searches) {
    it(`list ${JSON.stringify(args)} finds ${users.length}, as JSON lines`, async () => {
      const { terminal, said } = atTerminal()
      const code = await command(['list', '--config', at.config, '--json', ...args], terminal)
      const found = said.out
        .split('\n')
        .filter(Boolean)
        .map(line => JSON.parse(line))
      assert.deepEqual([code, found.map(({ userId }) => userId)], [0, users])
      assert.doesNotMatch(said.out, /[\u0000-\u0009\u000b-\u001f\u202e]/)
    })
  }

  it('list says when there are more', async () => {
    const { out } = await latchkey(['sessions', 'list', '--config', at.config, '--limit', '2'])
    assert.match(out, /\n\n2 sessions, and there are more: say --limit\.\n$/)
  })

  it('show tells all about one session, and nothing that could authenticate', async () => {
    const sid = await sidOf('bob')
    const { code, out } = await latchkey(['sessions', 'show', sid, '--config', at.config])
    assert.equal(code, 0)
    for (const line of [
      `sid                ${sid}`,
      'user               bob',
      'level              2 (pwd, otp)',
      'address            203.0.113.9',
    ])
      assert.ok(out.split('\n').includes(line), `${line}\n${out}`)
    const asJson = await latchkey(['sessions', 'show', sid, '--config', at.config, '--json'])
    assert.deepEqual(JSON.parse(asJson.out), await at.sessions.find(sid))
  })

  it('show exits 1 when there is none', async () => {
    const { code, out, error } = await latchkey(['sessions', 'show', 'A'.repeat(22), '--config', at.config])
    assert.deepEqual([code, out], [1, ''])
    assert.match(error, /no live session A+/)
  })

  it('end ends one session, and says whether it was alive', async () => {
    const sid = await sidOf('bob')
    const first = await latchkey(['sessions', 'end', sid, '--config', at.config, '--yes'])
    assert.deepEqual([first.code, first.out], [0, 'It is over.\n'], first.error)
    assert.equal(await at.sessions.find(sid), null)
    const second = await latchkey(['sessions', 'end', sid, '--config', at.config, '--yes'])
    assert.deepEqual([second.code, second.out], [1, 'It was over already.\n'])
  })

  it('end ends nothing when nobody can be asked', async () => {
    const { code, error } = await latchkey(['sessions', 'end', '--everybody', '--config', at.config])
    assert.equal(code, 2)
    assert.match(error, /--yes/)
    assert.equal((await at.sessions.list('alice')).length, 2)
  })

  const refusals: readonly (readonly [args: string[], answer: string])[] = [
    [['--user', 'alice'], 'n'],
    [['--user', 'alice'], ''],
    [['--user', 'alice'], 'yikes'],
    [['--everybody'], 'y'],
    [['--everybody'], 'yes'],
  ]
  for (const [args, answer] of refusals) {
    it(`end ${args.join(' ')} ends nothing when the answer is ${JSON.stringify(answer)}`, async () => {
      const { terminal, said } = atTerminal(answer)
      assert.equal(await command(['end', '--config', at.config, ...args], terminal), 1)
      assert.deepEqual([said.out, said.error, said.asked.length], ['', 'Nothing was ended.\n', 1])
      assert.equal((await at.sessions.list('alice')).length, 2)
    })
  }

  it('end asks about whom, in a line of its own', async () => {
    const { terminal, said } = atTerminal('n')
    await command(['end', '--config', at.config, await sidOf(mallory)], terminal)
    assert.match(
      said.asked[0] ?? '',
      /^End the session \S{22} of "mallory\\u\{1b\}\[2J\\u\{a\}\\u\{202e\}root" from 192\.0\.2\.1\? \[y\/N\] $/,
    )
  })

  it("end --user ends all of a user's sessions; --everybody all there are, after its name was typed", async () => {
    const user = atTerminal('y')
    assert.equal(await command(['end', '--config', at.config, '--user', 'alice'], user.terminal), 0)
    assert.match(user.said.asked[0] ?? '', /^End all 2 sessions of alice\?/)
    assert.equal(user.said.out, '2 sessions are over.\n')
    const everybody = atTerminal('everybody')
    assert.equal(await command(['end', '--config', at.config, '--everybody'], everybody.terminal), 0)
    assert.equal(everybody.said.out, '2 sessions are over.\n', 'mallory and the guest')
    assert.equal(await at.sessions.count(), 0)
  })
})

describe('latchkey sessions end --watch', () => {
  let at: Place
  before(() => {
    at = place()
  })
  after(() => at.remove())

  it('writes into the trail what is done, before it is done, and by which user of the machine', async () => {
    const trail = at.file('watch.db')
    const store = sqliteWatch(trail)
    await store.ping()
    await new Browser(at).signIn('alice')
    const [{ sid } = assert.fail()] = await at.sessions.list('alice')
    const { code, error } = await latchkey([
      'sessions',
      'end',
      sid,
      '--yes',
      '--config',
      at.config,
      '--watch',
      `sqlite:${trail}`,
    ])
    assert.equal(code, 0, error)
    const { entries } = await store.entries({ limit: 10 })
    assert.deepEqual(
      entries.toReversed().map(({ type, detail }) => [type, type === 'operator.acted' ? detail : null]),
      [
        ['trail.opened', null],
        ['operator.acted', { operation: 'end-session', target: sid, by: `cli:${userInfo().username}` }],
        ['session.ended', null],
        ['trail.closed', null],
      ],
    )
    await store.close()
  })

  it('ends nothing that could not be written down', async () => {
    await new Browser(at).signIn('bob')
    const missing = at.file('nowhere.db')
    const { code, error } = await latchkey([
      'sessions',
      'end',
      '--user',
      'bob',
      '--yes',
      '--config',
      at.config,
      '--watch',
      `sqlite:${missing}`,
    ])
    assert.equal(code, 1)
    assert.match(error, /nowhere\.db is not there/)
    assert.equal((await at.sessions.list('bob')).length, 1)
    assert.ok(!existsSync(missing), 'and no empty trail lies about')
  })
})

describe('latchkey sessions, misused', () => {
  const misuses: readonly (readonly [args: string[], says: RegExp])[] = [
    [[], /list, show or end/],
    [['toString'], /list, show or end/],
    [['list'], /--config FILE is missing/],
    [['list', '--config', 'x', '--limit', '0'], /--limit/],
    [['list', '--config', 'x', '--limit', 'ten'], /--limit/],
    [['list', '--nope'], /--nope/],
    [['show', '--config', 'x'], /Name one session/],
    [['show', 'alice', '--config', 'x'], /22 characters/],
    [['end', '--config', 'x'], /SID, --user ID or --everybody/],
    [['end', '--config', 'x', '--everybody', '--user', 'alice'], /one of them/],
    [['end', '--config', 'x', 'A'.repeat(22), '--everybody'], /one of them/],
    [['end', '--config', 'x', 'A'.repeat(22), 'B'.repeat(22)], /one of them/],
    [['end', '--config', 'x', 'alice', '--yes'], /--user/],
  ]
  for (const [args, says] of misuses) {
    it(`exits 2 for ${JSON.stringify(args)}`, async () => {
      const { terminal, said } = atTerminal()
      assert.equal(await command(args, terminal), 2)
      assert.match(said.error, says)
      assert.match(said.error, /latchkey --help/)
    })
  }

  it('exits 1 when the configuration cannot be used', async () => {
    const { code, error } = await latchkey(['sessions', 'list', '--config', 'nowhere.ts'])
    assert.equal(code, 1)
    assert.match(error, /nowhere\.ts could not be loaded/)
  })

  it('a sid that begins with a hyphen is a sid', () => {
    const [sid, dashes] = ['-AAAAAAAAAAAAAAAAAAAAA', '--AAAAAAAAAAAAAAAAAAAA']
    assert.deepEqual(withSidsApart([sid, '--yes']), ['--yes', '--', sid])
    assert.deepEqual(withSidsApart(['--yes', dashes]), ['--yes', '--', dashes])
    assert.deepEqual(withSidsApart(['--sid', sid, '--json']), [`--sid=${sid}`, '--json'])
    assert.deepEqual(withSidsApart(['--', sid]), ['--', sid])
    assert.deepEqual(withSidsApart(['--since', '1h', '--user', 'bob']), ['--since', '1h', '--user', 'bob'])
  })
})
