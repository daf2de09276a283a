import type { ComponentChildren, JSX } from 'preact'
import type { SessionInfo } from '../../api.ts'
import { useConsole } from '../console-context.ts'
import { listed } from '../words/phrase.ts'
import { methods } from '../words/reasons.ts'
import { Address, Device, LevelMark } from './badges.tsx'
import { Words } from './links.tsx'
import { Raw } from './raw.tsx'
import { Time } from './time.tsx'

/** What is known about a live session: its life as a bar, its times, and who and where. */
export function SessionFacts({
  session,
  children,
}: {
  session: SessionInfo
  children: ComponentChildren
}): JSX.Element {
  return (
    <section class="card" aria-label="Facts">
      <LifeBar session={session} />
      <dl class="times">
        <Moment name="Began" at={session.createdAt} />
        <Moment name="Last used" at={session.lastSeenAt} />
        <Moment name="Ends when unused" at={session.idleExpiresAt} kind="idle" />
        <Moment name="Ends in any case" at={session.absoluteExpiresAt} kind="end" />
      </dl>
      <dl class="facts">
        <div>
          <dt>Assurance</dt>
          <dd>
            <LevelMark session={session} />
            {session.amr.length > 0 && (
              <small>
                by <Words parts={listed({ amr: session.amr }, 'amr', methods)} />
              </small>
            )}
          </dd>
        </div>
        <div>
          <dt>Last proof</dt>
          <dd>{session.authenticatedAt === null ? 'None' : <Time at={session.authenticatedAt} both />}</dd>
        </div>
        <div>
          <dt>Address at sign-in</dt>
          <dd>
            <Address address={session.address} />
          </dd>
        </div>
        <div>
          <dt>Program at sign-in</dt>
          <dd>
            <Device userAgent={session.userAgent} />
            {session.userAgent !== null && (
              <small>
                <Raw text={session.userAgent} />
              </small>
            )}
          </dd>
        </div>
        <div>
          <dt>Carried by</dt>
          <dd>
            {session.carrier === 'bearer' ? 'A token in a program' : 'A cookie'}
            <small>
              {session.carrier === 'bearer' ? (
                <Raw text={session.clientId ?? ''} />
              ) : session.persistent ? (
                'kept when the browser closes'
              ) : (
                'forgotten when the browser closes'
              )}
            </small>
          </dd>
        </div>
      </dl>
      {children}
    </section>
  )
}

function Moment({ name, at, kind = '' }: { name: string; at: number; kind?: string }): JSX.Element {
  return (
    <div class={kind}>
      <dt>{name}</dt>
      <dd>
        <Time at={at} both />
      </dd>
    </div>
  )
}

/** From the beginning to the end: what is spent, and how long it lasts unused. The times beneath say the same. */
function LifeBar({ session }: { session: SessionInfo }): JSX.Element {
  const { now } = useConsole()
  const { createdAt, absoluteExpiresAt, idleExpiresAt } = session
  const whole = Math.max(1, absoluteExpiresAt - createdAt)
  const part = (at: number) => Math.min(100, Math.max(0, ((at - createdAt) / whole) * 100))
  return (
    <svg class="timeline" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      <rect class="t-all" width="100" height="1" />
      <rect class="t-idle" width={part(idleExpiresAt)} height="1" />
      <rect class="t-spent" width={part(now)} height="1" />
    </svg>
  )
}
