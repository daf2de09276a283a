import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, describe, it } from 'node:test'
import { generate } from 'selfsigned'
import { Delivery } from '../../../src/watch/delivery.ts'
import { sampleNotice, verifyWebhook, type WebhookOptions, webhook } from '../../../src/watch/notifiers.ts'
import { listening } from '../../actors/listening.ts'
import { noticeOf, sampleAlert } from '../sample-detection.ts'

const secret = `whsec_${Buffer.from('a secret of thirty-two bytes, ok').toString('base64')}`
const otherSecret = Buffer.from('another secret, also long enough').toString('base64')

interface Received {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A receiver that keeps what it gets, and then answers. */
async function receiver(answer: RequestListener = (_, response) => response.writeHead(204).end()) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      const { method, url, headers } = request
      received.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
      server.emit('received')
      answer(request, response)
    })
  })
  const { origin, close } = await listening(server)
  after(close)
  return { url: `${origin}/hook`, received, server }
}

const noSignal = new AbortController().signal
const hook = (url: string, options: Partial<WebhookOptions> = {}) =>
  webhook({ url, secret, insecureHttp: true, ...options })

describe('a webhook', () => {
  it('posts the alert as JSON, signed, and says no more than that', async () => {
    const { url, received } = await receiver()
    const notice = sampleNotice(Date.UTC(2030, 0, 1))
    await hook(url, { headers: { authorization: 'Bearer x' }, clock: () => 1_900_000_000_999 }).notify(notice, noSignal)
    const [request] = received
    assert.deepEqual([request?.method, request?.url], ['POST', '/hook'])
    const { headers, body } = request ?? assert.fail()
    assert.equal(headers['content-type'], 'application/json')
    assert.equal(headers.authorization, 'Bearer x')
    assert.equal(headers['webhook-id'], notice.alert.id)
    assert.equal(headers['webhook-timestamp'], '1900000000')
    assert.deepEqual(JSON.parse(body), {
      type: 'alert.opened',
      timestamp: '2030-01-01T00:00:00.000Z',
      data: { text: notice.text, alert: notice.alert, others: 0 },
    })
    const verified = verifyWebhook(headers, body, secret, { now: 1_900_000_000_000 })
    assert.deepEqual(verified, { id: notice.alert.id, payload: JSON.parse(body) })
  })

  it('of an alert that got worse says so, under another id: receivers drop what they had', async () => {
    const { url, received } = await receiver()
    const alert = sampleAlert({ severity: 'alert', lastAt: Date.UTC(2030, 0, 2) })
    for (const isWorse of [false, true, true]) await hook(url).notify({ ...noticeOf(alert), isWorse }, noSignal)
    assert.deepEqual(
      received.map(({ headers, body }) => [headers['webhook-id'], JSON.parse(body).type, JSON.parse(body).timestamp]),
      [
        [alert.id, 'alert.opened', '2030-01-01T00:00:00.000Z'],
        [`${alert.id}-alert`, 'alert.worsened', '2030-01-02T00:00:00.000Z'],
        [`${alert.id}-alert`, 'alert.worsened', '2030-01-02T00:00:00.000Z'],
      ],
    )
  })

  it('signs with every secret while it is changed, and each is accepted', async () => {
    const { url, received } = await receiver()
    await hook(url, { secret: [secret, otherSecret] }).notify(sampleNotice(), noSignal)
    const { headers, body } = received[0] ?? assert.fail()
    assert.match(String(headers['webhook-signature']), /^v1,\S{44} v1,\S{44}$/)
    assert.ok(verifyWebhook(headers, body, secret))
    assert.ok(verifyWebhook(headers, body, otherSecret))
  })

  it('T16: hostile names arrive as they are, and split no header', async () => {
    const { url, received } = await receiver()
    const userId = 'ada\r\nwebhook-id: forged\u202e\ud800"\\'
    const notice = { ...sampleNotice(), alert: sampleAlert({ userId }) }
    await hook(url).notify(notice, noSignal)
    const { headers, body } = received[0] ?? assert.fail()
    assert.equal(headers['webhook-id'], notice.alert.id)
    assert.equal(JSON.parse(body).data.alert.userId, userId)
    assert.ok(verifyWebhook(headers, body, secret))
  })

  for (const status of [301, 302, 307, 308]) {
    it(`does not follow a redirect (${status})`, async () => {
      const trap = await receiver()
      const { url, received } = await receiver((_, response) =>
        response.writeHead(status, { location: trap.url }).end(),
      )
      await assert.rejects(hook(url).notify(sampleNotice(), noSignal), { message: `The webhook answered ${status}.` })
      assert.deepEqual([received.length, trap.received.length], [1, 0])
    })
  }

  for (const status of [400, 404, 410, 429, 500, 503]) {
    it(`rejects when the answer is ${status}`, async () => {
      const { url } = await receiver((_, response) => response.writeHead(status).end('x'.repeat(1_000)))
      await assert.rejects(hook(url).notify(sampleNotice(), noSignal), { message: `The webhook answered ${status}.` })
    })
  }

  it('does not read an answer that never ends', async () => {
    const { url, server } = await receiver((_, response) => {
      response.writeHead(200)
      const more = () => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', more)
      }
      more()
      response.once('close', () => server.emit('hung-up'))
    })
    const hungUp = once(server, 'hung-up')
    await hook(url).notify(sampleNotice(), noSignal)
    await hungUp
  })

  it('gives up when the signal fires, and when its own time is over', async () => {
    const { url, server } = await receiver(() => {})
    const abort = new AbortController()
    const arrived = once(server, 'received')
    const rejected = assert.rejects(hook(url).notify(sampleNotice(), abort.signal), { name: 'AbortError' })
    await arrived
    abort.abort()
    await rejected
    await assert.rejects(hook(url, { timeout: '5ms' }).notify(sampleNotice(), noSignal), { name: 'TimeoutError' })
  })

  it('no message has the address or the secret in it', async () => {
    const dead = createServer()
    await once(dead.listen(0, '127.0.0.1'), 'listening')
    const { port } = dead.address() as AddressInfo
    await new Promise(resolve => dead.close(resolve))
    await assert.rejects(hook(`http://127.0.0.1:${port}/secret-path`).notify(sampleNotice(), noSignal), error => {
      assert.doesNotMatch(String(error), /secret-path|whsec/)
      return true
    })
  })

  it('checks the certificate', async () => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' })
    const server = createTlsServer({ cert, key }, (_, response) => response.end())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    after(() => server.close())
    const url = `https://localhost:${(server.address() as AddressInfo).port}/`
    await assert.rejects(webhook({ url, secret }).notify(sampleNotice(), noSignal), TypeError)
  })
})

