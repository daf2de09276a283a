import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { after, describe, it } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import fc from 'fast-check'
import { generate } from 'selfsigned'
import { syslogMessage } from '../../../src/watch/notifiers/syslog-message.ts'
import { type SyslogOptions, sampleNotice, syslog } from '../../../src/watch/notifiers.ts'
import type { Alert } from '../../../src/watch/store.ts'
import { noticeOf, sampleAlert } from '../sample-detection.ts'

const noSignal = new AbortController().signal
const host = '127.0.0.1'
const names = { hostname: 'web-1', appName: 'campus' }
const sender = { facility: 10, procId: '1', structuredDataId: 'latchkey@32473', ...names }

/** A server that collects what each connection sends until it ends. */
async function collecting(
  server: Server,
  event: 'connection' | 'secureConnection',
  answer: (socket: Socket) => void = () => {},
) {
  const messages: string[] = []
  const sockets = new Set<Socket>()
  server.on(event, (socket: Socket) => {
    sockets.add(socket)
    const chunks: Buffer[] = []
    socket.on('data', chunk => chunks.push(chunk))
    socket.on('end', () => {
      messages.push(Buffer.concat(chunks).toString())
      server.emit('message')
    })
    socket.on('error', () => {})
    answer(socket)
  })
  await once(server.listen(0, host), 'listening')
  after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, messages, server }
}

/** RFC 6587 3.4.1: the length in octets, a space, the message. */
function framed(text: string): string {
  const [length = '', ...rest] = text.split(' ')
  const message = rest.join(' ')
  assert.equal(Buffer.byteLength(message), Number(length))
  return message
}

