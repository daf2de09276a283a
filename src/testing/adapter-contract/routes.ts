import type { SessionStatus } from '../../http/session-status.ts'
import type { Session } from '../../session/session.ts'

/** What the contract's application keeps in a session. */
export type ContractData = Record<string, unknown>

/** What a route of the contract's application gets from the adapter. */
export interface ContractRequest {
  /** The session of the first manager. */
  readonly session: Session<ContractData>
  /** The session of the second manager in the same application. */
  readonly second: Session<ContractData>
  /** The adapter's function that makes a CSRF token for the first manager's session. */
  readonly csrfToken: () => string
  /** The adapter's function that tells what a page may know of the first manager's session. */
  readonly sessionStatus: () => SessionStatus
  /** The query string, parsed. */
  readonly query: URLSearchParams
}

/** What a route wants to have answered, in the framework's own way. */
export interface ContractAnswer {
  readonly status: number
  /** Names as they shall go out. A list is several headers of that name. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /**
   * Left out: no body. A text is sent at once. Of a sequence each chunk is sent before the next one is asked for, and
   * when the client cannot keep up the next one waits; what the sequence throws is the handler's error.
   */
  readonly body?: string | AsyncIterable<string>
}

/**
 * Which of the adapter's own guards, for the first manager, stands in front of a route: none, `requireUser()`, `requireLevel(2)`,
 * `requireFresh('5m')` or `requireFresh('5m', { level: 2 })`.
 */
export type ContractNeeds = 'nothing' | 'user' | 'level 2' | 'fresh' | 'fresh level 2'

/** A route of the contract's application. */
export interface ContractRoute {
  /** `GET` also answers `HEAD`, without the body. */
  readonly method: 'GET' | 'POST'
  /** The whole path, without query. */
  readonly path: string
  /** Who may pass. */
  readonly needs: ContractNeeds
  /** Runs the route. What it throws is the handler's error and takes the framework's usual way. */
  readonly answer: (request: ContractRequest) => Promise<ContractAnswer>
}

/** A large answer: more than the buffers between two ends of a connection hold. */
export const largeChunks = 128
/** Characters of one chunk of it. */
export const largeChunkLength = 65_536

/** Chunk number `index` of the large answer. */
export function largeChunk(index: number): string {
  return `${index}:`.padEnd(largeChunkLength, '.')
}

const json = (value: unknown): ContractAnswer => ({
  status: 200,
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(value),
})
const seeOther = (location: string): ContractAnswer => ({ status: 303, headers: { Location: location } })

const shown = (session: Session<ContractData>) => ({ id: session.id, userId: session.userId, data: session.data })

async function change({ session, query }: ContractRequest): Promise<void> {
  await session.load()
  for (const [key, value] of query) session.data[key] = value
}

/** The name of what `work` throws, for telling the client. */
async function thrownBy(work: () => unknown): Promise<string> {
  try {
    await work()
    return 'nothing'
  } catch (error) {
    return (error as Error).name
  }
}

const table: readonly (readonly [`${'GET' | 'POST'} /${string}`, ContractRoute['answer'], ContractRoute['needs']?])[] =
  [
    ['GET /public', async () => ({ status: 200, headers: { 'Content-Type': 'text/plain' }, body: 'public' })],
    ['GET /me', async ({ session }) => json(shown(await session.load()))],
    ['GET /private', async ({ session }) => json(shown(session)), 'user'],
    ['GET /csrf', async ({ session, csrfToken }) => json((await session.load()) && csrfToken())],
    [
      'POST /login',
      async ({ session, query }) => {
        await session.signIn(query.get('user') ?? 'alice', { amr: ['pwd'] })
        return seeOther('/me')
      },
    ],
    [
      'POST /logout',
      async ({ session }) => {
        await session.end()
        return seeOther('/public')
      },
    ],
    [
      'POST /set',
      async request => {
        await change(request)
        return { ...seeOther('/me'), headers: { Location: '/me', 'X-Success': 'yes' }, body: 'success' }
      },
    ],
    [
      'POST /increment',
      async ({ session }) => {
        const count = await session.update(data => {
          data.count = Number(data.count ?? 0) + 1
          return data.count
        })
        return json(count)
      },
    ],
    [
      'POST /set-with-cookies',
      async request => {
        await change(request)
        const planted = '__Host-Http-sid=planted; Path=/; Secure; HttpOnly'
        return { status: 200, headers: { 'Set-Cookie': ['theme=dark', planted, 'seen=1'] }, body: 'ok' }
      },
    ],
    [
      'POST /set-and-stream',
      async request => {
        await change(request)
        return { status: 200, headers: { 'Content-Type': 'text/plain', 'X-Success': 'yes' }, body: large() }
      },
    ],
    [
      'POST /set-and-throw',
      async request => {
        await change(request)
        throw new Error('the handler failed')
      },
    ],
    [
      'POST /set-and-answer-500',
      async request => {
        await change(request)
        return { status: 500, body: 'failed' }
      },
    ],
    [
      'POST /set-and-answer-204',
      async request => {
        await change(request)
        return { status: 204 }
      },
    ],
    [
      'GET /not-modified',
      async ({ session }) => {
        await session.load()
        return { status: 304, headers: { ETag: '"a"' } }
      },
    ],
    [
      'GET /throws',
      async () => {
        throw new Error('the handler failed')
      },
    ],
    ['GET /throws-midway', async () => ({ status: 200, body: breaking() })],
    ['GET /late-read', async ({ session }) => ({ status: 200, body: lateRead(session) })],
    ['POST /late-change', async ({ session }) => ({ status: 200, body: lateChange(session) })],
    [
      'POST /set-both',
      async request => {
        const { second, query } = request
        await change(request)
        await second.load()
        for (const [key, value] of query) second.data[key] = value
        return json('both')
      },
    ],
    ['GET /both', async ({ session, second }) => json([shown(await session.load()), shown(await second.load())])],
    [
      'POST /logout-second',
      async ({ second }) => {
        await second.end()
        return seeOther('/public')
      },
    ],
  ]

/** All routes of the contract's application but those that a single test makes for itself. */
export const contractRoutes: readonly ContractRoute[] = table.map(([address, answer, needs = 'nothing']) => {
  const [method, path] = address.split(' ') as ['GET' | 'POST', string]
  return { method, path, needs, answer }
})

async function* large(): AsyncGenerator<string> {
  for (let index = 0; index < largeChunks; index += 1) yield largeChunk(index)
}

async function* breaking(): AsyncGenerator<string> {
  yield 'the beginning'
  throw new Error('the handler failed')
}

async function* lateRead(session: Session<ContractData>): AsyncGenerator<string> {
  yield 'user: '
  await session.load()
  yield String(session.userId)
}

async function* lateChange(session: Session<ContractData>): AsyncGenerator<string> {
  yield 'late: '
  await session.load()
  yield await thrownBy(() => {
    session.data.late = 'yes'
  })
  yield ', '
  yield await thrownBy(() => session.signIn('mallory', { amr: ['pwd'] }))
}