describe('a webhook under delivery', () => {
  it('that answers 500 is tried again under the same id, and then is done', async () => {
    let answers = 0
    const { url, received, server } = await receiver((_, response) => {
      answers += 1
      response.writeHead(answers === 1 ? 500 : 200).end()
    })
    // Pauses take no time here, time-outs never fire.
    const timers = {
      after(lengthMs: number, run: () => void) {
        if (lengthMs <= 1_000) setImmediate(run)
        return () => {}
      },
    }
    const undelivered: string[] = []
    const delivery = new Delivery({
      notifiers: [hook(url)],
      timers,
      clock: Date.now,
      undelivered: ({ id }) => undelivered.push(id),
    })
    delivery.send(sampleAlert(), false)
    while (received.length < 2) await once(server, 'received')
    await delivery.stop()
    assert.deepEqual(
      received.map(({ headers }) => headers['webhook-id']),
      [sampleAlert().id, sampleAlert().id],
    )
    assert.deepEqual(undelivered, [])
  })

  it('that never answers holds up no other', async () => {
    const silent = await receiver(() => {})
    const quick = await receiver()
    const cutOffs: (() => void)[] = []
    const timers = {
      after(lengthMs: number, run: () => void) {
        if (lengthMs === 3_000) cutOffs.push(run)
        return () => {}
      },
    }
    const undelivered: string[] = []
    const delivery = new Delivery({
      notifiers: [hook(silent.url, { name: 'silent' }), hook(quick.url)],
      timers,
      clock: Date.now,
      undelivered: (_, name) => undelivered.push(name),
    })
    for (let count = 0; count < 3; count += 1) delivery.send(sampleAlert({ id: `${count}` }), false)
    while (quick.received.length < 3) await once(quick.server, 'received')
    assert.equal(silent.received.length, 1)
    const stopped = delivery.stop()
    // The other one gets its answer.
    cutOffs[0]?.()
    await stopped
    assert.deepEqual(undelivered, ['silent', 'silent', 'silent'])
  })
})

describe('options of a webhook that are refused', () => {
  const table: readonly (readonly [what: string, options: object, says: RegExp])[] = [
    ['no address', { url: 'alerts' }, /no address/],
    ['plain HTTP', { url: 'http://127.0.0.1/' }, /https.*insecureHttp/],
    ['plain HTTP over a network', { url: 'http://alerts.example/', insecureHttp: true }, /https/],
    [
      'a host that only looks like this machine',
      { url: 'http://127.0.0.1.evil.example/', insecureHttp: true },
      /https/,
    ],
    ['another protocol', { url: 'file:///etc/passwd', insecureHttp: true }, /https/],
    ['a password in the address', { url: 'https://u:p@alerts.example/' }, /authorization/],
    ['no secret', { secret: undefined }, /openssl/],
    ['a passphrase', { secret: 'correct horse battery staple and a few words more' }, /base64/],
    ['a short secret', { secret: 'whsec_c2hvcnQ=' }, /24 to 64/],
    ['a short secret among several', { secret: [secret, 'c2hvcnQ='] }, /24 to 64/],
    ['no secrets', { secret: [] }, /openssl/],
    ['a header of ours', { headers: { 'Webhook-Id': 'x' } }, /Webhook-Id/],
    ['a time-out without unit', { timeout: 5 }, /timeout/],
  ]
  for (const [what, options, says] of table) {
    it(what, () => {
      const all = { url: 'https://alerts.example/', secret, ...options } as WebhookOptions
      assert.throws(() => webhook(all), { code: 'usage', message: says })
    })
  }
})

