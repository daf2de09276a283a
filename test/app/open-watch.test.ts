import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { verifyWebhook } from 'latchkey/watch/notifiers'
import { books } from '../../app/books.ts'
import { writeMmdb } from '../actors/mmdb.ts'
import { describeWithPostgres } from '../servers/postgres.ts'
import { openAlertReceiver } from './alert-receiver.ts'
import { openMailServer } from './mail-server.ts'
import { type OpenCampus, openCampus, openCampusIn, password } from './open-campus.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import type { Visitor } from './visitor.ts'

const second = 1_000
const minute = 60 * second
const alertSecret = 'c2VjcmV0IGZvciBhbGVydHMgb2YgdGhpcyB0ZXN0ISE='
const cookieName = '__Host-Http-sid'
const book = books[0]?.isbn ?? ''

const onWindows = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/143.0.0.0 Safari/537.36'
const onLinux = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'

const berlin = { country: { iso_code: 'DE' }, location: { latitude: 52.5, longitude: 13.4, accuracy_radius: 20 } }
const sydney = { country: { iso_code: 'AU' }, location: { latitude: -33.9, longitude: 151.2, accuracy_radius: 20 } }

/** Somebody who is signed in, with a book in the cart. */
async function customer(campus: OpenCampus): Promise<Visitor> {
  const visitor = campus.visitor({ 'user-agent': onWindows })
  await visitor.submit('/shop/cart', { isbn: book, quantity: '2' }, '/shop')
  assert.equal((await visitor.signIn('student123', password)).status, 303)
  return visitor
}

/** Somebody else with the same cookies, in another browser. */
function thiefOf(campus: OpenCampus, victim: Visitor): Visitor {
  const thief = campus.visitor({ 'user-agent': onLinux })
  for (const [name, value] of victim.cookies) thief.cookies.set(name, value)
  return thief
}

/** A token comes back that was superseded long ago: that token. */
async function replay(campus: OpenCampus): Promise<string> {
  const victim = await customer(campus)
  const thief = thiefOf(campus, victim)
  campus.pass(10 * minute)
  for (const path of ['/dashboard', '/profile']) await victim.get(path)
  campus.pass(61 * second)
  await victim.get('/shop')
  const token = thief.cookies.get(cookieName) ?? ''
  assert.notEqual(token, '')
  assert.equal((await thief.get('/api/profile')).status, 401)
  return token
}

const hasCart = async (visitor: Visitor) => /in your cart: <\/span>2</.test((await visitor.get('/shop')).text)

/** What is done about a session that shows up in another browser, and the two who have it. */
async function stolen(onAlert: string) {
  const campus = await openCampus('--on-alert', onAlert)
  const victim = await customer(campus)
  const thief = thiefOf(campus, victim)
  assert.equal((await thief.get('/dashboard')).status, 200)
  const { userId, sid } = await campus.logged('detector.hit', { detector: 'agent-changed' })
  assert.equal(userId, 'student123')
  return { campus, victim, thief, sid }
}

/** Where somebody is sent who asks for a page. */
const sentTo = async (visitor: Visitor, path: string) => (await visitor.get(path)).headers.location

// First, because a Campus that was started makes new files its owner's alone, and PostgreSQL is somebody else.
describeWithPostgres('The watch of Campus in PostgreSQL', server => {
  it('is where it was told to be, with nothing beside it', async () => {
    await server.sql('CREATE DATABASE watched')
    const campus = await openCampusIn({ CAMPUS_WATCH: server.url({ database: 'watched' }) })
    await campus.visitor().signIn('student123', 'wrong')
    await campus.logged('sign-in.failed', { userId: 'student123' })
    await campus.stop()
    const pool = server.pool({ connectionString: server.url({ database: 'watched' }) })
    const { rows } = await pool.query('SELECT type, user_id FROM latchkey_watch_entries ORDER BY seq')
    assert.equal(rows.at(-1)?.type, 'trail.closed')
    assert.ok(rows.some(row => row.type === 'sign-in.failed' && row.user_id === 'student123'))
    assert.equal(existsSync(join(campus.directory, 'watch.db')), false)
  })
})

