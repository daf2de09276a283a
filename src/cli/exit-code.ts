import { plain } from '../watch/plain-text.ts'
import type { Terminal } from './terminal.ts'

/** The command was not understood: exit code 2. */
export class Misuse extends Error {}

/** Runs a command: its own exit code, 2 when it was not understood, 1 when something is wrong. Says what. */
export async function exitCode(name: string, terminal: Terminal, run: () => Promise<number>): Promise<number> {
  try {
    return await run()
  } catch (error) {
    const hint = isMisuse(error) ? '\nSee `latchkey --help`.' : ''
    terminal.error(`latchkey ${name}: ${reasonOf(error)}${hint}`)
    return isMisuse(error) ? 2 : 1
  }
}

/** What an error says, with what it says of its cause: databases know best what is wrong with them. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return plain(String(error), longest)
  const cause = error.cause instanceof Error ? `\n${plain(error.cause.message, longest)}` : ''
  return `${plain(error.message, longest)}${cause}`
}

const longest = 2_000

function isMisuse(error: unknown): boolean {
  return (
    error instanceof Misuse ||
    (error instanceof TypeError && 'code' in error && /^ERR_PARSE_ARGS/.test(String(error.code)))
  )
}
