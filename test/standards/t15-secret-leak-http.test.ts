/**
 * T15, over HTTP: every token, CSRF token, server secret and piece of session data of a whole life of sessions is
 * remembered, and then everything that left the server or could get into a log is searched for them in every encoding.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { inspect } from 'node:util'
import type { SessionEvent } from 'latchkey'
import { type ContractRequest, type ContractRoute, faults } from 'latchkey/testing'
import { adapters, type Running, running } from '../actors/application.ts'
import { startExpress } from '../actors/express-application.ts'
import type { HttpClient, Wanted, WireAnswer } from '../actors/http-client.ts'
import { Seeds } from '../actors/seeds.ts'

/** What a visitor puts into the session: private, so in no log; on its own pages it is shown, so those are left out. */
const privateData = 'diagnosis-f41.1-of-jane'

/** What happens on a route whose handler prints what it was given, as people do while they look for a bug. */
function printing(printed: unknown[]): ContractRoute {
  return {
    method: 'GET',
    path: '/printing',
    needs: 'nothing',
    answer: async request => {
      printed.push(request.session, inspect(request.session), `${request.session}`, JSON.stringify(request.session))
      await request.session.load()
      printed.push(request.session, inspect(request.session, { showHidden: true, depth: null }), `${request.session}`)
      printed.push(Object.entries(request.session), JSON.stringify(request.session), structure(request))
      return { status: 200, body: `${request.session} ${JSON.stringify(request.session)} ${inspect(request.session)}` }
    },
  }
}

/** Everything that can be reached from the session without its getters, as a logger with a depth walks it. */
function structure({ session, second }: ContractRequest): string {
  return inspect({ session, second, prototype: Object.getPrototypeOf(session) }, { depth: null, showHidden: true })
}

interface Life {
  readonly seeds: Seeds
  readonly answers: readonly (readonly [row: string, answer: WireAnswer])[]
}

/** Every route, every error and every refusal, once with a living session and once with none. */
async function live(application: Running): Promise<Life> {
  const { client, clock, store, secret } = application
  const seeds = new Seeds()
  seeds.add('the server secret', secret)
  seeds.add('the session data', privateData)
  const answers: [string, WireAnswer][] = []
  const visitor = client()

  const remember = async (who: HttpClient): Promise<void> => {
    const token = await who.token()
    if (token) seeds.add('a token', token)
    const second = await who.token('__Host-Http-second')
    if (second) seeds.add("the second manager's token", second)
  }
  const visit = async (who: HttpClient, method: string, path: string, wanted: Wanted = {}): Promise<void> => {
    const isChange = method === 'POST'
    const csrf = isChange ? await who.csrf() : null
    if (csrf) seeds.add('a CSRF token', csrf)
    const answer = await who.send(path, { ...wanted, method, headers: { 'X-CSRF-Token': csrf, ...wanted.headers } })
    answers.push([`${method} ${path}`, answer])
    await remember(who)
  }

  const gets = ['/public', '/private', '/not-modified', '/throws', '/late-read', '/missing', '/printing']
  const posts = [
    '/set?color=red',
    '/increment',
    '/set-and-throw?b=1',
    '/set-and-answer-500?c=1',
    '/set-and-answer-204?d=1',
    '/late-change',
    '/set-both?e=1',
    '/step-up',
    '/rotate',
    '/login?user=alice',
    '/remember',
  ]
  for (const path of gets) await visit(visitor, 'GET', path)
  await visit(visitor, 'POST', `/set?note=${privateData}`)
  for (const path of [...posts.filter(path => path !== '/step-up'), ...posts]) await visit(visitor, 'POST', path)
  for (const path of gets) await visit(visitor, 'GET', path)
  clock.advance('10m')
  await visit(visitor, 'GET', '/private')

  const token = (await visitor.token()) ?? ''
  const forged = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
  seeds.add('a forged token', forged)
  const cookies = [`__Host-Http-sid=${forged}`, `__Host-Http-sid=${token}; __Host-Http-sid=${token}`]
  for (const cookie of cookies) for (const path of gets) await visit(client(), 'GET', path, { cookie })
  const wrong: Wanted['headers'][] = [
    { 'X-CSRF-Token': null },
    { 'X-CSRF-Token': `${await visitor.csrf()}x` },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': null, Origin: 'null' },
    { 'X-Forwarded-Proto': 'http' },
    { Authorization: `Bearer ${token}`, Referer: `https://campus.example/?sid=${token}` },
  ]
  for (const headers of wrong) if (headers) await visit(visitor, 'POST', '/set?f=1', { headers })
  await visit(visitor, 'POST', '/set?big=1', { body: 'x'.repeat(20_000), headers: { 'Content-Type': 'text/plain' } })
  for (const operation of ['read', 'save', 'create', 'end', 'touch', 'generation'] as const) {
    for (const fault of [faults.refuses, faults.losesAnswer]) {
      const csrf = await visitor.csrf()
      store.disturb(fault, operation)
      for (const path of ['/set?g=1', '/login?user=alice', '/logout']) {
        answers.push([
          `${operation} fails: ${path}`,
          await visitor.send(path, { method: 'POST', headers: { 'X-CSRF-Token': csrf } }),
        ])
      }
      store.heal()
      await remember(visitor)
      if ((await visitor.me()).userId === null) await visit(visitor, 'POST', '/login?user=alice')
    }
  }
  await visit(visitor, 'POST', '/logout')
  await visit(client(), 'GET', '/private', { cookie: `__Host-Http-sid=${token}` })
  assert.ok(seeds.size > 300)
  return { seeds, answers }
}