describe('The watch of Campus', () => {
  it('tells a receiver of webhooks and a mailbox that a token came back', async () => {
    const receiver = await openAlertReceiver()
    const mail = await openMailServer()
    const campus = await openCampusIn(
      { ALERT_SECRET: alertSecret },
      ...['--alert-webhook', receiver.url, '--smtp', mail.url, '--alert-mail', 'watch@campus.example'],
    )
    const token = await replay(campus)
    const { sid, detail } = await campus.logged('detector.hit', { detector: 'token-replay' })

    const { headers, body } = await receiver.first()
    assert.equal(verifyWebhook(headers, body, 'YW5vdGhlciBzZWNyZXQsIGFzIGxvbmcgYXMgdGhlIG9uZQ=='), null)
    const hook = verifyWebhook(headers, body, alertSecret)
    assert.ok(hook)
    assert.equal(hook.id, detail?.alert)
    assert.partialDeepStrictEqual(hook.payload.data.alert, { detector: 'token-replay', userId: 'student123', sid })

    const told = await mail.mailTo('watch@campus.example')
    assert.match(told.body, /^A superseded token of session "[\w-]{22}" of user "student123" came back/)
    assert.match(told.body, new RegExp(`alert: ${detail?.alert}`))
    assert.equal(mail.arrived.filter(({ to }) => to.includes('watch@campus.example')).length, 1)
    for (const text of [body, told.raw, campus.log.join()])
      assert.ok(!text.includes(token), 'the token is told to nobody')
  })

  it('asks both who use a stolen session for the password; the owner goes on with the data, the thief does not', async () => {
    const { campus, victim, thief, sid } = await stolen('act')
    const taken = { detector: 'agent-changed', action: 'reauthenticate', outcome: 'done' }
    assert.equal((await campus.logged('action.taken', taken)).sid, sid)
    assert.equal(campus.linesOf('session.locked').length, 1)
    for (const visitor of [thief, victim]) {
      assert.equal(await sentTo(visitor, '/profile'), '/login?returnTo=%2Fprofile')
      assert.equal(await sentTo(visitor, '/login?returnTo=%2Fprofile'), '/reauthenticate?returnTo=%2Fprofile')
      assert.equal(await sentTo(visitor, '/login'), '/reauthenticate?returnTo=%2Fdashboard')
      assert.equal(await hasCart(visitor), false)
      assert.equal((await visitor.get('/api/profile')).status, 401)
    }
    assert.equal((await thief.submit('/reauthenticate', { password: 'a guess' })).status, 401)

    const page = await victim.get('/reauthenticate?returnTo=%2Fprofile')
    assert.match(page.text, /student123/)
    const proved = await victim.submit('/reauthenticate', { password, returnTo: '/profile' })
    assert.deepEqual([proved.status, proved.headers.location], [303, '/profile'])
    assert.equal((await victim.get('/profile')).status, 200)
    assert.equal(await hasCart(victim), true)

    campus.pass(31 * second)
    assert.equal(
      await sentTo(thief, '/profile'),
      '/login?returnTo=%2Fprofile',
      'the token that was copied is superseded',
    )
    assert.equal(await hasCart(thief), false)
  })

  it('in a dry run only tells what it would have done', async () => {
    const { campus, victim, thief } = await stolen('dry-run')
    await campus.logged('action.taken', { detector: 'agent-changed', action: 'reauthenticate', outcome: 'dry-run' })
    for (const visitor of [victim, thief]) assert.equal((await visitor.get('/profile')).status, 200)
    assert.equal(await hasCart(victim), true)
    assert.deepEqual(campus.linesOf('session.locked'), [])
  })

  it('unless it is asked to, does nothing but tell', async () => {
    const { campus, victim, thief } = await stolen('tell')
    for (const visitor of [victim, thief]) assert.equal((await visitor.get('/profile')).status, 200)
    // Lines come in the order of what happened: all of it is before this one.
    await campus.stop()
    assert.deepEqual([...campus.linesOf('action.taken'), ...campus.linesOf('session.locked')], [])
  })

  it('knows by MaxMind databases where addresses are: nobody is in Berlin and in Sydney within a minute', async () => {
    const directory = temporaryDirectory()
    const [city, asn] = [join(directory, 'city.mmdb'), join(directory, 'asn.mmdb')]
    writeFileSync(city, writeMmdb('GeoLite2-City', { '192.0.2.0/24': berlin, '198.51.100.0/24': sydney }))
    writeFileSync(asn, writeMmdb('GeoLite2-ASN', { '192.0.2.0/24': { autonomous_system_number: 64_500 } }))
    const campus = await openCampus(
      ...['--geo-city', city, '--geo-asn', asn, '--on-alert', 'act', '--watch-learning', '1ms', '--trust-proxy', '1'],
    )
    const from = (address: string) =>
      campus.visitor({ 'user-agent': onWindows, 'x-forwarded-for': address, 'x-forwarded-proto': 'https' })
    const victim = from('192.0.2.7')
    await victim.signIn('student123', password)
    const thief = from('198.51.100.7')
    for (const [name, value] of victim.cookies) thief.cookies.set(name, value)
    // What happens in one moment is looked at together, and nobody gets to know anybody meanwhile.
    await setTimeout(200)
    campus.pass(minute)
    assert.equal((await thief.get('/dashboard')).status, 200)
    await campus.logged('action.taken', { detector: 'impossible-travel', outcome: 'done' })
    for (const visitor of [victim, thief])
      assert.equal(await sentTo(visitor, '/login'), '/reauthenticate?returnTo=%2Fdashboard')
  })

  it('sees what still happens while Campus stops, and ends its trail in order', async () => {
    const campus = await openCampus()
    await customer(campus)
    await campus.stop()
    const trail = new DatabaseSync(join(campus.directory, 'watch.db'), { readOnly: true })
    const types = trail
      .prepare('SELECT type FROM entries JOIN kinds ON kinds.id = entries.kind ORDER BY seq')
      .all()
      .map(({ type }) => type)
    trail.close()
    assert.deepEqual([types.at(0), types.at(-1)], ['trail.opened', 'trail.closed'])
    assert.ok(types.includes('session.signed-in'))
  })
})
