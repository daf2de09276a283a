import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { SessionsOptions } from '../http/sessions.ts'

/** Why there are no options, and what to do about it. */
export interface NoOptions {
  readonly problem: string
  readonly fix: string
}

/** The options that a module exports, for `--config`. The module is run: it must make options, and start nothing. */
export async function sessionOptions(file: string): Promise<SessionsOptions | NoOptions> {
  let options: SessionsOptions
  try {
    const loaded = await import(pathToFileURL(resolve(file)).href)
    options = loaded.default
  } catch (error) {
    return {
      problem: `${file} could not be loaded: ${error instanceof Error ? error.message : error}`,
      fix: 'Pass the module that makes your options.',
    }
  }
  if (typeof options !== 'object' || options === null || !('secrets' in options)) {
    return {
      problem: `${file} has no default export with the options of createSessions.`,
      fix: 'Write: export default { secrets: [...], store: ... }',
    }
  }
  return options
}
