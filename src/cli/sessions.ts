import { parseArgs } from 'node:util'
import type { Sessions } from '../http/sessions.ts'
import type { SessionInfo } from '../session/session-info.ts'
import { oneLine } from '../watch/plain-text.ts'
import { exitCode, Misuse } from './exit-code.ts'
import { fieldValue, instant, printable } from './printable.ts'
import { endSessions } from './sessions-end.ts'
import { isSid, withSidsApart } from './sid-argument.ts'
import { table } from './table.ts'
import type { Terminal } from './terminal.ts'
import { withSessions } from './with-sessions.ts'

const commands: Record<string, (args: string[], terminal: Terminal) => Promise<number>> = {
  list,
  show,
  end: endSessions,
}

/** `latchkey sessions list|show|end`: who is signed in, and an end to it. Exit code: 0 done, 1 failed or not there, 2 misuse. */
export function sessions([name = '', ...args]: string[], terminal: Terminal): Promise<number> {
  return exitCode(`sessions ${Object.hasOwn(commands, name) ? name : ''}`.trim(), terminal, async () => {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (!command) throw new Misuse('Say what: list, show or end.')
    return command(withSidsApart(args), terminal)
  })
}

const text = { type: 'string' } as const
const flag = { type: 'boolean', default: false } as const
/** More than anybody reads; for everything there is the API. */
const mostListed = 10_000

async function list(args: string[], terminal: Terminal): Promise<number> {
  const { values } = parseArgs({ args, options: { config: text, user: text, text, limit: text, json: flag } })
  const limit = values.limit === undefined ? 50 : Number(values.limit)
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= mostListed)) {
    throw new Misuse(`--limit must be a whole number from 1 to ${mostListed}.`)
  }
  const query = {
    ...(values.user === undefined ? {} : { userId: values.user }),
    ...(values.text === undefined ? {} : { text: values.text }),
  }
  return withSessions(values.config, async sessions => {
    const { found, more } = await search(sessions, query, limit, examined =>
      terminal.status?.(`${examined} sessions looked at …`),
    )
    terminal.status?.('')
    if (values.json) for (const session of found) terminal.out(oneLine(session))
    else {
      for (const line of table(header, found.map(rowOf))) terminal.out(line)
      const count = `${found.length} session${found.length === 1 ? '' : 's'}`
      terminal.out(`\n${count}${more ? ', and there are more: say --limit.' : '.'}`)
    }
    return 0
  })
}

/** As many as are wanted, page by page: a page may be empty although more is to come. */
async function search(
  sessions: Pick<Sessions, 'search'>,
  query: { readonly userId?: string; readonly text?: string },
  limit: number,
  progress: (examined: number) => void,
): Promise<{ found: readonly SessionInfo[]; more: boolean }> {
  const found: SessionInfo[] = []
  let examined = 0
  let cursor: string | null = null
  do {
    const page = await sessions.search({ ...query, cursor, limit: Math.min(500, limit - found.length) })
    found.push(...page.sessions)
    examined += page.examined
    progress(examined)
    cursor = page.next
  } while (cursor !== null && found.length < limit)
  return { found, more: cursor !== null }
}

const header = ['SID', 'USER', 'LEVEL', 'CARRIER', 'LAST USED', 'ADDRESS', 'CLIENT']

function rowOf({ sid, userId, aal, locked, carrier, lastSeenAt, address, userAgent }: SessionInfo): string[] {
  const level = `${aal}${locked ? ' locked' : ''}`
  return [sid, userId ?? '-', level, carrier, instant(lastSeenAt), address ?? '-', userAgent ?? '-']
}

async function show(args: string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { config: text, json: flag } })
  const [sid, ...more] = positionals
  if (sid === undefined || more.length > 0 || !isSid(sid))
    throw new Misuse('Name one session by its sid: 22 characters.')
  return withSessions(values.config, async sessions => {
    const session = await sessions.find(sid)
    if (!session)
      throw new Error(
        `There is no live session ${printable(sid)}. What became of it, the trail knows: latchkey watch query --sid.`,
      )
    if (values.json) terminal.out(oneLine(session))
    else for (const [name, value] of described(session)) terminal.out(`${name.padEnd(19)}${value}`)
    return 0
  })
}

function described(session: SessionInfo): (readonly [name: string, value: string])[] {
  const { sid, userId, aal, amr, locked, carrier, clientId, persistent, address, userAgent } = session
  return [
    ['sid', sid],
    ['user', userId === null ? '- (a guest)' : fieldValue(userId)],
    ['level', `${aal}${amr.length > 0 ? ` (${amr.map(printable).join(', ')})` : ''}`],
    ['locked', locked ? 'yes: its user has to prove again who they are' : 'no'],
    [
      'carrier',
      `${carrier}${clientId === null ? '' : ` of the client ${fieldValue(clientId)}`}${persistent ? ', persistent' : ''}`,
    ],
    ['created', instant(session.createdAt)],
    ['last used', instant(session.lastSeenAt)],
    ['authenticated', instant(session.authenticatedAt)],
    ['ends when idle', instant(session.idleExpiresAt)],
    ['ends at the latest', instant(session.absoluteExpiresAt)],
    ['address', address === null ? '-' : fieldValue(address)],
    ['client', userAgent === null ? '-' : printable(userAgent)],
  ]
}
