#!/usr/bin/env node
import { doctor } from './doctor.ts'
import { keygen } from './keygen.ts'
import { migrate } from './migrate.ts'
import type { Terminal } from './terminal.ts'

const help = `latchkey: session management for TypeScript servers

Usage: latchkey <command> [options]

  keygen                 Print a new server secret for the \`secrets\` option.
  keygen --jwk           Print a new private key for access tokens, for the \`keys\` option.
    --alg ALGORITHM      ES256 (default), EdDSA, Ed25519 or HS256.
    --from TIME          When it begins to sign: a time in UTC, or 7d from now.
    --until TIME         When it stops to sign at the latest.
  doctor [options]       Check a deployment against a checklist; exit 1 when something is wrong.
    --config FILE        Module whose default export is the options object of createSessions.
    --url URL            A running site to look at from outside (repeatable).
    --private PATH       A file or directory that only this user may read (repeatable).
    --strict             Warnings count as failures.
  migrate URL [options]  Create or update the tables of the PostgreSQL store at postgres://…
    --table-prefix NAME  What their names begin with (default latchkey_).
    --schema NAME        The schema they are in.
    --print              Print the SQL and connect to nothing.

Exit code: 0 fine, 1 something is wrong, 2 the command was not understood.
`

const commands: Record<string, (args: string[], terminal: Terminal) => Promise<number> | number> = {
  keygen,
  doctor,
  migrate,
}

const [name = 'help', ...args] = process.argv.slice(2)
const terminal: Terminal = {
  out: text => process.stdout.write(`${text}\n`),
  error: text => process.stderr.write(`${text}\n`),
  color: process.stdout.isTTY === true && !process.env.NO_COLOR,
}
const command = Object.hasOwn(commands, name) ? commands[name] : undefined
if (command) {
  process.exitCode = await command(args, terminal)
} else if (name === 'help' || name === '--help' || name === '-h') {
  terminal.out(help)
} else {
  terminal.error(`latchkey: there is no command ${JSON.stringify(name)}.\n\n${help}`)
  process.exitCode = 2
}