describe('verifyWebhook', () => {
  // The test vector that libraries for Standard Webhooks share.
  const vector = {
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    now: 1_614_265_330_000,
    body: '{"test": 2432232314}',
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    } as Record<string, string | string[] | undefined>,
  }
  const signature = String(vector.headers['webhook-signature'])

  function verify(difference: {
    headers?: object
    body?: string | Uint8Array
    secret?: string | string[]
    now?: number
  }) {
    const headers = { ...vector.headers, ...difference.headers }
    const { body = vector.body, secret = vector.secret, now = vector.now } = difference
    return verifyWebhook(headers, body, secret, { now })
  }

  const genuine: readonly (readonly [what: string, difference: Parameters<typeof verify>[0]])[] = [
    ['the vector of Standard Webhooks', {}],
    ['as bytes', { body: Buffer.from(vector.body) }],
    ['with a secret that has no prefix', { secret: vector.secret.slice(6) }],
    ['with one of several secrets', { secret: [otherSecret, vector.secret] }],
    ['with other signatures beside it', { headers: { 'webhook-signature': `v1a,xx v1,AAAA ${signature}` } }],
    ['five minutes old', { now: vector.now + 300_000 }],
    ['five minutes from the future', { now: vector.now - 300_000 }],
  ]
  for (const [what, difference] of genuine) {
    it(`accepts it ${what}`, () => assert.deepEqual(verify(difference)?.payload, { test: 2432232314 }))
  }

  it('reads Headers as well', () => {
    const headers = new Headers(vector.headers as Record<string, string>)
    assert.ok(verifyWebhook(headers, vector.body, vector.secret, { now: vector.now }))
  })

  const forged: readonly (readonly [what: string, difference: Parameters<typeof verify>[0]])[] = [
    ['another body', { body: '{"test": 2432232315}' }],
    ['another id', { headers: { 'webhook-id': 'msg_other' } }],
    ['another time', { headers: { 'webhook-timestamp': '1614265331' } }],
    ['an id that swallows the time', { headers: { 'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330' } }],
    ['another secret', { secret: otherSecret }],
    ['a replay after the tolerance', { now: vector.now + 300_001 }],
    ['a time from the future', { now: vector.now - 300_001 }],
    ['a time that is no number', { headers: { 'webhook-timestamp': '1614265330.0' } }],
    ['a negative time', { headers: { 'webhook-timestamp': '-1' } }],
    ['no id', { headers: { 'webhook-id': undefined } }],
    ['no time', { headers: { 'webhook-timestamp': undefined } }],
    ['no signature', { headers: { 'webhook-signature': undefined } }],
    ['an empty signature', { headers: { 'webhook-signature': 'v1,' } }],
    ['a signature of another version', { headers: { 'webhook-signature': signature.replace('v1,', 'v1a,') } }],
    ['a signature cut short', { headers: { 'webhook-signature': signature.slice(0, -4) } }],
    ['a signature that comes twice', { headers: { 'webhook-signature': [signature, signature] } }],
    ['a signature after many others', { headers: { 'webhook-signature': `${'v1,AAAA '.repeat(10)}${signature}` } }],
  ]
  for (const [what, difference] of forged) {
    it(`refuses ${what}`, () => assert.equal(verify(difference), null))
  }

  it('refuses a body that is genuine and no JSON, or no object', async () => {
    for (const body of ['{', '1', 'null']) {
      const notice = sampleNotice()
      let sent: Headers | undefined
      const fetch: typeof globalThis.fetch = async (_, init) => {
        sent = new Headers(init?.headers)
        return new Response(null, { status: 204 })
      }
      await webhook({ url: 'https://alerts.example/', secret, fetch }).notify(notice, noSignal)
      assert.equal(verifyWebhook(sent ?? new Headers(), body, secret), null)
    }
  })

  it('throws for a secret that is none, instead of trusting everybody', () => {
    assert.throws(() => verifyWebhook(vector.headers, vector.body, ''), { code: 'usage' })
    assert.throws(() => verifyWebhook(vector.headers, vector.body, []), { code: 'usage' })
  })
})