/** The fields of RFC 5424, strictly. Structured data is read by its own rules. */
function parse(message: string) {
  const match =
    /^<(\d{1,3})>1 (\S+) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) \[([\w.-]+@\d+)((?: [!-<>-Z\\^-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*)\] ([\s\S]*)$/u.exec(
      message,
    )
  assert.ok(match, `no message of RFC 5424: ${JSON.stringify(message)}`)
  const [, priority, time, hostname, appName, procId, msgId, id, data = '', text = ''] = match
  const facts = [...data.matchAll(/ ([^=]+)="((?:[^"\\\]]|\\["\\\]])*)"/gu)].map(
    ([, name = '', value = '']) => [name, value.replace(/\\(["\\\]])/g, '$1')] as const,
  )
  return { priority, time, hostname, appName, procId, msgId, id, facts: Object.fromEntries(facts), text }
}

describe('a syslog message', () => {
  it('has the alert in its fields, its structured data and its text', () => {
    const message = syslogMessage({ ...noticeOf(sampleAlert()), others: 3 }, sender, 2_048).toString()
    assert.deepEqual(parse(message), {
      ...{ priority: '84', time: '2030-01-01T00:00:00.000Z', hostname: 'web-1', appName: 'campus', procId: '1' },
      ...{ msgId: 'two-places', id: 'latchkey@32473' },
      facts: {
        ...{ alert: sampleAlert().id, severity: 'warning', sid: sampleAlert().sid, user: 'ada', address: '192.0.2.7' },
        ...{ others: '3', 'evidence.places': '2' },
      },
      text: noticeOf().text,
    })
  })

  it('says how urgent it is: facility times 8 and the severity', () => {
    const priority = (severity: Alert['severity'], facility: number) =>
      parse(syslogMessage(noticeOf(sampleAlert({ severity })), { ...sender, facility }, 2_048).toString()).priority
    assert.deepEqual([priority('alert', 10), priority('warning', 0), priority('alert', 23)], ['81', '4', '185'])
  })

  it('marks its text as UTF-8 when it is more than ASCII', () => {
    const text = (userId: string) =>
      parse(syslogMessage(noticeOf(sampleAlert({ userId })), sender, 2_048).toString()).text
    assert.match(text('Zoë'), /^\ufeffSession .*"Zoë"/)
    assert.match(text('Zoe'), /^Session/)
  })

  it('T16: what anybody is called splits no line, ends no structured data and forges no field', () => {
    const hostile = [
      'ada"] forged [x@1 y="',
      'a\\"]',
      'a\r\n<81>1 - - - - - -',
      '\u001b[2J',
      '\u202eada',
      '\\',
      ']',
      '"\n',
    ]
    for (const userId of hostile) {
      const { facts, text } = parse(syslogMessage(noticeOf(sampleAlert({ userId })), sender, 2_048).toString())
      assert.deepEqual(Object.keys(facts), ['alert', 'severity', 'sid', 'user', 'address', 'evidence.places'])
      assert.match(`${facts.user}${text}`, /^[^\p{Cc}\p{Cs}\u202e]*$/u)
    }
  })

  it('stays whole when all of it is too long: names are cut first, then the text, between characters', () => {
    const name = '名'.repeat(256)
    const alert = sampleAlert({ userId: name, address: name, sid: name })
    for (let most = 1_000; most < 2_100; most += 1) {
      const bytes = syslogMessage(noticeOf(alert), { ...sender, hostname: 'h'.repeat(255) }, most)
      assert.ok(bytes.length <= most)
      const message = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
      assert.match(parse(message).facts.user ?? '', /^名+…$/)
      assert.doesNotMatch(message, /\ufffd/)
    }
  })

  it('T16: the same, whatever; never longer than it may be, and well-formed when cut', () => {
    const name = fc.string({ unit: 'binary', maxLength: 256 })
    const evidence = fc.dictionary(name, fc.oneof(name, fc.array(name, { maxLength: 5 })), { maxKeys: 20 })
    fc.assert(
      fc.property(name, name, evidence, fc.constantFrom(2_048, 8_192), (userId, address, seen, most) => {
        const alert = sampleAlert({ userId, address, evidence: seen })
        const long = { ...sender, hostname: 'h'.repeat(255), appName: 'a'.repeat(48) }
        const bytes = syslogMessage(noticeOf(alert), long, most)
        assert.ok(bytes.length <= most)
        const message = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
        assert.equal(parse(message).facts.alert, alert.id)
      }),
    )
  })
})

describe('syslog', () => {
  it('over UDP: one datagram', async () => {
    const server = createSocket('udp4')
    server.bind(0, host)
    await once(server, 'listening')
    after(() => server.close())
    const arrived = once(server, 'message')
    await syslog({ host, port: server.address().port, protocol: 'udp', ...names }).notify(sampleNotice(), noSignal)
    const [message] = (await arrived) as [Buffer]
    const { msgId, hostname, appName, procId } = parse(message.toString())
    assert.deepEqual([msgId, hostname, appName, procId], ['two-places', 'web-1', 'campus', String(process.pid)])
  })

  it('over TCP: counted in octets, and each alert on a connection that works', async () => {
    const { port, messages, server } = await collecting(createServer(), 'connection')
    const notifier = syslog({ host, port, protocol: 'tcp', ...names })
    const alert = sampleAlert({ userId: 'Zoë 名前' })
    await notifier.notify(noticeOf(alert), noSignal)
    await notifier.notify(sampleNotice(), noSignal)
    while (messages.length < 2) await once(server, 'message')
    assert.equal(parse(framed(messages[0] ?? '')).facts.user, 'Zoë 名前')
    parse(framed(messages[1] ?? ''))
  })

  it('over TCP: after the server came back', async () => {
    const first = await collecting(createServer(), 'connection')
    const notifier = syslog({ host, port: first.port, protocol: 'tcp' })
    await notifier.notify(sampleNotice(), noSignal)
    await new Promise(resolve => first.server.close(resolve))
    await assert.rejects(notifier.notify(sampleNotice(), noSignal), { code: 'ECONNREFUSED' })
    const again = createServer(socket => socket.resume())
    await once(again.listen(first.port, host), 'listening')
    after(() => again.close())
    await notifier.notify(sampleNotice(), noSignal)
  })

  it('over TCP: a server that resets the connection did not get it', async () => {
    const { port } = await collecting(createServer(), 'connection', socket => socket.resetAndDestroy())
    await assert.rejects(syslog({ host, port, protocol: 'tcp' }).notify(sampleNotice(), noSignal))
  })

  it('over TCP: a server that never hangs up holds nothing up', async () => {
    const { port, messages } = await collecting(createServer({ allowHalfOpen: true }), 'connection', socket => {
      const talk = setInterval(() => socket.write('x'), 50)
      socket.on('close', () => clearInterval(talk))
    })
    await syslog({ host, port, protocol: 'tcp' }).notify(sampleNotice(), noSignal)
    assert.equal(messages.length, 1)
  })

  it('gives up when the signal fires: before, and while it connects', async () => {
    const { port, server } = await collecting(createServer(), 'connection')
    // Takes connections and never shakes hands.
    const notifier = syslog({ host, port, protocol: 'tls' })
    const abort = new AbortController()
    const connected = once(server, 'connection')
    const rejected = assert.rejects(notifier.notify(sampleNotice(), abort.signal), /took too long/)
    await connected
    abort.abort()
    await rejected
    await assert.rejects(notifier.notify(sampleNotice(), abort.signal), { name: 'AbortError' })
  })

  it('over TLS: with a certificate that is trusted, and not without', async () => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' })
    const { port, messages, server } = await collecting(createTlsServer({ cert, key }), 'secureConnection')
    const notifier = syslog({ host: 'localhost', port, protocol: 'tls', tls: { ca: cert } })
    await notifier.notify(sampleNotice(), noSignal)
    while (messages.length < 1) await once(server, 'message')
    parse(framed(messages[0] ?? ''))

    const untrusting = syslog({ host: 'localhost', port, protocol: 'tls' })
    await assert.rejects(untrusting.notify(sampleNotice(), noSignal), { code: /SELF_SIGNED|UNABLE/ })
    const elsewhere = syslog({ host, port, protocol: 'tls', tls: { ca: cert, servername: 'other.example' } })
    await assert.rejects(elsewhere.notify(sampleNotice(), noSignal), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    assert.equal(messages.length, 1)
  })
})

describe('options of syslog', () => {
  const table: readonly (readonly [what: string, options: object, says: RegExp])[] = [
    ['no host', { host: '' }, /host/],
    ['another protocol', { protocol: 'http' }, /protocol/],
    ['a port that is none', { port: 65_536 }, /port/],
    ['a facility that is none', { facility: 24 }, /facility/],
    ['structured data without a number', { structuredDataId: 'latchkey' }, /structuredDataId/],
    ['structured data that ends itself', { structuredDataId: 'x]@1' }, /structuredDataId/],
  ]
  for (const [what, options, says] of table) {
    it(`are refused: ${what}`, () => {
      const all = { host, protocol: 'udp', ...options } as SyslogOptions
      assert.throws(() => syslog(all), { code: 'usage', message: says })
    })
  }

  it('names are made fit for a header', async () => {
    const { port, messages, server } = await collecting(createServer(), 'connection')
    const notifier = syslog({ host, port, protocol: 'tcp', hostname: 'a b\nc', appName: 'é'.repeat(60) })
    await notifier.notify(sampleNotice(), noSignal)
    while (messages.length < 1) await once(server, 'message')
    const { hostname, appName } = parse(framed(messages[0] ?? ''))
    assert.deepEqual([hostname, appName], ['abc', '-'])
  })
})
