import { createInterface } from 'node:readline/promises'
import type { Terminal } from './terminal.ts'

/** The terminal, or the pipes, of this process. */
export function processTerminal(): Terminal {
  // Who reads has seen enough (`| head`): that is no failure.
  process.stdout.on('error', error => {
    if ('code' in error && error.code === 'EPIPE') process.exit(0)
    throw error
  })
  const terminal: Terminal = {
    out: text => process.stdout.write(`${text}\n`),
    error: text => process.stderr.write(`${text}\n`),
    color: process.stdout.isTTY === true && !process.env.NO_COLOR,
  }
  return {
    ...terminal,
    ...(process.stderr.isTTY ? { status: (text: string) => void process.stderr.write(`\r\u001b[K${text}`) } : {}),
    ...(process.stdin.isTTY && process.stderr.isTTY ? { ask } : {}),
  }
}

/** On standard error, so that a result can go into a file all the same. */
async function ask(question: string): Promise<string> {
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  // Ctrl-C closes it, and the question is then never answered.
  const closed = new Promise<string>(resolve => asking.once('close', () => resolve('')))
  try {
    return await Promise.race([asking.question(question), closed])
  } finally {
    asking.close()
  }
}
