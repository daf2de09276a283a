import { Agent, request } from 'node:http'
import type { Job } from './contenders.ts'

/** What a signed-in client of a contender holds. */
export type Client = {
  /** As the contender itself names its user. */
  user: string
  /** Every client comes from its own address, as seen behind a proxy. */
  address: string
  /** `name=value` of every cookie, joined as a browser does. */
  cookie: string
  /** Only from contenders that ask for one on a POST. */
  csrf?: string
  /** Access token, of contenders that take one instead of a cookie. */
  token?: string
}

export type Call = { method: 'GET' | 'POST'; path: string }

/** The request each job repeats. Writing is a POST, as in a real application, so whoever checks for CSRF pays for it. */
export const calls: Record<Job, Call> = {
  read: { method: 'GET', path: '/me' },
  write: { method: 'POST', path: '/count' },
  unused: { method: 'GET', path: '/public' },
}

/** The headers of a browser's `fetch` behind a proxy that speaks TLS. The same for every contender, but for its own. */
export function headersOf({ method }: Call, client: Partial<Client>): Record<string, string> {
  return {
    host: 'app.example.org',
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0',
    accept: 'application/json',
    'x-forwarded-for': client.address ?? '10.0.0.1',
    'x-forwarded-proto': 'https',
    'sec-fetch-site': 'same-origin',
    'sec-fetch-mode': 'cors',
    'sec-fetch-dest': 'empty',
    ...(method === 'POST' ? { origin: 'https://app.example.org', 'content-length': '0' } : {}),
    ...(client.cookie ? { cookie: client.cookie } : {}),
    ...(client.token ? { authorization: `Bearer ${client.token}` } : {}),
    ...(method === 'POST' && client.csrf ? { 'x-csrf-token': client.csrf } : {}),
  }
}

/** What the load generator repeats; it adds the length of the body, which is empty, by itself. */
export function loadOf(call: Call, client: Partial<Client>): { headers: Record<string, string> } & Call {
  const { 'content-length': _length, ...headers } = headersOf(call, client)
  return { ...call, headers }
}

export type Answer = { status: number; setCookie: string[]; body: Record<string, unknown> }

const agent = new Agent({ keepAlive: true, maxSockets: 8 })

/** One request outside the measurement; fails when there is no answer for five seconds. */
export function ask(port: number, call: Call, client: Partial<Client> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, agent, method: call.method, path: call.path, timeout: 5000 }
    const sent = request({ ...options, headers: headersOf(call, client) }, async res => {
      try {
        const text = Buffer.concat(await res.toArray()).toString()
        // A refusal may come as plain text: only its status counts.
        const body: unknown = res.headers['content-type']?.startsWith('application/json') ? JSON.parse(text) : {}
        const fields = typeof body === 'object' && body !== null ? { ...body } : {}
        resolve({ status: res.statusCode ?? 0, setCookie: res.headers['set-cookie'] ?? [], body: fields })
      } catch (error) {
        reject(error)
      }
    })
    sent.on('timeout', () => sent.destroy(new Error(`${call.method} ${call.path}: no answer for five seconds`)))
    sent.on('error', reject)
    sent.end()
  })
}

/** The client with the cookies of an answer taken over; an answer without cookies changes nothing. */
export function keepCookies<C extends Partial<Client>>(client: C, { setCookie }: Answer): C {
  if (setCookie.length === 0) return client
  const jar = new Map((client.cookie ?? '').split('; ').filter(Boolean).map(splitPair))
  for (const line of setCookie) jar.set(...splitPair(line.slice(0, line.indexOf(';'))))
  return { ...client, cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') }
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=')
  return [pair.slice(0, at), pair.slice(at + 1)]
}
