import { LatchkeyError } from 'latchkey'
import { helpText, OptionError, readOptions, reasonOf } from './options.ts'
import { startCampus } from './start.ts'
import type { NewAccount } from './users.ts'

try {
  const options = readOptions(process.argv.slice(2), process.env)
  if (options === 'help') {
    process.stdout.write(helpText())
  } else {
    const campus = await startCampus(options, {
      clock: Date.now,
      log: line => process.stderr.write(`${line}\n`),
      announce: accounts => process.stdout.write(accountsText(accounts)),
    })
    process.stdout.write(openText(campus.origin, options.tls === null))
    stopOnSignal(campus.stop)
  }
} catch (error) {
  if (!(error instanceof OptionError || error instanceof LatchkeyError)) throw error
  for (const line of error.message.split('\n')) process.stderr.write(`campus: ${line}\n`)
  process.exitCode = 2
}

function accountsText(accounts: readonly NewAccount[]): string {
  const rows = accounts.map(({ username, password }) => `    ${username.padEnd(12)}${password}`)
  return `\n  These accounts were just created. Their passwords are shown this once:\n\n${rows.join('\n')}\n`
}

function openText(origin: string, ownCertificate: boolean): string {
  const warning =
    ownCertificate && origin.startsWith('https:')
      ? '  Your browser will warn about the certificate, because it was made here, for this machine only: go on.\n'
      : ''
  return `\n  Campus is open:  ${origin}\n\n${warning}  Ctrl+C stops it.\n\n`
}

/** The first signal asks to finish what is under way; a second one does not wait. */
function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1)
      stopping = true
      stop().then(
        () => process.exit(0),
        error => {
          process.stderr.write(`campus: could not stop cleanly: ${reasonOf(error)}\n`)
          process.exit(1)
        },
      )
    })
  }
}
