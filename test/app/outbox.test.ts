import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SMTPServerOptions } from 'smtp-server'
import type { Database } from '../../app/database.ts'
import { createMailer, type Mail, type Mailer, MailRefused } from '../../app/mailer.ts'
import { createNotices, type Notices } from '../../app/notices.ts'
import { type Outbox, openOutbox, pauseAfter } from '../../app/outbox.ts'
import { openSqlite } from '../../app/sqlite-database.ts'
import { openUsers } from '../../app/users.ts'
import { describeOnEveryDatabase } from './every-database.ts'
import { deadMailServer, openMailServer, openSilentServer } from './mail-server.ts'

const minute = 60_000
const hour = 60 * minute
const from = 'campus@campus.test'
const user = 'student123'
const here = {
  address: '192.0.2.7',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0',
}

/** To whom the server in hand was sent something, whatever it said to that. */
let taken: string[] = []

/** A mailer that a test answers for. */
function doubleOf(answer: (mail: Mail) => Promise<void> | void): Mailer & { readonly sent: Mail[] } {
  const sent: Mail[] = []
  return {
    sent,
    async send(mail) {
      await answer(mail)
      sent.push(mail)
    },
  }
}

async function office(database: Database, mailer: Mailer | null) {
  const time = { now: Date.UTC(2026, 10, 21, 14, 5) }
  const errors: unknown[] = []
  const clock = () => time.now
  const failed = (error: unknown) => errors.push(error)
  const users = await openUsers(database)
  await users.createFirst('correct horse')
  const outbox = openOutbox({ database, mailer, clock, failed })
  return { time, errors, outbox, users, notices: createNotices({ outbox, clock, failed }) }
}

const inMemory = (mailer: Mailer | null) => office(openSqlite(':memory:'), mailer)
const statesOf = async (outbox: Outbox) =>
  (await outbox.of(user)).flatMap(({ mails }) => mails.map(({ address, state }) => [address, state]))

