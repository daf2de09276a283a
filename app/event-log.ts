import { eventCatalogue, type SessionEvent } from 'latchkey'

/** Where Campus writes what an operator should know: one line of JSON each, so that no user name can forge a second. */
export interface Log {
  /** A session event that deserves a look. */
  readonly event: (event: SessionEvent) => void
  /** A wrong password. `account` only when there is such an account: people type passwords into the wrong field. */
  readonly wrongPassword: (account: string | null, place: string) => void
  /** Somebody asked to end a session of somebody else (ASVS 7.5.2). `sid` is the one they named. */
  readonly foreignSession: (account: string, sid: string, place: string) => void
  /** A request that failed on our side. */
  readonly failure: (request: string, error: unknown) => void
}

/** A log that writes lines. Life as usual (`info`) is left out; the audit trail proper is another matter. */
export function createLog(write: (line: string) => void, clock: () => number): Log {
  const line = (at: number, fields: object) => write(JSON.stringify({ at: new Date(at).toISOString(), ...fields }))
  return {
    event({ at, origin, ...event }) {
      const { owasp, severity } = eventCatalogue[event.type]
      if (severity !== 'info') line(at, { severity, owasp, ...event, address: origin?.address ?? null })
    },
    wrongPassword(account, place) {
      line(clock(), { severity: 'warning', owasp: 'authn_login_fail', type: 'password.wrong', userId: account, place })
    },
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
