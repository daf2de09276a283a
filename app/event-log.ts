/** Where Campus writes what an operator should know of Campus itself: one line of JSON each, so that no user name can forge a second. */
export interface Log {
  /** Somebody asked to end a session of somebody else (ASVS 7.5.2). `sid` is the one they named. */
  readonly foreignSession: (account: string, sid: string, place: string) => void
  /** A request that failed on our side. */
  readonly failure: (request: string, error: unknown) => void
}

/** A log that writes lines. What happens to sessions is in the audit trail, which sends its warnings to the same place. */
export function createLog(write: (line: string) => void, clock: () => number): Log {
  const line = (at: number, fields: object) => write(JSON.stringify({ at: new Date(at).toISOString(), ...fields }))
  return {
    foreignSession(account, sid, place) {
      line(clock(), { severity: 'alert', owasp: 'authz_fail', type: 'session.foreign', userId: account, sid, place })
    },
    failure(request, error) {
      const reason =
        error instanceof Error ? `${error.name}: ${error.message}` : 'something that is not an error was thrown'
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : null
      line(clock(), { severity: 'alert', owasp: 'sys_crash', type: 'request.failed', request, reason, cause })
    },
  }
}
