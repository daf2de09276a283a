import type { Exchange, Session } from 'latchkey'
import { LatchkeyError } from 'latchkey'
import type { Simulation } from './simulation.ts'

/** Where a request comes from. */
export interface From {
  readonly address: string
  readonly userAgent: string
}

/** A visit that is under way. */
export interface Visit {
  readonly visitor: Visitor
  readonly userId: string
  readonly from: () => From
  /** How many pages its owner is still going to look at. */
  pagesLeft: number
}

const cookieName = '__Host-Http-sid'

/** A browser with a cookie jar, or a thief's program with somebody else's cookie in it. */
export class Visitor {
  token: string | null
  /** Of the last page. */
  csrf: string | null = null
  /** The session of the last answer. */
  sid: string | null = null
  userId: string | null = null
  readonly #simulation: Simulation

  constructor(simulation: Simulation, token: string | null = null) {
    this.#simulation = simulation
    this.token = token
  }

  /** Looks at a page. */
  see(from: From): Promise<number> {
    return this.request(from, 'GET', session => session.load())
  }

  /** Sends a form of the last page that was seen. */
  post(from: From, work: (session: Session) => Promise<unknown>, csrf = this.csrf): Promise<number> {
    return this.request(from, 'POST', work, csrf === null ? {} : { 'x-csrf-token': csrf })
  }

  /** One request and its answer, as an adapter carries it. Answers with the status. */
  async request(
    { address, userAgent }: From,
    method: 'GET' | 'POST',
    work: (session: Session) => Promise<unknown>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<number> {
    this.#simulation.done.requests += 1
    const exchange = this.#simulation.sessions.exchange({
      method,
      target: '/',
      headers: {
        host: 'site.example',
        'user-agent': userAgent,
        'sec-fetch-site': 'same-origin',
        ...(this.token === null ? {} : { cookie: `${cookieName}=${this.token}` }),
        ...headers,
      },
      remoteAddress: address,
      encrypted: true,
      onUse: () => {},
      body: () => undefined,
    })
    const head = new Head()
    const refusal = exchange.refusal()
    try {
      if (refusal) throw refusal
      await work(exchange.session)
      this.#look(exchange)
      await exchange.settle(200)
      exchange.applyTo(head)
      this.#keep(head)
      return 200
    } catch (error) {
      if (!(error instanceof LatchkeyError) || error.status >= 500) throw error
      await exchange.settle(error.status)
      exchange.applyTo(head)
      this.#keep(head)
      return error.status
    }
  }

  #look(exchange: Exchange): void {
    const { session } = exchange
    if (!session.loaded) return
    this.sid = session.id
    this.userId = session.userId
    this.csrf = exchange.csrfToken()
  }

  #keep({ setCookie }: Head): void {
    const value = setCookie === null ? undefined : /^[^=]+=([^;]*)/.exec(setCookie)?.[1]
    if (value !== undefined) this.token = value === '' ? null : value
  }
}

class Head {
  setCookie: string | null = null

  getHeader(): undefined {
    return undefined
  }

  setHeader(name: string, value: string | readonly string[]): void {
    if (name === 'set-cookie') this.setCookie = [value].flat().find(text => text.startsWith(cookieName)) ?? null
  }
}