describe('Notices', () => {
  const all: [string, (notices: Notices) => Promise<void>, subject: RegExp, text: RegExp][] = [
    [
      'ASVS 6.3.5: a new device',
      n => n.newDevice(user, here),
      /^New sign-in/,
      /Firefox on Linux, address 192\.0\.2\.7/,
    ],
    [
      'ASVS 6.3.7, CS-M2: a new factor',
      n => n.factorChanged(user, { change: 'added', kind: 'totp', label: 'My phone' }),
      /protection .* has changed/,
      /An authenticator app, called "My phone", was added on 21 Nov, 14:05 UTC/,
    ],
    ['ASVS 6.3.7: a new password', n => n.passwordChanged(user), /password was changed/, /21 Nov, 14:05 UTC/],
    [
      'ASVS 6.3.7: a new e-mail address',
      n => n.emailChanged(user, null),
      /e-mail address .* was changed/,
      /from now on/,
    ],
    [
      'ASVS 6.3.5, CS-M3: a right password with a wrong second factor',
      n => n.secondFactorFailed(user, here),
      /^Somebody knows your Campus password$/,
      /Firefox on Linux, address 192\.0\.2\.7/,
    ],
    [
      'the end of all other sessions',
      n => n.otherSessionsEnded(user, 2),
      /signed out/,
      /2 other sessions of your account were ended/,
    ],
  ]
  for (const [what, tell, subject, text] of all)
    it(`tell of ${what}: on the page, in words, without a link`, async () => {
      const { outbox, notices, errors } = await inMemory(null)
      await tell(notices)
      const [message, ...others] = await outbox.of(user)
      assert.ok(message)
      assert.deepEqual([others, message.mails, errors], [[], [], []])
      assert.match(message.subject, subject)
      assert.match(message.text, text)
      assert.match(message.text, /^Hello student123,\n/)
      assert.doesNotMatch(message.text, /https?:|www\.|<|>/)
      assert.deepEqual(await outbox.of('admin'), [])
    })

  it('never reject, and say so to the operator, when they cannot be written', async () => {
    const database = openSqlite(':memory:')
    const { notices, errors } = await office(database, null)
    await database.close()
    for (const [, tell] of all) await tell(notices)
    assert.equal(errors.length, all.length)
  })

  it('are for users only', async () => {
    const { notices, outbox, errors } = await inMemory(null)
    await notices.passwordChanged('nobody')
    assert.deepEqual([await outbox.of('nobody'), errors], [[], []])
  })

  it('of what strangers can cause are not repeated within an hour', async () => {
    const { notices, outbox, time } = await inMemory(null)
    const subjects = async () => (await outbox.of(user)).length
    for (let nth = 0; nth < 5; nth += 1) await notices.secondFactorFailed(user, { ...here, address: `192.0.2.${nth}` })
    assert.equal(await subjects(), 1)
    for (let nth = 0; nth < 5; nth += 1) await notices.newDevice(user, here)
    assert.equal(await subjects(), 2)
    await notices.newDevice(user, { ...here, address: '192.0.2.8' })
    assert.equal(await subjects(), 3)
    await notices.secondFactorFailed('admin', here)
    assert.equal((await outbox.of('admin')).length, 1)
    time.now += hour
    await notices.secondFactorFailed(user, here)
    await notices.newDevice(user, here)
    assert.equal(await subjects(), 5)
  })

  it('of new devices are at most ten in an hour, whatever the devices call themselves', async () => {
    const { notices, outbox, time } = await inMemory(null)
    for (let nth = 0; nth < 30; nth += 1) await notices.newDevice(user, { address: null, userAgent: `Robot${nth}/1.0` })
    assert.equal((await outbox.of(user)).length, 10)
    await notices.passwordChanged(user)
    assert.equal((await outbox.of(user)).length, 11, 'what else happens is told all the same')
    time.now += hour
    await notices.newDevice(user, here)
    assert.equal((await outbox.of(user)).length, 12)
  })

  it('of renewed recovery codes are not repeated within an hour; of factors that come and go, each is told', async () => {
    const { notices, outbox, time } = await inMemory(null)
    const change = (change: 'added' | 'removed' | 'renewed', kind: 'totp' | 'recovery') =>
      notices.factorChanged(user, { change, kind, label: '' })
    for (let nth = 0; nth < 5; nth += 1) await change('renewed', 'recovery')
    assert.equal((await outbox.of(user)).length, 1)
    await change('added', 'totp')
    await change('removed', 'totp')
    await change('added', 'totp')
    assert.equal((await outbox.of(user)).length, 4)
    time.now += hour
    await change('renewed', 'recovery')
    assert.equal((await outbox.of(user)).length, 5)
  })

  it('go after 90 days', async () => {
    const { notices, outbox, time } = await inMemory(doubleOf(() => {}))
    await notices.passwordChanged(user)
    time.now += 90 * 24 * hour
    await notices.otherSessionsEnded(user, 1)
    assert.deepEqual(
      (await outbox.of(user)).map(({ subject }) => subject),
      ['You were signed out of Campus elsewhere'],
    )
  })
})

