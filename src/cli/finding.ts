/** One answer of the doctor. */
export interface Finding {
  /** `ok`, something to think about, or something that must not go live. */
  readonly level: 'ok' | 'warning' | 'failure'
  /** What was found, one sentence. */
  readonly text: string
  /** What to do about it; absent when all is well. */
  readonly fix?: string
}

/** All is well. */
export function ok(text: string): Finding {
  return { level: 'ok', text }
}

/** Think about it. */
export function warning(text: string, fix: string): Finding {
  return { level: 'warning', text, fix }
}

/** Must not go live. */
export function failure(text: string, fix: string): Finding {
  return { level: 'failure', text, fix }
}
