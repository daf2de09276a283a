import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'

/** An answer of Campus, read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Somebody with a browser: keeps cookies, says where its requests come from, follows nothing by itself. */
export interface Visitor {
  /** The cookies kept, by name. */
  readonly cookies: Map<string, string>
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  /** Sends a form with the CSRF token of the page at `from` (default: `path`). */
  submit(path: string, fields: Record<string, string>, from?: string): Promise<Answer>
  /** Sends JSON with a CSRF token. */
  sendJson(path: string, body: unknown): Promise<Answer>
  /** Sends whatever it is told. */
  send(method: string, path: string, headers?: Record<string, string>, body?: string): Promise<Answer>
  signIn(username: string, password: string, fields?: Record<string, string>): Promise<Answer>
}

/** A visitor of Campus at `origin`, whose certificate must be exactly this one. `always`: headers of every request. */
export function createVisitor(origin: string, certificate: string, always: Record<string, string> = {}): Visitor {
  const cookies = new Map<string, string>()
  const send: Visitor['send'] = async (method, path, headers = {}, body = '') => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const sent = {
      ...always,
      'content-length': String(Buffer.byteLength(body)),
      ...(cookie === '' ? {} : { cookie }),
      ...headers,
    }
    const answer = await exchange(origin, certificate, method, path, sent, body)
    for (const line of answer.headers['set-cookie'] ?? []) keep(cookies, line)
    return answer
  }
  const browser = { 'sec-fetch-site': 'same-origin', origin }
  const submit: Visitor['submit'] = async (path, fields, from = path) => {
    const page = await send('GET', from)
    const csrf_token = /name="csrf_token" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const body = new URLSearchParams({ ...fields, csrf_token }).toString()
    return send('POST', path, { ...browser, 'content-type': 'application/x-www-form-urlencoded' }, body)
  }
  return {
    cookies,
    send,
    submit,
    get: (path, headers) => send('GET', path, headers),
    async sendJson(path, body) {
      const { csrf_token } = JSON.parse((await send('GET', '/csrf-token')).text)
      return send(
        'POST',
        path,
        { ...browser, 'content-type': 'application/json', 'x-csrf-token': csrf_token },
        JSON.stringify(body),
      )
    },
    signIn: (username, password, fields = {}) => submit('/login', { username, password, ...fields }),
  }
}

function keep(cookies: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split('; ')
  const [name = '', value = ''] = pair.split('=')
  if (attributes.includes('Max-Age=0')) cookies.delete(name)
  else cookies.set(name, value)
}

function exchange(
  origin: string,
  certificate: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(origin), { method, path, headers, ca: certificate, agent: false }, response => {
      response.setEncoding('utf8')
      let text = ''
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