describe('Notices by mail', () => {
  it('arrive as plain text, with a fixed subject and the time they were written', async () => {
    const server = await openMailServer()
    const { notices, outbox } = await inMemory(createMailer({ server: server.url, from }))
    await notices.passwordChanged(user)
    await outbox.deliver()
    assert.deepEqual(await statesOf(outbox), [['student123@campus.example', 'sent']])
    const [mail] = server.arrived
    assert.ok(mail)
    const header = (name: string) => mail.headers.filter(([found]) => found === name).map(([, value]) => value)
    assert.deepEqual([mail.from, mail.to], [from, ['student123@campus.example']])
    assert.deepEqual(header('Subject'), ['Your Campus password was changed'])
    assert.deepEqual(header('From'), [`Campus <${from}>`])
    assert.deepEqual(header('Auto-Submitted'), ['auto-generated'])
    assert.match(header('Content-Type').join(), /^text\/plain; charset=utf-8$/)
    assert.match(header('Date').join(), /21 Nov 2026 14:05:00/)
    assert.match(header('Message-ID').join(), /^<[\w-]{36}@campus\.test>$/)
    assert.match(mail.body, /^Hello student123,\n\nThe password of your account was changed on 21 Nov, 14:05 UTC\./)
  })

  it('go to the old address, too, when that changes, and once when it is the same', async () => {
    const mailer = doubleOf(() => {})
    const { notices, outbox, users } = await inMemory(mailer)
    await users.setEmail(user, 'new@example.org')
    await notices.emailChanged(user, 'student123@campus.example')
    await outbox.deliver()
    assert.deepEqual(mailer.sent.map(({ to }) => to).sort(), ['new@example.org', 'student123@campus.example'])
    await notices.emailChanged(user, 'new@example.org')
    await outbox.deliver()
    assert.equal(mailer.sent.length, 3)
  })

  const hostile = [
    'x\r\nBcc: thief@example.org\r\n\r\nClick here',
    'x\nBcc: thief@example.org',
    'x\r\n.\r\nMAIL FROM:<thief@example.org>',
    '=?utf-8?Q?=0D=0ABcc:_thief@example.org?=',
    'https://evil.example/login Click/1.0 now',
    '<a href="https://evil.example">here</a>/1.0',
    '\u202Egnp.exe/1.0',
    'a\u0000b\u0007c/1.0',
    `${'A'.repeat(5_000)}/1.0`,
    'www.evil.example/1 (now)',
    '\uD800/1',
    '@thief.example/1',
  ]
  for (const text of hostile)
    it(`cannot be forged by ${JSON.stringify(text).slice(0, 50)}`, async () => {
      const server = await openMailServer()
      const { notices, outbox, errors } = await inMemory(createMailer({ server: server.url, from }))
      await notices.newDevice(user, { address: text, userAgent: text })
      await notices.factorChanged(user, { change: 'added', kind: 'passkey', label: text })
      await notices.secondFactorFailed(user, { address: text, userAgent: text })
      await outbox.deliver()
      assert.deepEqual(errors, [])
      assert.equal(server.arrived.length, 3)
      for (const { from: sender, to, headers, body } of server.arrived) {
        assert.deepEqual([sender, to], [from, ['student123@campus.example']])
        const names = headers.map(([name]) => name)
        assert.deepEqual(names.toSorted(), [
          'Auto-Submitted',
          'Content-Transfer-Encoding',
          'Content-Type',
          'Date',
          'From',
          'MIME-Version',
          'Message-ID',
          'Subject',
          'To',
        ])
        assert.doesNotMatch(body, /https?:|www\.|@|<|evil\.example|[\u202A-\u202E\u2066-\u2069]|[^\P{Cc}\n]/u)
        assert.ok(body.split('\n').every(line => !line.startsWith('Bcc') && line.length < 400))
        assert.match(body, /^Hello student123,\n/)
      }
    })

  it('do not wait for a mail server that says nothing, and neither does the end of Campus', async () => {
    const silent = await openSilentServer()
    const { notices, outbox } = await inMemory(createMailer({ server: silent.url, from }))
    await notices.passwordChanged(user)
    await silent.connected()
    // Written and shown, while the mail server still has the line.
    assert.deepEqual(await statesOf(outbox), [['student123@campus.example', 'waiting']])
    await notices.otherSessionsEnded(user, 1)
    assert.equal((await outbox.of(user)).length, 2)
    assert.equal(silent.connections(), 1, 'one mail at a time')
    await outbox.close()
    assert.deepEqual(
      (await statesOf(outbox)).map(([, state]) => state),
      ['waiting', 'waiting'],
    )
  })

  it('are tried again after growing pauses until the mail server is back', async () => {
    const dead = await deadMailServer()
    const { notices, outbox, time, errors } = await inMemory(createMailer({ server: dead, from }))
    await notices.passwordChanged(user)
    await outbox.deliver()
    assert.equal(errors.length, 1)
    for (let failures = 1; failures < 6; failures += 1) {
      time.now += pauseAfter(failures) - 1
      await outbox.deliver()
      assert.equal(errors.length, failures, 'not a moment earlier')
      time.now += 1
      await outbox.deliver()
      assert.equal(errors.length, failures + 1)
    }
    const server = await openMailServer({}, Number(new URL(dead).port))
    time.now += pauseAfter(6)
    await outbox.deliver()
    assert.equal(server.arrived.length, 1)
    assert.deepEqual(await statesOf(outbox), [['student123@campus.example', 'sent']])
    time.now += 24 * hour
    await outbox.deliver()
    assert.equal(server.arrived.length, 1, 'and never again')
  })

  it('wait 1, 2, 4 … minutes, an hour at most', () => {
    assert.deepEqual(
      [1, 2, 3, 6, 7, 8, 24].map(attempts => pauseAfter(attempts) / minute),
      [1, 2, 4, 32, 60, 60, 60],
    )
  })

  it('are given up after 24 attempts', async () => {
    let attempts = 0
    const mailer = doubleOf(() => {
      attempts += 1
      throw new Error('down')
    })
    const { notices, outbox, time } = await inMemory(mailer)
    await notices.passwordChanged(user)
    for (let nth = 0; nth < 40; nth += 1) {
      await outbox.deliver()
      time.now += hour
    }
    assert.equal(attempts, 24)
    assert.deepEqual(await statesOf(outbox), [['student123@campus.example', 'given-up']])
  })

  it('are given up at once for a recipient whom the server refuses for good, and others go on', async () => {
    const server = await openMailServer({
      onRcptTo({ address }, _session, done) {
        done(address.startsWith('student123@') ? Object.assign(new Error('No such user'), { responseCode: 550 }) : null)
      },
    })
    const { notices, outbox, errors } = await inMemory(createMailer({ server: server.url, from }))
    await Promise.all([notices.passwordChanged(user), notices.passwordChanged('admin')])
    await outbox.deliver()
    assert.deepEqual(await statesOf(outbox), [['student123@campus.example', 'given-up']])
    assert.deepEqual(
      server.arrived.map(({ to }) => to),
      [['admin@campus.example']],
    )
    assert.equal(errors.length, 1)
    assert.ok(errors[0] instanceof MailRefused)
  })

  const later = (to: string | undefined) =>
    to?.endsWith('@gone.example') ? Object.assign(new Error('Later'), { responseCode: 450 }) : null
  for (const [what, options] of [
    ['recipient', { onRcptTo: ({ address }, _session, done) => done(later(address)) }],
    [
      'mail',
      {
        onData(stream, { envelope }, done) {
          const [to] = envelope.rcptTo
          stream.resume().on('end', () => {
            taken.push(to?.address ?? '')
            done(later(to?.address))
          })
        },
      },
    ],
  ] satisfies [string, SMTPServerOptions][])
    it(`are kept when the server refuses a ${what} for now, and others go on`, async () => {
      taken = []
      const server = await openMailServer(options)
      const { notices, outbox, users, time } = await inMemory(createMailer({ server: server.url, from }))
      await users.setEmail(user, 'me@gone.example')
      for (let nth = 1; nth <= 12; nth += 1) await notices.otherSessionsEnded(user, nth)
      time.now += 1
      await notices.passwordChanged('admin')
      await outbox.deliver()
      const arrived = [...server.arrived.flatMap(({ to }) => to), ...taken]
      assert.ok(arrived.includes('admin@campus.example'))
      assert.ok((await statesOf(outbox)).every(([, state]) => state === 'waiting'))
    })

  it('stop at once when the server wants nothing from us: the next one would be refused as well', async () => {
    const server = await openMailServer({
      onMailFrom: (_address, _session, done) => done(Object.assign(new Error('Not you'), { responseCode: 550 })),
    })
    for (const url of [server.url, await deadMailServer()]) {
      const { notices, outbox, errors, time } = await inMemory(createMailer({ server: url, from }))
      for (let nth = 1; nth <= 5; nth += 1) await notices.otherSessionsEnded(user, nth)
      await outbox.deliver()
      time.now += hour
      const before = errors.length
      await outbox.deliver()
      assert.equal(errors.length, before + 1)
      assert.ok((await statesOf(outbox)).every(([, state]) => state === 'waiting'))
    }
  })

  it('are at most 20 in an hour for one user; what else there is to tell stands on the page', async () => {
    const mailer = doubleOf(() => {})
    const { notices, outbox, time } = await inMemory(mailer)
    for (let nth = 1; nth <= 30; nth += 1) await notices.otherSessionsEnded(user, nth)
    await notices.passwordChanged('admin')
    await outbox.deliver()
    assert.equal(mailer.sent.filter(({ to }) => to.startsWith(user)).length, 20)
    assert.equal(mailer.sent.filter(({ to }) => to.startsWith('admin')).length, 1)
    assert.equal((await outbox.of(user)).length, 30)
    time.now += hour
    await notices.passwordChanged(user)
    await outbox.deliver()
    assert.equal(mailer.sent.length, 22)
  })

  it('ASVS 12.3.1: go over a network with TLS or not at all', async () => {
    const server = await openMailServer()
    // This machine under an address that does not say so.
    const elsewhere = server.url.replace('127.0.0.1', '0.0.0.0')
    const { notices, outbox, errors } = await inMemory(createMailer({ server: elsewhere, from }))
    await notices.passwordChanged(user)
    await outbox.deliver()
    assert.equal(server.arrived.length, 0)
    assert.equal(errors.length, 1)
  })
})

