import { Agent, request } from 'node:http'

/** What the application answered: `status` 0 means nothing at all. */
export interface Answer {
  readonly status: number
  readonly user?: string | null
  readonly sid?: string | null
  readonly n?: number
  readonly csrf?: string
  readonly refused?: string
}

/** Where requests go; connections are kept, as browsers do. */
export type Instance = { readonly port: number; readonly agent: Agent }

export function instanceAt(port: number): Instance {
  return { port, agent: new Agent({ keepAlive: true, maxSockets: 64 }) }
}

/** Somebody's browser: keeps cookies, and counts what it was told. */
export class Device {
  readonly user: string
  /** The session that it was given at its sign-in. */
  sid = ''
  /** Changes asked for so far, whatever came of it. */
  asked = 0
  /** Changes that were acknowledged, with when. */
  readonly #acknowledged: number[] = []
  #cookies = new Map<string, string>()
  #csrf = ''

  constructor(user: string) {
    this.user = user
  }

  /** How many changes were acknowledged before this instant (`performance.now()`). */
  acknowledgedBefore(at: number): number {
    let count = this.#acknowledged.length
    while (count > 0 && (this.#acknowledged[count - 1] ?? 0) > at) count -= 1
    return count
  }

  acknowledge(): void {
    this.#acknowledged.push(performance.now())
  }

  /** A copy of it as a thief would have it: with the cookies of now. */
  copy(): Device {
    const copy = new Device(this.user)
    copy.sid = this.sid
    copy.#cookies = new Map(this.#cookies)
    copy.#csrf = this.#csrf
    return copy
  }

  async send(instance: Instance, method: 'GET' | 'POST', path: string, body: object = {}): Promise<Answer> {
    const text = method === 'POST' ? JSON.stringify(body) : ''
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = {
      ...(cookie === '' ? {} : { cookie }),
      ...(method === 'POST' ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } : {}),
      ...(method === 'POST' ? { 'sec-fetch-site': 'same-origin', 'x-csrf-token': this.#csrf } : {}),
    }
    try {
      const { status, lines, text: json } = await exchange(instance, method, path, headers, text)
      for (const line of lines) this.#keep(line)
      const answer = { ...(JSON.parse(json) as object), status } as Answer
      if (answer.csrf !== undefined) this.#csrf = answer.csrf
      return answer
    } catch (error) {
      return { status: 0, refused: String(error) }
    }
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split('; ')
    const [name = '', value = ''] = pair.split('=')
    if (attributes.includes('Max-Age=0')) this.#cookies.delete(name)
    else this.#cookies.set(name, value)
  }
}

function exchange(
  { port, agent }: Instance,
  method: string,
  path: string,
  headers: Record<string, string | number>,
  body: string,
): Promise<{ status: number; lines: string[]; text: string }> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, agent, method, path, headers, signal: AbortSignal.timeout(30_000) }
    const sent = request(options, response => {
      let text = ''
      response.setEncoding('utf8').on('data', chunk => {
        text += chunk
      })
      response.once('error', reject)
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, lines: response.headers['set-cookie'] ?? [], text }),
      )
    })
    sent.once('error', reject)
    sent.end(body)
  })
}
