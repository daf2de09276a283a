import assert from 'node:assert/strict'
import { afterEach, it, mock } from 'node:test'
import { inspect } from 'node:util'
import { type EventType, eventCatalogue, type SessionStore } from 'latchkey'
import { Browser, type Handler } from '../actors/browser.ts'
import { newSecretText } from '../actors/server.ts'
import { onEveryStore } from '../actors/stores.ts'
import { stories, World } from '../actors/world.ts'

const diary = 'dear diary'

/** Writes down everything a store is given and asked. */
function recording(store: SessionStore, given: unknown[]): SessionStore {
  return new Proxy(store, {
    get(target, property: keyof SessionStore) {
      const member = target[property]
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        given.push([property, ...args])
        return (member as (...args: unknown[]) => unknown).apply(target, args)
      }
    },
  })
}

/** The ways in which bytes may be written. */
function spellings(bytes: Buffer): string[] {
  const texts = (['hex', 'base64url', 'base64', 'latin1'] as const).map(encoding => bytes.toString(encoding))
  return [
    ...texts,
    bytes.toString('hex').toUpperCase(),
    JSON.stringify(bytes),
    [...bytes].join(),
    [...bytes].join(', '),
  ]
}

/** A value as logs would print it, each way. */
const printed = (value: unknown) =>
  `${JSON.stringify(value)}\n${inspect(value, { depth: 9, maxStringLength: null, maxArrayLength: null, showHidden: true })}`

/** What must turn up nowhere, with its name. */
class Needles {
  readonly #needles = new Map<string, string>()

  add(name: string, ...texts: string[]): void {
    for (const text of texts) this.#needles.set(text, name)
  }

  foundIn(places: Readonly<Record<string, string>>): string[] {
    return Object.entries(places).flatMap(([place, text]) =>
      [...this.#needles].flatMap(([needle, name]) => (text.includes(needle) ? [`${name} in ${place}`] : [])),
    )
  }
}

onEveryStore('T15 secret leaks', (open, { readFiles }) => {
  afterEach(() => mock.restoreAll())

  it('16.2.5, 16.5.1, CS-S2: no token, secret or data in any event, error, log, list or file, however it is spelled', async () => {
    const consoles = (['log', 'error', 'warn', 'info', 'debug'] as const).map(name =>
      mock.method(console, name, () => {}),
    )
    const given: unknown[] = []
    const secrets = [newSecretText(), newSecretText()]
    const world = new World(recording(open(), given), { secrets, maxDataBytes: 256 })
    const { sessions, events } = world.server
    for (const type of Object.keys(eventCatalogue) as EventType[]) await stories[type](world)

    const browser = await world.signedIn()
    const shown: unknown[] = []
    const misuse: readonly Handler<unknown>[] = [
      session => session.signIn('', { amr: ['pwd'] }),
      session => session.data,
      async session => Object.assign((await session.load()).data, { big: diary.repeat(30) }),
      async (session, exchange) => {
        await session.load()
        shown.push(printed(session), printed(exchange))
      },
    ]
    for (const handler of misuse) await world.send(browser, handler)
    await world.send(new Browser(world.server), session => session.stepUp({ amr: ['otp'] }))
    const lists = [await sessions.list('alice'), sessions.policyPage(), sessions]
    await sessions.close()

    const needles = new Needles()
    const tokens = new Set(world.replies.map(reply => reply.token).filter(token => token))
    for (const token of tokens) {
      // The sid in front is public.
      const raw = Buffer.from(token?.slice(9) ?? '', 'base64url')
      needles.add('a token', token?.slice(31) ?? '', token?.slice(40, 60) ?? '', ...spellings(raw))
      needles.add('the secret of a token', ...spellings(raw.subarray(16, 48)))
    }
    for (const secret of secrets) {
      needles.add(
        'a server secret',
        secret,
        ...spellings(Buffer.from(secret)),
        ...spellings(Buffer.from(secret, 'base64url')),
      )
    }
    needles.add('a CSRF token', ...world.csrfTokens)
    needles.add('a bearer token', ...world.bearerTokens)
    needles.add('a seed, a ticket of an enrolment or a recovery code', ...world.factorSecrets)
    needles.add('data', ...spellings(Buffer.from(diary)))

    const counts = [tokens.size, world.csrfTokens.length, world.factorSecrets.length, given.length, events.length]
    assert.ok(Math.min(...counts) > 15, `enough happened: ${counts}`)
    const answers = world.replies.map(({ status, code, headers: { 'set-cookie': _, ...headers } }) => [
      status,
      code,
      headers,
    ])
    const places = {
      events: printed(events),
      'answers besides Set-Cookie': printed(answers),
      errors: printed(world.replies.map(reply => reply.error)),
      'what the store was given': printed(given),
      'files of the store': readFiles(),
      'lists and pages': printed(lists),
      'a session or exchange that is printed': shown.join(),
      'the console': printed(consoles.map(method => method.mock.calls.map(call => call.arguments))),
    }
    assert.deepEqual(needles.foundIn(places), [])
    assert.deepEqual(
      needles.foundIn({ 'the answers': printed(world.replies) }).includes('a token in the answers'),
      true,
      'they can be found',
    )
  })
})