for (const adapter of Object.keys(adapters)) {
  suite(`T15: what leaves the server on ${adapter}`, () => {
    const printed: unknown[] = []
    const withPrinting = { routes: [printing(printed)] }

    test('ASVS 3.3.4, 14.2.1, 16.5.1, CSRF-8: no body, header or address holds a secret, but Set-Cookie its own', () =>
      running(
        adapter,
        async application => {
          const { seeds, answers } = await live(application)
          for (const [row, { headers, body, status }] of answers) {
            const { 'set-cookie': _, ...others } = headers
            seeds.assertNotIn([status, others], `the headers of ${row}`)
            // A user's own page shows the user's own data.
            if (row !== 'GET /private' || status !== 200) seeds.assertNotIn(body, `the body of ${row}`)
          }
        },
        withPrinting,
      ))

    test('ASVS 16.2.5: no event holds a secret', () =>
      running(adapter, async application => {
        const told: SessionEvent[] = []
        application.sessions.subscribe(event => void told.push(event))
        const { seeds } = await live(application)
        assert.ok(new Set(told.map(({ type }) => type)).size >= 9)
        for (const event of told) seeds.assertNotIn(event, `the event ${event.type}`)
      }))

    test('ASVS 16.2.5: console.log, JSON and text of a session hold no secret and no data', () =>
      running(
        adapter,
        async application => {
          printed.length = 0
          const { seeds } = await live(application)
          assert.ok(printed.length >= 21)
          for (const thing of printed) seeds.assertNotIn(thing, 'a printed session')
        },
        withPrinting,
      ))

    test('ASVS 16.2.5: console.log of a manager, its policy page and its lists hold no secret', () =>
      running(adapter, async application => {
        const { sessions, signedIn } = application
        const { seeds } = await live(application)
        await signedIn()
        seeds.assertNotIn(sessions, 'the manager')
        seeds.assertNotIn(sessions.policyPage(), 'the policy page')
        seeds.assertNotIn(await sessions.list('alice'), 'the list of sessions')
      }))
  })
}

suite('T15: what an error handler gets', () => {
  test('ASVS 16.5.1: no error holds a secret, however it is printed', () => {
    const errors: unknown[] = []
    return running(
      'express',
      async application => {
        const { seeds } = await live(application)
        assert.ok(errors.length > 30)
        assert.ok(new Set(errors.map(error => (error as Error).name)).size >= 3)
        for (const error of errors) seeds.assertNotIn(error, `an error: ${error}`)
      },
      {
        start: application =>
          startExpress(application, (error, _request, _response, next) => {
            errors.push(error)
            next(error)
          }),
      },
    )
  })

  test('ASVS 16.2.5: this search finds a token in every way it could be printed', () => {
    const seeds = new Seeds()
    const bytes = Buffer.alloc(64, 'abcdefgh12345678')
    const token = `AAAAAAAA.${bytes.toString('base64url')}`
    seeds.add('the token', token)
    class Holder {
      secret = bytes
    }
    const places: unknown[] = [
      `x${token}x`,
      { a: { b: [token] } },
      new Map([['a', token]]),
      new Error(token),
      new Error('a', { cause: new Error(token) }),
      Object.assign(new Error('a'), { token }),
      encodeURIComponent(token),
      Buffer.from(token).toString('base64'),
      bytes.toString('hex'),
      new Holder(),
      [...bytes].join(','),
    ]
    for (const place of places) assert.throws(() => seeds.assertNotIn(place, 'here'), /the token/, inspect(place))
    seeds.assertNotIn({ token: token.slice(0, 8) }, 'here')
  })
})
