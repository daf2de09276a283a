import type { Exchange, Session, Sessions, SignInOptions } from 'latchkey'
import { LatchkeyError } from 'latchkey'
import type { Data } from './server.ts'

/** What an application does in one request. */
export type Handler<Body> = (session: Session<Data>, exchange: Exchange<Data>) => Body | Promise<Body>

/** What came back. */
export interface Reply<Body> {
  readonly status: number
  /** What the handler returned; `undefined` when the request was refused. */
  readonly body: Body | undefined
  /** Why it was refused, or `null`. */
  readonly code: LatchkeyError['code'] | null
  /** The refusal itself, or `null`. */
  readonly error: unknown
  readonly headers: Readonly<Record<string, string | string[]>>
  /** The `Set-Cookie` value for the session, or `null`. */
  readonly setCookie: string | null
  /** The token in it; `''` when it removes the cookie, `null` when there is no `Set-Cookie`. */
  readonly token: string | null
}

/** How a request is to be special. */
export interface Circumstances {
  readonly method?: string
  /** Sent instead of what is in the jar; `null` sends no cookie. */
  readonly token?: string | null
  /** The answer never arrives: the jar stays as it is. */
  readonly lost?: boolean
  /** The status that the handler answers with. Default 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export const cookieName = '__Host-Http-sid'

/** A browser with a cookie jar for one site. A thief's is the same, with somebody else's token in it. */
export class Browser {
  /** The token in the jar. */
  token: string | null
  readonly #sessions: Sessions<Data>
  readonly #address: string

  constructor({ sessions }: { readonly sessions: Sessions<Data> }, token: string | null = null, address = '192.0.2.1') {
    this.#sessions = sessions
    this.token = token
    this.#address = address
  }

  /** One request and its answer, as an adapter carries it: refuse, run, settle, then the headers leave. */
  async send<Body>(handler: Handler<Body>, how: Circumstances = {}): Promise<Reply<Body>> {
    const { method = 'POST', token = this.token, lost = false, headers = {}, body: form } = how
    const exchange = this.#sessions.exchange({
      method,
      target: '/',
      headers: {
        host: 'campus.example',
        'user-agent': 'Test/1.0',
        'sec-fetch-site': 'same-origin',
        ...(token === null ? {} : { cookie: `theme=dark; ${cookieName}=${token}` }),
        ...headers,
      },
      remoteAddress: this.#address,
      encrypted: true,
      onUse: () => {},
      body: () => form,
    })
    let head = new Head()
    let body: Body | undefined
    let failure: unknown = exchange.refusal()
    if (!failure) {
      try {
        body = await handler(exchange.session, exchange)
      } catch (error) {
        failure = error
      }
    }
    try {
      await exchange.settle(failure ? statusOf(failure) : (how.status ?? 200))
      exchange.applyTo(head)
    } catch (error) {
      failure = error
      head = new Head()
      exchange.applyFailureTo(head)
    }
    const setCookie = head.sessionCookie()
    const received = setCookie === null ? null : tokenIn(setCookie)
    if (received !== null && !lost) this.token = received === '' ? null : received
    return {
      status: failure ? statusOf(failure) : (how.status ?? 200),
      body: failure ? undefined : body,
      code: failure instanceof LatchkeyError ? failure.code : null,
      error: failure,
      headers: head.all,
      setCookie,
      token: received,
    }
  }

  /** Looks at a page. */
  see(how?: Circumstances): Promise<Reply<Seen>> {
    return this.send(whoAmI, { method: 'GET', ...how })
  }

  signIn(userId: string, options: Partial<SignInOptions> = {}, how?: Circumstances): Promise<Reply<void>> {
    return this.send(session => session.signIn(userId, { amr: ['pwd'], ...options }), how)
  }

  stepUp(how?: Circumstances): Promise<Reply<void>> {
    return this.send(session => session.stepUp({ amr: ['otp'] }), how)
  }

  rotate(how?: Circumstances): Promise<Reply<void>> {
    return this.send(session => session.rotate(), how)
  }

  signOut(how?: Circumstances): Promise<Reply<void>> {
    return this.send(session => session.end(), how)
  }

  /** Puts values into the session. */
  put(values: Data, how?: Circumstances): Promise<Reply<void>> {
    return this.send(async session => {
      await session.load()
      Object.assign(session.data, values)
    }, how)
  }

  /** Somebody else with a copy of the jar. */
  thief(): Browser {
    return new Browser({ sessions: this.#sessions }, this.token, '203.0.113.66')
  }
}

/** What a page may know of its session. */
export interface Seen {
  readonly id: string | null
  readonly userId: string | null
  readonly data: Data
}

export async function whoAmI(session: Session<Data>): Promise<Seen> {
  await session.load()
  return { id: session.id, userId: session.userId, data: structuredClone(session.data) }
}

/** Response headers before they leave. */
class Head {
  readonly all: Record<string, string | string[]> = {}

  getHeader(name: string): string | string[] | undefined {
    return this.all[name]
  }

  setHeader(name: string, value: string | string[]): void {
    this.all[name] = value
  }

  sessionCookie(): string | null {
    const cookies = [this.all['set-cookie'] ?? []].flat().filter(cookie => cookie.startsWith(`${cookieName}=`))
    if (cookies.length > 1) throw new Error('CK-2: two Set-Cookie of one name')
    return cookies[0] ?? null
  }
}

function tokenIn(setCookie: string): string {
  return setCookie.slice(cookieName.length + 1, setCookie.indexOf(';'))
}

function statusOf(error: unknown): number {
  // Anything else is a bug in the test or in the code under test, and must be seen as such.
  if (!(error instanceof LatchkeyError)) throw error
  return error.status
}
