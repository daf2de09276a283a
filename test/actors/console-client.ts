import type { IncomingMessage } from 'node:http'
import type { Overview } from 'latchkey/console'
import { begin, send, type WireAnswer } from '../../src/testing/adapter-contract/wire.ts'
import { Browser, cookieName } from './browser.ts'
import type { FreshSessions } from './fresh-sessions.ts'

/** What of a feed has arrived, event by event. */
export interface Feed {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** The next event; comments are left out. `null`: the stream is over. */
  next(): Promise<FeedEventText | null>
  /** Everything until the stream is over. */
  rest(): Promise<FeedEventText[]>
  /** Hangs up. */
  hangUp(): void
}

/** An event as it came over the wire. */
export interface FeedEventText {
  readonly event: string
  readonly id: string | null
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON the test expects there
  readonly data: any
}

/** Somebody with a browser at a console: their session begins beside it, and their requests go over the wire. */
export class ConsoleClient {
  readonly browser: Browser
  readonly #origin: string
  readonly #sessions: Pick<FreshSessions, 'sessions'>

  constructor(origin: string, sessions: Pick<FreshSessions, 'sessions'>) {
    this.#origin = origin
    this.#sessions = sessions
    this.browser = new Browser(sessions)
  }

  /** Signs in with both factors, or with those given. */
  async signIn(userId: string, amr: readonly string[] = ['pwd', 'otp']): Promise<this> {
    const headers = this.browser.token === null ? {} : { 'x-csrf-token': await this.#token() }
    await this.browser.signIn(userId, { amr }, { headers })
    return this
  }

  async stepUp(amr: readonly string[] = ['pwd', 'otp']): Promise<void> {
    const headers = { 'x-csrf-token': await this.#token() }
    const { code } = await this.browser.send(session => session.stepUp({ amr }), { headers })
    if (code !== null) throw new Error(code)
  }

  async sid(): Promise<string> {
    const { body } = await this.browser.send(async session => (await session.load({ activity: false })).id, {
      method: 'GET',
    })
    return body ?? ''
  }

  headers(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    const { token } = this.browser
    return {
      Host: 'campus.example',
      'X-Forwarded-Proto': 'https',
      'Sec-Fetch-Site': 'same-origin',
      ...(token === null ? {} : { Cookie: `${cookieName}=${token}` }),
      ...more,
    }
  }

  /** Sends whatever it is told. */
  async send(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<WireAnswer> {
    const wanted = { method, path: `/console${path}`, headers: this.headers(headers) }
    const answer = await send(this.#origin, body === undefined ? wanted : { ...wanted, body })
    for (const line of answer.setCookies) {
      const value = new RegExp(`^${cookieName}=([^;]*)`).exec(line)?.[1]
      if (value !== undefined) this.browser.token = value === '' ? null : value
    }
    return answer
  }

  get(path: string, headers?: Record<string, string>): Promise<WireAnswer> {
    return this.send('GET', path, headers)
  }

  /** Sends JSON as the page does it. */
  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<WireAnswer> {
    const token = headers['X-CSRF-Token'] ?? (await this.#token())
    const all = { 'Content-Type': 'application/json', 'X-CSRF-Token': token, ...headers }
    return this.send('POST', path, all, JSON.stringify(body))
  }

  async overview(): Promise<Overview> {
    return JSON.parse((await this.get('/api/overview')).body)
  }

  /** Follows the feed; with `after`, from that event on. */
  async follow(after?: string, more: Record<string, string> = {}): Promise<Feed> {
    const headers = this.headers(after === undefined ? more : { ...more, 'Last-Event-ID': after })
    return readFeed(await begin(this.#origin, { path: '/console/api/feed', headers }))
  }

  async #token(): Promise<string> {
    const browser = new Browser(this.#sessions, this.browser.token)
    const { body } = await browser.send(
      async (session, exchange) => (await session.load({ activity: false })) && exchange.csrfToken(),
      { method: 'GET' },
    )
    return body ?? ''
  }
}

function readFeed(response: IncomingMessage): Feed {
  const chunks = response.setEncoding('utf8')[Symbol.asyncIterator]()
  let waiting = ''
  const next = async (): Promise<FeedEventText | null> => {
    for (;;) {
      const end = waiting.indexOf('\n\n')
      if (end >= 0) {
        const lines = waiting.slice(0, end).split('\n')
        waiting = waiting.slice(end + 2)
        const field = (name: string) => lines.find(line => line.startsWith(`${name}: `))?.slice(name.length + 2)
        const event = field('event')
        if (event !== undefined) return { event, id: field('id') ?? null, data: JSON.parse(field('data') ?? 'null') }
        continue
      }
      // A stream that was cut is over, too.
      const { done, value } = await chunks.next().catch(() => ({ done: true, value: '' }))
      if (done) return null
      waiting += value
    }
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    next,
    async rest() {
      const events: FeedEventText[] = []
      for (let event = await next(); event !== null; event = await next()) events.push(event)
      return events
    },
    hangUp: () => void response.destroy(),
  }
}
