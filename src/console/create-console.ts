import { durationMs, type Session, type Sessions, safeReturnTo, UsageError } from '../index.ts'
import type { Watch } from '../watch/index.ts'
import { CensusTaker } from './census-taker.ts'
import type { Console } from './console.ts'
import type { Desk } from './desk.ts'
import { Feed } from './feed.ts'
import type { ConsoleOptions, FeedOptions, Proving } from './options.ts'
import { answerRequest } from './routes.ts'

/**
 * Makes a console for administrators of these sessions. Mount it with one of the doors `latchkey/console/express`, `fastify`,
 * `hono`, `node` or `web`, behind the session middleware. Throws a `UsageError` that names the option and the fix.
 */
export function createConsole<Data extends object>(
  sessions: Sessions<Data>,
  watch: Watch,
  options: ConsoleOptions<Data>,
): Console {
  if (typeof options?.administrator !== 'function') {
    throw new UsageError(
      'createConsole: administrator is missing: pass a function that says whether the user of a session is one.',
    )
  }
  const { signInAt, fresh = '15m', prove, clock = Date.now } = options
  if (safeReturnTo(signInAt, '') === '') {
    throw new UsageError(
      "createConsole: signInAt must be a path on this site where administrators prove who they are, for example '/login'.",
    )
  }
  // A session of a request is always one of these sessions: the adapters see to that.
  const administrator = options.administrator as (session: Session<object>) => boolean | Promise<boolean>
  const common = { sessions: sessions as unknown as Sessions<object>, watch, administrator, clock }
  const feed = new Feed({ ...common, ...feedBounds(options.feed) })
  const desk: Desk = {
    ...common,
    signInAt,
    fresh,
    freshMs: durationMs(fresh, 'createConsole: fresh'),
    prove: (prove as Proving<object> | undefined) ?? null,
    feed,
    census: new CensusTaker(common.sessions, clock),
  }
  return {
    sessions: common.sessions,
    answer: request => answerRequest(desk, request),
    close: () => feed.close(),
  }
}

function feedBounds({ askEvery = '1s', checkEvery = '3s', most = 100, mostOfSession = 6 }: FeedOptions = {}) {
  for (const [name, value] of Object.entries({ most, mostOfSession })) {
    if (!(Number.isInteger(value) && value >= 1 && value <= 10_000))
      throw new UsageError(`createConsole: feed.${name} must be a whole number from 1 to 10,000.`)
  }
  return {
    askEveryMs: durationMs(askEvery, 'createConsole: feed.askEvery'),
    checkEveryMs: durationMs(checkEvery, 'createConsole: feed.checkEvery'),
    most,
    mostOfSession,
  }
}