describeOnEveryDatabase('The outbox', newPlace => {
  /** Databases of several processes. Those of SQLite would stop each other when they are in one process: they share one. */
  const openers = async () => {
    const place = await newPlace()
    if (place.kind === 'postgres') return place.open
    const database = await place.open()
    return async () => database
  }

  it('of two processes sends each mail once', async () => {
    const open = await openers()
    const sent: string[] = []
    const mailer = doubleOf(async ({ to, id }) => {
      sent.push(`${to} ${id}`)
      await new Promise(resume => setImmediate(resume))
    })
    const first = await office(await open(), mailer)
    const second = await office(await open(), mailer)
    for (let nth = 1; nth <= 12; nth += 1) await (nth % 2 ? first : second).notices.otherSessionsEnded(user, nth)
    await Promise.all([first, second, first, second].map(({ outbox }) => outbox.deliver()))
    assert.equal(sent.length, 12)
    assert.equal(new Set(sent).size, 12)
    assert.deepEqual([first.errors, second.errors], [[], []])
    assert.ok((await statesOf(second.outbox)).every(([, state]) => state === 'sent'))
  })

  it('leaves a mail to others when its process dies on the way', async () => {
    const open = await openers()
    const { promise: claimed, resolve: claim } = Promise.withResolvers<void>()
    const hanging = doubleOf(() => {
      claim()
      return new Promise(() => {})
    })
    const stuck = await office(await open(), hanging)
    const mailer = doubleOf(() => {})
    const other = await office(await open(), mailer)
    await stuck.notices.passwordChanged(user)
    void stuck.outbox.deliver()
    await claimed
    await other.outbox.deliver()
    assert.equal(mailer.sent.length, 0)
    other.time.now += pauseAfter(1)
    await other.outbox.deliver()
    assert.equal(mailer.sent.length, 1)
  })

  it('writes one of many equal messages at once', async () => {
    const open = await openers()
    const offices = await Promise.all([1, 2, 3].map(async () => office(await open(), null)))
    await Promise.all(Array.from({ length: 30 }, (_, nth) => offices[nth % 3]?.notices.secondFactorFailed(user, here)))
    assert.equal((await offices[0]?.outbox.of(user))?.length, 1)
    assert.deepEqual(
      offices.flatMap(({ errors }) => errors),
      [],
    )
  })
})
