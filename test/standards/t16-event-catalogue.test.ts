import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type EventType, eventCatalogue } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import { Browser } from '../actors/browser.ts'
import { startServer, told } from '../actors/server.ts'
import { stories, World } from '../actors/world.ts'

/** Terms of the OWASP Logging Vocabulary Cheat Sheet that sessions have to do with. */
const vocabulary = new Set([
  ...[
    'authn_login_success',
    'authn_login_fail',
    'authn_login_lock',
    'authn_password_change',
    'authn_impossible_travel',
  ],
  ...['authn_login_fail_max', 'user_updated', 'sensitive_create', 'sensitive_update'],
  ...['authn_token_created', 'authn_token_revoked', 'authn_token_reuse', 'authn_token_delete'],
  ...['authz_fail', 'authz_change', 'authz_admin', 'excess_rate_limit_exceeded', 'input_validation_fail'],
  ...['malicious_extraneous', 'malicious_attack_tool', 'malicious_cors', 'malicious_direct_reference'],
  ...['session_created', 'session_renewed', 'session_expired', 'session_use_after_expire', 'sequence_fail'],
  ...['sys_startup', 'sys_shutdown', 'sys_restart', 'sys_crash'],
  ...['crypt_decrypt_fail', 'crypt_encrypt_fail'],
])

/** Kinds that may happen without a request, or do not say which: an administrator, the sweep, the store. */
const withoutRequest = new Set<EventType>([
  ...(['sessions.ended-all', 'store.failed', 'events.suppressed', 'session.ended', 'session.locked'] as const),
  // Its owner's session says where from; the factors are not told.
  ...(['factor.added', 'factor.removed'] as const),
])

const types = Object.keys(eventCatalogue) as EventType[]

describe('T16 event catalogue', () => {
  for (const type of types) {
    it(`CS-L1: ${type} has a term of the OWASP vocabulary and a severity`, () => {
      const { owasp, severity } = eventCatalogue[type]
      assert.ok(vocabulary.has(owasp), owasp)
      assert.ok(['info', 'warning', 'alert'].includes(severity))
    })

    it(`16.1.1, 16.2.1: ${type} happens, and says when, which session, who and from where`, async () => {
      const world = new World(memoryStore())
      await stories[type](world)
      const events = world.server.events.filter(event => event.type === type)
      assert.ok(events.length > 0)
      for (const event of events) {
        assert.equal(typeof event.at, 'number')
        assert.ok(event.sid === null || /^[\w-]{22}$/.test(event.sid))
        assert.ok(event.userId === null || event.userId === 'alice' || event.userId === 'bob')
        if (withoutRequest.has(type)) continue
        assert.match(event.origin?.address ?? '', /^192\.0\.2\.1$|^203\.0\.113\.66$/)
        assert.equal(event.origin?.userAgent, 'Test/1.0')
      }
      await world.server.sessions.close()
    })
  }

  it('16.1.1: every event that happens anywhere is in the catalogue', async () => {
    const world = new World(memoryStore())
    for (const type of types) await stories[type](world)
    const unknown = world.server.events.filter(event => !Object.hasOwn(eventCatalogue, event.type))
    assert.deepEqual(unknown, [])
    await world.server.sessions.close()
  })

  it('an attack is an alert, life is not', async () => {
    const severityOf = (type: EventType) => eventCatalogue[type].severity
    assert.equal(severityOf('token.replayed'), 'alert')
    assert.equal(severityOf('record.corrupt'), 'alert')
    const world = new World(memoryStore())
    const browser = await world.signedIn()
    for (let n = 0; n < 5; n += 1) {
      world.server.clock.advance('10m')
      await world.send(browser, session => session.load())
    }
    await world.send(browser, session => session.end())
    assert.deepEqual(
      world.server.events.filter(event => severityOf(event.type) !== 'info'),
      [],
    )
  })

  const attacks: readonly (readonly [name: string, type: EventType])[] = [
    ['a tampered token', 'token.forged'],
    ['a forged request', 'request.refused'],
    ['a replayed token', 'token.replayed'],
    ['a token of a session that is over', 'token.used-after-end'],
    ['two cookies of one name', 'cookie.duplicated'],
  ]
  for (const [name, type] of attacks) {
    it(`16.3.3: ${name} gives ${type} and no other alarm`, async () => {
      const world = new World(memoryStore())
      await stories[type](world)
      const alarms = world.server.events.filter(event => eventCatalogue[event.type].severity !== 'info')
      assert.deepEqual(new Set(alarms.map(event => event.type)), new Set([type]))
    })
  }

  it('16.3.1: a sign-in and a step-up say with which factors, and at which level', async () => {
    const world = new World(memoryStore())
    await stories['session.stepped-up'](world)
    const details = world.server.events.flatMap(event => ('aal' in event ? [[event.type, event.amr, event.aal]] : []))
    assert.deepEqual(details, [
      ['session.signed-in', ['pwd'], 1],
      ['session.stepped-up', ['pwd', 'otp'], 2],
    ])
  })

  it('16.4.1: what the client wrote comes as it is, cut to 256 characters, and JSON keeps it in one line', async () => {
    const server = startServer()
    const hostile = `\r\n{"type":"session.signed-in"}\u001b[2J\u2028\u0000"\\${'x'.repeat(1_000)}`
    await new Browser(server, 'forged').see({ headers: { 'user-agent': hostile } })
    const [event] = server.events
    assert.equal(event?.origin?.userAgent, hostile.slice(0, 256))
    const line = JSON.stringify(event)
    assert.doesNotMatch(line, /[\n\r\u0000-\u001f]/)
    assert.deepEqual(JSON.parse(line), event)
  })

  it('CS-L2: 100,000 bad cookies give a hundred events a second, and one that counts the rest', async () => {
    const server = startServer()
    const attacker = new Browser(server, 'forged')
    for (let n = 0; n < 100_000; n += 1) await attacker.see()
    server.clock.advance('1s')
    await attacker.see()
    assert.equal(told(server, 'token.forged').length, 101)
    const [summary] = server.events.filter(event => event.type === 'events.suppressed')
    assert.equal(summary?.type === 'events.suppressed' && summary.count, 99_900)
  })
})
