import type { Session } from 'latchkey'
import { type Console, type ConsoleOptions, createConsole } from 'latchkey/console'
import type { StartConsole } from './console-applications.ts'
import { ConsoleClient } from './console-client.ts'
import { type ConsoleWatch, consoleWatch } from './console-watch.ts'
import { type FreshSessions, freshSessions } from './fresh-sessions.ts'
import type { Data, ServerOptions } from './server.ts'

/** A console that runs, and who comes to it. */
export interface ConsoleScene extends FreshSessions {
  readonly origin: string
  readonly watch: ConsoleWatch
  readonly console: Console
  /** Whose names are administrators'. A test may take one away. */
  readonly administrators: Set<string>
  /** Somebody with a browser. */
  client(): ConsoleClient
  /** Somebody who may use the console. */
  admin(): Promise<ConsoleClient>
}

/** What a test wants to be different. */
export interface SceneOptions {
  readonly console?: Partial<ConsoleOptions<Data>>
  readonly sessions?: ServerOptions
}

/** Starts one, and stops it when the test is over. */
export async function openConsole(
  t: { after(work: () => Promise<void>): void },
  start: StartConsole,
  options: SceneOptions = {},
): Promise<ConsoleScene> {
  const server = freshSessions(options.sessions)
  const { clock, sessions } = server
  const watch = consoleWatch(clock.now)
  const administrators = new Set(['admin'])
  const console = createConsole(sessions, watch, {
    administrator: ({ userId }: Session<Data>) => administrators.has(userId ?? ''),
    signInAt: '/prove',
    clock: clock.now,
    ...options.console,
    feed: { askEvery: '5ms', checkEvery: '10ms', ...options.console?.feed },
  })
  const running = await start({ sessions, console })
  t.after(async () => {
    console.close()
    await running.close()
    await sessions.close()
  })
  const client = () => new ConsoleClient(running.origin, server)
  const admin = () => client().signIn('admin')
  return { ...server, origin: running.origin, watch, console, administrators, client, admin }
}
