import type { JSX } from 'preact'
import type { Alert, SessionInfo, Severity } from '../../api.ts'
import { deviceLabel } from '../device.ts'
import { levels } from '../words/reasons.ts'
import { Raw } from './raw.tsx'

const severityWords: Record<Severity, string> = { info: 'Info', warning: 'Warning', alert: 'Alert' }

/** How urgent something is: a word, a colour and a shape. */
export function SeverityMark({ severity }: { severity: Severity }): JSX.Element {
  return <span class={`severity ${severity}`}>{severityWords[severity]}</span>
}

const stateWords: Record<Alert['state'], string> = { open: 'Open', acknowledged: 'Acknowledged', closed: 'Closed' }

/** Where an alert is in its life. */
export function StateMark({ state }: { state: Alert['state'] }): JSX.Element {
  return <span class={`state ${state}`}>{stateWords[state]}</span>
}

/** Level of assurance and, where it is, the lock. */
export function LevelMark({ session }: { session: Pick<SessionInfo, 'aal' | 'locked'> }): JSX.Element {
  return (
    <span class="level">
      <span class={`level-mark level-${session.aal}`} aria-hidden="true" />
      {levels.get(String(session.aal)) ?? `Level ${session.aal}`}
      {session.locked && <span class="badge">locked</span>}
    </span>
  )
}

/** Browser and system, as far as they say; the whole text on hover. */
export function Device({ userAgent }: { userAgent: string | null }): JSX.Element {
  const label = deviceLabel(userAgent)
  if (label === null) return <span class="soft">unknown program</span>
  return <Raw text={label} />
}

/** The program of a session: its device, or the OAuth client that holds it. */
export function Program({ session }: { session: SessionInfo }): JSX.Element {
  return (
    <>
      <Device userAgent={session.userAgent} />
      {session.carrier === 'bearer' && (
        <small>
          program{session.clientId !== null && ': '}
          {session.clientId !== null && <Raw text={session.clientId} max={60} />}
        </small>
      )}
    </>
  )
}

/** An address, or that there is none. */
export function Address({ address }: { address: string | null }): JSX.Element {
  return address === null ? <span class="soft">no address</span> : <Raw text={address} max={60} />
}
