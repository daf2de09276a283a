import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTransport } from 'nodemailer'
import { type EmailOptions, email, sampleNotice } from '../../../src/watch/notifiers.ts'
import { openMailServer, openSilentServer } from '../../app/mail-server.ts'
import { noticeOf, sampleAlert } from '../sample-detection.ts'

const noSignal = new AbortController().signal

/** RFC 2047: words of a header, as they are read. */
function decoded(header = ''): string {
  return header
    .replace(/\?=\s+=\?UTF-8\?Q\?/g, '')
    .replace(/=\?UTF-8\?Q\?(.*?)\?=/g, (_, words: string) =>
      decodeURIComponent(words.replaceAll('%', '=25').replaceAll('_', ' ').replaceAll('=', '%')),
    )
}

async function start(options: Partial<EmailOptions> = {}) {
  const server = await openMailServer()
  const transport = createTransport(server.url)
  const notifier = email({ transport, from: 'Campus <alerts@campus.example>', to: 'ops@campus.example', ...options })
  return { ...server, notifier }
}

describe('mail', () => {
  it('has the sentence as its subject and the facts as plain text', async () => {
    const { notifier, arrived } = await start({ to: ['ops@campus.example', 'chief@campus.example'] })
    const alert = sampleAlert({ evidence: { places: 2, networks: ['192.0.2.0/24', '198.51.100.0/24'], agent: null } })
    await notifier.notify(noticeOf(alert), noSignal)
    const [mail] = arrived
    const headers = new Map(mail?.headers.map(([name, value]) => [name.toLowerCase(), value]))
    assert.deepEqual([mail?.from, mail?.to], ['alerts@campus.example', ['ops@campus.example', 'chief@campus.example']])
    assert.match(decoded(headers.get('subject')), /^\[Latchkey\] Session "A+" of user "ada" is used in two places/)
    assert.match(headers.get('content-type') ?? '', /^text\/plain; charset=utf-8/)
    assert.equal(headers.get('auto-submitted'), 'auto-generated')
    assert.equal(headers.get('message-id'), `<${alert.id}@campus.example>`)
    assert.equal(Date.parse(headers.get('date') ?? ''), alert.firstAt)
    const body = mail?.body ?? ''
    for (const line of ['user: ada', 'detector: two-places', 'networks: 192.0.2.0/24, 198.51.100.0/24', 'agent: -'])
      assert.ok(body.includes(`  ${line}`), `${line} in ${body}`)
  })

  it('of an alert that got worse is another mail, so that no mailbox takes it for the one that it has', async () => {
    const { notifier, arrived } = await start()
    const alert = sampleAlert({ severity: 'alert', lastAt: sampleAlert().firstAt + 60_000 })
    for (const isWorse of [false, true, true]) await notifier.notify({ ...noticeOf(alert), isWorse }, noSignal)
    const headersOf = (name: string) =>
      arrived.map(({ headers }) => headers.find(([key]) => key.toLowerCase() === name)?.[1] ?? '')
    const worse = `<${alert.id}-alert@campus.example>`
    assert.deepEqual(headersOf('message-id'), [`<${alert.id}@campus.example>`, worse, worse])
    assert.deepEqual(
      headersOf('date').map(date => Date.parse(date)),
      [alert.firstAt, alert.lastAt, alert.lastAt],
    )
  })

  it('T16: nobody adds a header, a recipient or a line with what they are called', async () => {
    const { notifier, arrived } = await start()
    const hostile = 'ada\r\nBcc: thief@evil.example\r\n\r\n<script>\u202e\u001b[31m'
    const alert = sampleAlert({
      ...{ userId: hostile, address: hostile, sid: hostile },
      evidence: { [hostile]: hostile, list: [hostile] },
    })
    await notifier.notify(noticeOf(alert), noSignal)
    const [mail] = arrived
    assert.deepEqual(mail?.to, ['ops@campus.example'])
    assert.equal(
      mail?.headers.some(([name]) => /^bcc$/i.test(name)),
      false,
    )
    assert.doesNotMatch(mail?.body ?? '', /^(Bcc|<script)/m)
    assert.doesNotMatch(mail?.body ?? '', /[\u001b\u202e]/)
  })

  it('is bounded, whatever was seen', async () => {
    const { notifier, arrived } = await start()
    const evidence = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, place) => [`${'n'.repeat(100)}${place}`, 'x'.repeat(100_000)]),
    )
    await notifier.notify(noticeOf(sampleAlert({ userId: '\u202e'.repeat(256), evidence })), noSignal)
    assert.ok((arrived[0]?.body.length ?? 0) < 10_000, `${arrived[0]?.body.length}`)
    const subject = arrived[0]?.headers.find(([name]) => /^subject$/i.test(name))?.[1] ?? ''
    assert.ok(subject.length < 600, `${subject.length}`)
  })

  it('gives up when the signal fires', async () => {
    const { url, connected } = await openSilentServer()
    const abort = new AbortController()
    const notifier = email({ transport: createTransport(url), from: 'a@b.example', to: 'c@d.example' })
    const rejected = assert.rejects(notifier.notify(sampleNotice(), abort.signal))
    await connected()
    abort.abort()
    await rejected
  })

  it('rejects when the server refuses', async () => {
    const { url } = await openMailServer({ onRcptTo: (_, __, done) => done(new Error('no such user')) })
    const notifier = email({ transport: createTransport(url), from: 'a@b.example', to: 'c@d.example' })
    await assert.rejects(notifier.notify(sampleNotice(), noSignal))
  })
})

describe('options of mail that are refused', () => {
  const table: readonly (readonly [what: string, options: object, says: RegExp])[] = [
    ['no transport', { transport: undefined }, /createTransport/],
    ['nobody to tell', { to: [] }, /to is missing/],
    ['no recipient', { to: undefined }, /to is missing/],
    ['a recipient that is none', { to: 'ops' }, /to must be a mail address/],
    ['a recipient with a line break', { to: 'ops@a.example\r\nBcc: x@y.example' }, /to must be/],
    ['a sender with a line break', { from: 'x\n<a@b.example>' }, /from must be/],
    ['no sender', { from: undefined }, /from must be/],
  ]
  for (const [what, options, says] of table) {
    it(what, () => {
      const transport = { sendMail: async () => {} }
      const all = { transport, from: 'a@b.example', to: 'c@d.example', ...options } as EmailOptions
      assert.throws(() => email(all), { code: 'usage', message: says })
    })
  }
})
