/** An API with bearer sessions, and programs that call it. */
import { generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { LatchkeyError, type RequestFacts } from 'latchkey'
import {
  type AccessToken,
  type Bearer,
  type BearerOptions,
  type BearerRequirements,
  createBearer,
  type TokenAnswer,
} from 'latchkey/bearer'
import { type Server, type ServerOptions, startServer } from './server.ts'

export const issuer = 'https://campus.example'
export const audience = 'https://campus.example/api'

/** A server that hands out and takes tokens. */
export interface Api {
  readonly server: Server
  readonly bearer: Bearer
  readonly keys: BearerOptions['keys']
}

/** What came of a call. */
export interface CallReply {
  readonly status: number
  readonly code: LatchkeyError['code'] | null
  readonly headers: Readonly<Record<string, string>>
  readonly access: AccessToken | null
}

export const newKeys = (): JsonWebKey[] => [
  { ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }), alg: 'EdDSA' },
]

/** An API on a server of its own, or on one more node of the same. */
export function startApi(options: Partial<BearerOptions> = {}, server: Server | ServerOptions = {}): Api {
  const on = 'sessions' in server ? server : startServer(server)
  const { keys = newKeys() } = options
  return { server: on, keys, bearer: createBearer(on.sessions, { issuer, audience, ...options, keys }) }
}

/** A request as an adapter tells of it. */
export function requestOf({
  method = 'GET',
  target = '/api/me',
  headers = {},
  body,
  encrypted = true,
}: {
  readonly method?: string
  readonly target?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: unknown
  readonly encrypted?: boolean
} = {}): RequestFacts {
  return {
    method,
    target,
    headers: { host: 'campus.example', 'user-agent': 'Test/1.0', ...headers },
    remoteAddress: '192.0.2.1',
    encrypted,
    body: () => body,
    onUse: () => {},
  }
}

/** Signs a program in. */
export function signIn({ bearer }: Api, userId = 'ada', options: Parameters<Bearer['signIn']>[2] = { amr: ['pwd'] }) {
  return bearer.signIn(requestOf({ method: 'POST', target: '/api/token' }), userId, options)
}

/** One refresh; `null` when it was refused. */
export function refresh({ bearer }: Api, { refresh_token }: Pick<TokenAnswer, 'refresh_token'>) {
  return bearer.refresh(requestOf({ method: 'POST', target: '/api/token/refresh' }), refresh_token)
}

/** Calls a route that wants a token, as the program with this access token. */
export function call(api: Api, token: string, requirements?: BearerRequirements): Promise<CallReply> {
  return send(api, requestOf({ headers: { authorization: `Bearer ${token}` } }), requirements)
}

/** Sends any request to a route that wants a token. */
export async function send(
  { bearer }: Api,
  facts: RequestFacts,
  requirements?: BearerRequirements,
): Promise<CallReply> {
  try {
    return { status: 200, code: null, headers: {}, access: await bearer.authenticate(facts, requirements) }
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error
    return { status: error.status, code: error.code, headers: error.headers, access: null }
  }
}
