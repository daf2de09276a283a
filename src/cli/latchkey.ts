#!/usr/bin/env node
import { processTerminal } from './process-terminal.ts'
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
    --watch              Those of the watch, too.
    --print              Print the SQL and connect to nothing.
  sessions list          Live sessions, newest first where the store can.
    --config FILE        As above: its store is asked.
    --user ID            Those of one user.
    --text TEXT          Those with this text in user, address, client or sid.
    --limit N            At most so many (default 50).
    --json               One JSON object in each line.
  sessions show SID      One session. --config FILE, --json
  sessions end SID       End it; or --user ID: all of a user's; or --everybody.
    --config FILE        As above.
    --yes                Do not ask.
    --watch PLACE        Write into this trail what was done and by whom.
  watch tail             The newest entries of the audit trail.
    --store PLACE        Where it is: sqlite:FILE or postgres://… (with --table-prefix
                         and --schema as above).
    --follow             And every new one, until interrupted.
    --severity LEVEL     At least so urgent: info, warning or alert.
    --limit N            How many (default 20).
    --json               One JSON object in each line.
  watch query            Entries that match; --store, --severity, --limit and --json as above.
    --since, --until TIME  A time in UTC, or a length of time ago: 1h.
    --user ID, --sid SID, --address ADDRESS, --type EVENT (repeatable)
  watch verify           Read it all; exit 1 when something was changed or removed.
    --store PLACE        As above. The secrets are read from SESSION_SECRET, or
    --config FILE        from the options of createSessions.
    --anchors FILE       Entries known from elsewhere: JSON lines with chain, seq, mac.
    --json               The whole report as JSON.

Exit code: 0 fine, 1 something is wrong, 2 the command was not understood.
`

type Command = (args: string[], terminal: Terminal) => Promise<number>

/** Loaded when they are asked for: who wants a secret need not wait for the drivers of databases. */
const commands: Record<string, () => Promise<Command>> = {
  keygen: async () => (await import('./keygen.ts')).keygen,
  doctor: async () => (await import('./doctor.ts')).doctor,
  migrate: async () => (await import('./migrate.ts')).migrate,
  sessions: async () => (await import('./sessions.ts')).sessions,
  watch: async () => (await import('./watch.ts')).watch,
}

const [name = 'help', ...args] = process.argv.slice(2)
const terminal = processTerminal()
const load = Object.hasOwn(commands, name) ? commands[name] : undefined
if (load) {
  const command = await load()
  process.exitCode = await command(args, terminal)
} else if (name === 'help' || name === '--help' || name === '-h') {
  terminal.out(help)
} else {
  terminal.error(`latchkey: there is no command ${JSON.stringify(name)}.\n\n${help}`)
  process.exitCode = 2
}
// Pools and clients that a configuration made are its own, stay open, and would keep this process alive.
process.stdout.write('', () => process.exit())
