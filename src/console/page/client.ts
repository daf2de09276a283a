/** How the page asks its server: JSON over `fetch`, errors with words for a person. */
import type { Overview, Problem } from '../api.ts'

/** Something that the server refused or could not do; the message is for the person in front of the page. */
export class Refused extends Error {
  override readonly name = 'Refused'
  /** HTTP status, 0 when the server did not answer. */
  readonly status: number
  /** Stable literal to switch on. */
  readonly code: string
  /** Where to prove more, or `null`. */
  readonly signInAt: string | null
  /** How long to wait, ms, or `null`. */
  readonly waitMs: number | null

  constructor(status: number, problem: Problem, waitMs: number | null = null) {
    super(problem.message)
    this.status = status
    this.code = problem.code
    this.signInAt = problem.signInAt
    this.waitMs = waitMs
  }

  /** Whether nothing can be asked any more until somebody signs in, or proves again who they are. */
  get isOver(): boolean {
    return this.status === 401
  }
}

/** Values of a query; those that are `''`, `null` or left out are not sent. */
export type Query = Readonly<Record<string, string | number | null | undefined | readonly string[]>>

/** The page's line to its server. */
export interface Client {
  /** Asks; rejects with a {@link Refused}, or with whatever the signal was fired with. */
  get<Answer>(path: string, query?: Query, signal?: AbortSignal): Promise<Answer>
  /** Has something done, with the CSRF token of the session. */
  post<Answer>(path: string, body: object): Promise<Answer>
  /** Opens a stream, going on after the event with this id. */
  stream(path: string, lastEventId: string, signal: AbortSignal): Promise<Response>
}

const unreachable: Problem = {
  code: 'unreachable',
  message: 'The server does not answer. Is it running, and are you online?',
  signInAt: null,
}

/** What a client needs of the browser. */
export interface ClientWorld {
  /** The browser's `fetch`. */
  fetch(address: string, options: RequestInit): Promise<Response>
  /** Whether a person did something in this page a moment ago: only then a request is use of the session. */
  isClicked(): boolean
}

/** `base`: where the API is, relative to the page. */
export function createClient(world: ClientWorld, base: string = 'api/'): Client {
  /** The token of the session as the last overview had it. */
  let csrfToken = ''

  async function send(path: string, options: RequestInit): Promise<Response> {
    let response: Response
    const headers = { ...options.headers, ...(world.isClicked() && { 'x-console-click': '1' }) }
    try {
      response = await world.fetch(`${base}${path}`, {
        credentials: 'same-origin',
        cache: 'no-store',
        ...options,
        headers,
      })
    } catch (error) {
      if (options.signal?.aborted) throw error
      throw new Refused(0, unreachable)
    }
    if (response.ok) return response
    throw await refusalOf(response)
  }

  async function get<Answer>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Answer> {
    const response = await send(`${path}${textOf(query)}`, signal === undefined ? {} : { signal })
    const answer = (await response.json()) as Answer
    if (path === 'overview') csrfToken = (answer as Overview).csrfToken
    return answer
  }

  async function post<Answer>(path: string, body: object): Promise<Answer> {
    const once = () =>
      send(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-csrf-token': csrfToken },
        body: JSON.stringify(body),
      })
    let response: Response
    try {
      response = await once()
    } catch (error) {
      // The token is the session's: after a new sign-in in another tab, or before the first overview, ours is not good.
      if (!(error instanceof Refused && error.code.startsWith('csrf-token-'))) throw error
      await get('overview')
      response = await once()
    }
    return (await response.json()) as Answer
  }

  const stream = (path: string, lastEventId: string, signal: AbortSignal) =>
    send(path, {
      signal,
      headers: { accept: 'text/event-stream', ...(lastEventId === '' ? {} : { 'last-event-id': lastEventId }) },
    })

  return { get, post, stream }
}

/** Reads a refusal, which may come from something in between that knows nothing of us. */
async function refusalOf(response: Response): Promise<Refused> {
  const { status } = response
  const told: unknown = await response.json().catch(() => null)
  const said = (name: string) => {
    const value = typeof told === 'object' && told !== null ? (told as Record<string, unknown>)[name] : undefined
    return typeof value === 'string' ? value : null
  }
  const problem = { code: said('code') ?? `http-${status}`, message: said('message') ?? wordsFor(status) }
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  const waitMs = Number.isFinite(seconds) ? seconds * 1_000 : null
  return new Refused(status, { ...problem, signInAt: pathOnly(said('signInAt')) }, waitMs)
}

/** The way to sign in is a path of this site, and never `javascript:` or somebody else's. */
function pathOnly(place: string | null): string | null {
  return place !== null && /^\/(?![/\\])/.test(place) ? place : null
}

function wordsFor(status: number): string {
  if (status === 401) return 'Your session is over.'
  if (status === 403) return 'You may not do this.'
  if (status === 404) return 'The server does not know this.'
  if (status === 429) return 'Too many tries. Please wait a little.'
  if (status === 503) return 'The service is briefly unavailable. Please try again.'
  return `Something went wrong on the server (${status}).`
}

function textOf(query: Query): string {
  const pairs: [string, string][] = []
  for (const [name, value] of Object.entries(query))
    for (const one of [value ?? ''].flat()) if (one !== '') pairs.push([name, String(one)])
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`
}
