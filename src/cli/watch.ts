import { exitCode, Misuse } from './exit-code.ts'
import { withSidsApart } from './sid-argument.ts'
import type { Terminal } from './terminal.ts'
import { query } from './watch-query.ts'
import { tail } from './watch-tail.ts'
import { verify } from './watch-verify.ts'

const commands: Record<string, (args: string[], terminal: Terminal) => Promise<number>> = { tail, query, verify }

/** `latchkey watch tail|query|verify`: the audit trail. Exit code: 0 fine, 1 failed or something is broken, 2 misuse. */
export function watch([name = '', ...args]: string[], terminal: Terminal): Promise<number> {
  return exitCode(`watch ${Object.hasOwn(commands, name) ? name : ''}`.trim(), terminal, async () => {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (!command) throw new Misuse('Say what: tail, query or verify.')
    return command(withSidsApart(args), terminal)
  })
}
