/**
 * T25: where a browser is sent after sign-in, and whom the server believes about the client, over real HTTP on Express
 * and `node:http`, with hostile `Host` and forwarding headers.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import express from 'express'
import { safeReturnTo } from 'latchkey'
import { sessions as expressSessions, requireUser } from 'latchkey/adapters/express'
import { send, speak } from '../../src/testing/adapter-contract/wire.ts'
import { adapters, running } from '../actors/application.ts'
import { freshSessions } from '../actors/fresh-sessions.ts'
import { HttpClient } from '../actors/http-client.ts'
import { listening } from '../actors/listening.ts'

/** A site with a guarded area and a sign-in that sends the user back. */
async function visiting(use: (visitor: HttpClient, origin: string) => Promise<void>): Promise<void> {
  const { sessions } = freshSessions()
  const app = express().set('env', 'test')
  app.use(express.urlencoded({ extended: false }), expressSessions(sessions))
  app.post('/login', async (request, response) => {
    await request.session.signIn('alice', { amr: ['pwd'] })
    response.redirect(303, safeReturnTo(request.query.returnTo, '/dashboard'))
  })
  app.use(requireUser({ redirectTo: '/login' }), (_request, response) => void response.send('in'))
  const { origin, close } = await listening(app)
  try {
    await use(new HttpClient(origin), origin)
  } finally {
    await close()
  }
}

/** Where a browser on our page goes when it is told to. */
const landing = (location: string | undefined) => new URL(location ?? '', 'https://campus.example/login')

const hostile: readonly string[] = [
  'https://evil.example',
  'https:evil.example',
  'https:/evil.example',
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '/%09/evil.example',
  '/%2f/evil.example',
  '/%5cevil.example',
  '/%0d%0aLocation: https://evil.example',
  '/\r\nSet-Cookie: a=b',
  '/.//evil.example',
  '/a/..//evil.example',
  '/%2e%2e//evil.example',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'data:text/html,<script>',
  'https://campus.example@evil.example',
  'https://campus.example.evil.example',
  'evil.example',
  '@evil.example',
  '.evil.example',
  '?returnTo=//evil.example',
  '#//evil.example',
  '/\u2028/evil.example',
  '/ｅvil',
  '%2F%2Fevil.example',
  '',
  '/'.padEnd(2_049, 'a'),
]

suite('T25: where sign-in sends the user', () => {
  for (const wanted of hostile) {
    test(`ASVS 3.7.2: ${JSON.stringify(wanted).slice(0, 60)} is not gone to`, () =>
      visiting(async visitor => {
        const { status, headers } = await visitor.send(`/login?returnTo=${encodeURIComponent(wanted)}`, {
          method: 'POST',
        })
        assert.deepEqual([status, headers.location], [303, '/dashboard'])
        assert.equal(landing(headers.location).origin, 'https://campus.example')
      }))
  }

  test('ASVS 3.7.2: several values, a list or an object are no page', () =>
    visiting(async visitor => {
      for (const query of ['returnTo=/a&returnTo=//evil.example', 'returnTo[]=//evil.example', 'returnTo[a]=/b', '']) {
        const { headers } = await visitor.send(`/login?${query}`, { method: 'POST', cookie: null })
        assert.equal(headers.location, '/dashboard')
      }
    }))

  for (const page of [
    '/',
    '/page',
    '/page?a=1&b=%2F%2Fevil.example',
    '/page?to=https://evil.example',
    '/caf%C3%A9',
    '/a/b/c;d',
  ]) {
    test(`a visitor of ${page} comes back to it`, () =>
      visiting(async visitor => {
        const asked = await visitor.send(page)
        assert.equal(asked.status, 303)
        assert.ok(asked.headers.location?.startsWith('/login?returnTo='))
        const { headers } = await visitor.send(asked.headers.location ?? '', { method: 'POST' })
        assert.equal(headers.location, page)
      }))
  }

  test('ASVS 3.7.2: a hostile address that was asked for leads nowhere after sign-in', () =>
    visiting(async (visitor, origin) => {
      for (const target of [
        '//evil.example/a',
        '/\\evil.example',
        '///evil.example',
        'https://evil.example/a',
        '/a//b',
        '/%5c%5cevil.example',
      ]) {
        const heard = await speak(
          origin,
          `GET ${target} HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n`,
        )
        const location = /^location: (.*)\r$/im.exec(heard)?.[1]
        assert.equal(landing(location).origin, 'https://campus.example', `${target}: ${location}`)
        const { headers } = await visitor.send(location ?? '', { method: 'POST', cookie: null })
        assert.equal(headers.location, '/dashboard', target)
      }
    }))

  test('ASVS 3.7.2: no Host and no forwarding header gets into an address', () =>
    visiting(async (_visitor, origin) => {
      for (const name of [
        'Host',
        'X-Forwarded-Host',
        'X-Host',
        'X-Original-URL',
        'X-Rewrite-URL',
        'Forwarded',
        'X-Forwarded-Prefix',
        'Referer',
      ]) {
        const headers = { Host: 'campus.example', 'X-Forwarded-Proto': 'https', [name]: 'https://evil.example/' }
        const answer = await send(origin, { path: '/page', headers })
        assert.equal(answer.headers.location, '/login?returnTo=%2Fpage', name)
      }
    }))
})

