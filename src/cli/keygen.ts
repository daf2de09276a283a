import { randomBytes } from 'node:crypto'
import type { Terminal } from './terminal.ts'

/** Prints a new secret: 32 random bytes as 43 base64url characters, alone on its line so that a script can take it. */
export function keygen(args: string[], terminal: Terminal): number {
  if (args.length > 0) {
    terminal.error('latchkey keygen takes no options. Use it as: export SESSION_SECRET="$(npx latchkey keygen)"')
    return 2
  }
  terminal.out(randomBytes(32).toString('base64url'))
  return 0
}
