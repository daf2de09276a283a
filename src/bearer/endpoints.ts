import { Refusal } from '../errors.ts'
import type { Endpoint, EndpointAnswer } from '../http/endpoint.ts'
import type { RequestFacts } from '../http/request-facts.ts'
import type { TokenAnswer } from './grants.ts'
import type { Introspection } from './inspection.ts'

/** Whether a caller may introspect tokens: a resource server you know, by whatever it proves itself with. */
export type IntrospectionGuard = (facts: RequestFacts) => boolean | Promise<boolean>

/**
 * `POST`, parameters `refresh_token` and optionally `client_id` and `grant_type=refresh_token`, as form or JSON: new tokens
 * (RFC 6749 section 6), or 400 with `invalid_grant`.
 */
export function refreshEndpoint(
  refresh: (facts: RequestFacts, refreshToken: string, clientId: string | null) => Promise<TokenAnswer | null>,
): Endpoint {
  return posted(async (facts, parameter) => {
    const token = parameter('refresh_token')
    const grant = parameter('grant_type')
    if (grant !== null && grant !== 'refresh_token') return failure('unsupported_grant_type')
    if (token === null) return failure('invalid_request')
    try {
      const answer = await refresh(facts, token, parameter('client_id'))
      return answer ? json(200, answer) : failure('invalid_grant')
    } catch (error) {
      if (!(error instanceof Refusal && error.code === 'proof-invalid')) throw error
      const { 'dpop-nonce': nonce } = error.headers
      return nonce === undefined ? failure('invalid_dpop_proof') : failure('use_dpop_nonce', { 'dpop-nonce': nonce })
    }
  })
}

/**
 * `POST`, parameter `token`: ends the session that a refresh or access token belongs to (RFC 7009). 200 also for a token
 * that is nobody's, so that nobody learns which ones are.
 */
export function revocationEndpoint(revoke: (facts: RequestFacts, token: string) => Promise<unknown>): Endpoint {
  return posted(async (facts, parameter) => {
    const token = parameter('token') ?? parameter('refresh_token')
    if (token === null) return failure('invalid_request')
    await revoke(facts, token)
    return { status: 200, headers: unstored, body: {} }
  })
}

/** `POST`, parameter `token`: whether it is good at this moment, and whose (RFC 7662), for callers that `mayAsk` lets in. */
export function introspectionEndpoint(
  introspect: (facts: RequestFacts, token: string) => Promise<Introspection>,
  mayAsk: IntrospectionGuard,
): Endpoint {
  return posted(async (facts, parameter) => {
    if (!(await mayAsk(facts))) return failure('invalid_client', { 'www-authenticate': 'Bearer' }, 401)
    const token = parameter('token')
    return token === null ? failure('invalid_request') : json(200, await introspect(facts, token))
  })
}

/** `GET /.well-known/jwks.json`: the public keys, for those who verify access tokens themselves. */
export function jwksEndpoint(jwks: () => object): Endpoint {
  return async facts => {
    if (facts.method !== 'GET' && facts.method !== 'HEAD') return wrongMethod('GET, HEAD')
    return { status: 200, headers: { 'cache-control': 'public, max-age=300' }, body: jwks() }
  }
}

/** Answers are for their one client and nobody's cache (RFC 6749 section 5.1). */
const unstored = { 'cache-control': 'no-store', pragma: 'no-cache' }

function json(status: number, body: object): EndpointAnswer {
  return { status, headers: unstored, body }
}

function failure(error: string, headers: Readonly<Record<string, string>> = {}, status = 400): EndpointAnswer {
  return { status, headers: { ...unstored, ...headers }, body: { error } }
}

function wrongMethod(allow: string): EndpointAnswer {
  return { status: 405, headers: { ...unstored, allow }, body: { error: 'invalid_request' } }
}

/** Longest parameter that is looked at: every token of ours is shorter. */
const longestParameter = 8_192

type Parameter = (name: string) => string | null

function posted(work: (facts: RequestFacts, parameter: Parameter) => Promise<EndpointAnswer>): Endpoint {
  return async facts => {
    if (facts.method !== 'POST') return wrongMethod('POST')
    const body = facts.body()
    // From the body only: what stands in an address is logged (BT-1). No getter of a hostile body runs.
    return work(facts, name => {
      if (typeof body !== 'object' || body === null) return null
      const value: unknown = Object.getOwnPropertyDescriptor(body, name)?.value
      return typeof value === 'string' && value !== '' && value.length <= longestParameter ? value : null
    })
  }
}
