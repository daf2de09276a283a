import { createSessions, type Sessions } from '../http/sessions.ts'
import { Misuse } from './exit-code.ts'
import { sessionOptions } from './session-options.ts'

/** Opens the sessions of a configuration, does something with them, and closes them again. */
export async function withSessions<Result>(
  config: string | undefined,
  work: (sessions: Sessions) => Promise<Result>,
): Promise<Result> {
  if (config === undefined) {
    throw new Misuse(
      '--config FILE is missing: the module whose default export is the options object of createSessions.',
    )
  }
  const options = await sessionOptions(config)
  if ('problem' in options) throw new Error(`${options.problem}\n${options.fix}`)
  // What sweeps is the service, not somebody who has a look.
  const sessions = createSessions({ ...options, sweepEvery: false })
  try {
    return await work(sessions)
  } finally {
    await sessions.close()
  }
}
