import { userInfo } from 'node:os'
import { parseArgs } from 'node:util'
import type { Sessions } from '../http/sessions.ts'
import { createWatch, type Watch } from '../watch/index.ts'
import { Misuse } from './exit-code.ts'
import { fieldValue } from './printable.ts'
import { isSid } from './sid-argument.ts'
import type { Terminal } from './terminal.ts'
import { openWatchStore, tableOptions } from './watch-place.ts'
import { withSessions } from './with-sessions.ts'

/** What is to be ended. */
type Target =
  | { readonly operation: 'end-session'; readonly target: string }
  | { readonly operation: 'end-user'; readonly target: string }
  | { readonly operation: 'end-everybody'; readonly target: 'everybody' }

/** Ends one session, a user's or everybody's, once that was confirmed. With `--watch` the trail learns of it and who did it. */
export async function endSessions(args: string[], terminal: Terminal): Promise<number> {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...tableOptions, config: text, user: text, everybody: flag, yes: flag, watch: text },
  })
  const target = targetOf(positionals, values.user, values.everybody)
  return withSessions(values.config, async sessions => {
    if (!(values.yes || (await confirmed(sessions, target, terminal)))) {
      terminal.error('Nothing was ended.')
      return 1
    }
    // Opened before: what could not be written down is not done.
    const store = values.watch === undefined ? null : await openWatchStore(values.watch, values)
    if (!store) return end(sessions, target, terminal)
    const watch = await createWatch(sessions, { store })
    try {
      // Written down first, as in the console: what fails half-way was still somebody's doing.
      watch.operatorActed(target.operation, target.target, `cli:${operator()}`)
      const code = await end(sessions, target, terminal)
      return (await isWritten(watch, terminal)) ? code : 1
    } finally {
      await watch.close()
    }
  })
}

function targetOf(positionals: readonly string[], user: string | undefined, everybody: boolean): Target {
  const [sid, ...more] = positionals
  const named = [sid !== undefined, user !== undefined, everybody].filter(Boolean).length
  if (named !== 1 || more.length > 0) throw new Misuse('Say whose, and one of them: SID, --user ID or --everybody.')
  if (everybody) return { operation: 'end-everybody', target: 'everybody' }
  if (user !== undefined) return { operation: 'end-user', target: user }
  if (sid === undefined || !isSid(sid)) throw new Misuse('A sid has 22 characters; a user is named by --user.')
  return { operation: 'end-session', target: sid }
}

/** Asks the person at the terminal. For everybody a `y` out of habit must not do. */
async function confirmed(sessions: Sessions, { operation, target }: Target, terminal: Terminal): Promise<boolean> {
  if (!terminal.ask) throw new Misuse('Nobody can be asked here: say --yes if you are sure.')
  if (operation === 'end-everybody') {
    const answer = await terminal.ask('This signs everybody out, you too. Type "everybody" to go on: ')
    return answer.trim() === 'everybody'
  }
  const question =
    operation === 'end-session'
      ? await aboutSession(sessions, target)
      : `End all ${(await sessions.list(target)).length} sessions of ${fieldValue(target)}?`
  return /^y(es)?$/i.test((await terminal.ask(`${question} [y/N] `)).trim())
}

async function aboutSession(sessions: Sessions, sid: string): Promise<string> {
  const session = await sessions.find(sid)
  if (!session) throw new Error(`There is no live session ${sid}.`)
  const { userId, address } = session
  const whose = userId === null ? 'of a guest' : `of ${fieldValue(userId)}`
  return `End the session ${sid} ${whose}${address === null ? '' : ` from ${fieldValue(address)}`}?`
}

async function end(sessions: Sessions, { operation, target }: Target, terminal: Terminal): Promise<number> {
  if (operation === 'end-session') {
    const wasAlive = await sessions.end(target)
    terminal.out(wasAlive ? 'It is over.' : 'It was over already.')
    return wasAlive ? 0 : 1
  }
  const count = operation === 'end-user' ? await sessions.endUser(target) : await sessions.endEverybody()
  terminal.out(`${count} session${count === 1 ? ' is' : 's are'} over.`)
  return 0
}

async function isWritten(watch: Watch, terminal: Terminal): Promise<boolean> {
  await watch.flush()
  const { queued, dropped } = watch.stats()
  if (queued === 0 && dropped === 0) return true
  terminal.error('That was done, but it could not be written to the trail.')
  return false
}

/** Who does this, as the operating system knows them: what the environment says, anybody can say. */
function operator(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.()}`
  }
}