type Trust = false | number | readonly string[]
type Row = readonly [
  name: string,
  trust: Trust,
  headers: Record<string, string>,
  address: string | null,
  encrypted: boolean,
]

const chain = '198.51.100.1, 203.0.113.7, 10.0.0.1'
const everything = {
  'X-Forwarded-For': '203.0.113.7',
  'X-Forwarded-Proto': 'https',
  Forwarded: 'for=203.0.113.7;proto=https',
  'X-Real-IP': '203.0.113.7',
  'True-Client-IP': '203.0.113.7',
  'CF-Connecting-IP': '203.0.113.7',
  'X-Client-IP': '203.0.113.7',
  'X-Forwarded-Ssl': 'on',
  'Front-End-Https': 'on',
}
const { 'X-Forwarded-For': _for, 'X-Forwarded-Proto': _proto, ...unknownHeaders } = everything

/** What the server believes about a client whose socket is on the loopback address. */
const believed: readonly Row[] = [
  ['nobody is trusted: nothing is believed', false, everything, '127.0.0.1', false],
  ['other proxies are trusted: nothing is believed', ['10.0.0.0/8'], everything, '127.0.0.1', false],
  ['headers that no configuration names are never believed', ['127.0.0.1'], unknownHeaders, '127.0.0.1', false],
  ['our proxy is trusted: what it says is believed', ['127.0.0.1'], everything, '203.0.113.7', true],
  [
    'our proxy is trusted: only the entry that it wrote counts',
    ['127.0.0.1'],
    { 'X-Forwarded-For': '192.0.2.9, 203.0.113.7' },
    '203.0.113.7',
    false,
  ],
  [
    'two proxies are trusted: the first untrusted address counts',
    ['127.0.0.1', '10.0.0.0/8'],
    { 'X-Forwarded-For': chain },
    '203.0.113.7',
    false,
  ],
  ['one hop: the last entry counts', 1, { 'X-Forwarded-For': chain }, '10.0.0.1', false],
  ['two hops: the entry before it counts', 2, { 'X-Forwarded-For': chain }, '203.0.113.7', false],
  ['three hops: the entry before that counts', 3, { 'X-Forwarded-For': chain }, '198.51.100.1', false],
  ['more hops than entries: nobody knows', 4, { 'X-Forwarded-For': chain }, null, false],
  ['no address at all: nobody knows', ['127.0.0.1'], { 'X-Forwarded-For': 'evil' }, null, false],
  [
    'a script instead of an address: nobody knows',
    ['127.0.0.1'],
    { 'X-Forwarded-For': '<script>alert(1)</script>' },
    null,
    false,
  ],
  ['an address with a port', ['127.0.0.1'], { 'X-Forwarded-For': '203.0.113.7:4711' }, '203.0.113.7', false],
  ['an address of the new kind', ['127.0.0.1'], { 'X-Forwarded-For': '[2001:DB8::1]:4711' }, '2001:db8::1', false],
  [
    'two schemes: the one our proxy wrote counts',
    ['127.0.0.1'],
    { 'X-Forwarded-Proto': 'http, https' },
    '127.0.0.1',
    true,
  ],
  ['a scheme that is none: not encrypted', ['127.0.0.1'], { 'X-Forwarded-Proto': 'httpss' }, '127.0.0.1', false],
]

for (const adapter of Object.keys(adapters)) {
  suite(`T25: whom the server believes, on ${adapter}`, () => {
    for (const [name, trustProxy, headers, address, encrypted] of believed) {
      test(`ASVS 4.1.3: ${name}`, () =>
        running(
          adapter,
          async ({ origin, events }) => {
            const Cookie = '__Host-Http-sid=x; __Host-Http-sid=y'
            await send(origin, { path: '/me', headers: { Host: 'campus.example', Cookie, ...headers } })
            // A cookie is looked at only over HTTPS, so being told of two of them says that HTTPS is believed.
            assert.equal(
              events.some(({ type }) => type === 'cookie.duplicated'),
              encrypted,
            )
            const wanted = { Host: 'campus.example', 'Sec-Fetch-Site': 'cross-site', ...headers }
            await send(origin, { method: 'POST', path: '/set?a=1', headers: wanted })
            assert.equal(events.find(({ type }) => type === 'request.refused')?.origin?.address, address)
          },
          { sessions: { trustProxy } },
        ))
    }

    test('ASVS 4.1.3: a hostile Host gets into no answer', () =>
      running(adapter, async ({ origin }) => {
        for (const host of [
          'evil.example',
          'evil.example:443',
          'campus.example@evil.example',
          '[::1]',
          'a'.repeat(2_000),
          '',
        ]) {
          for (const [method, path] of [
            ['GET', '/me'],
            ['GET', '/private'],
            ['POST', '/login?user=alice'],
            ['POST', '/set?a=1'],
            ['GET', '/throws'],
          ] as const) {
            const headers = { Host: host, 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'evil.example' }
            const answer = await send(origin, { method, path, headers })
            const { 'set-cookie': cookies = [], ...others } = answer.headers
            assert.doesNotMatch(JSON.stringify([others, answer.body]), /evil|aaaa/, `${method} ${path} ${host}`)
            for (const cookie of cookies) assert.doesNotMatch(cookie, /domain|evil/i)
          }
        }
      }))
  })
}
