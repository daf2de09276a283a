import type { JSX } from 'preact'
import type { SessionInfo } from '../../api.ts'
import { narrow, useMedia } from '../use-media.ts'
import { Address, LevelMark, Program } from './badges.tsx'
import { SessionLink, User } from './links.tsx'
import { Time } from './time.tsx'

/** Sessions, as a table where there is room and as cards where there is none. `withUser`: whether it says whose they are. */
export function SessionList({
  sessions,
  withUser = true,
}: {
  sessions: readonly SessionInfo[]
  withUser?: boolean
}): JSX.Element {
  return useMedia(narrow) ? (
    <SessionCards sessions={sessions} withUser={withUser} />
  ) : (
    <SessionTable sessions={sessions} withUser={withUser} />
  )
}

function SessionTable({ sessions, withUser }: { sessions: readonly SessionInfo[]; withUser: boolean }): JSX.Element {
  return (
    <table class="sessions">
      <caption class="unseen">Sessions</caption>
      <thead>
        <tr>
          <th scope="col">Session</th>
          {withUser && <th scope="col">User</th>}
          <th scope="col">Level</th>
          <th scope="col">Program</th>
          <th scope="col">Address</th>
          <th scope="col">Last used</th>
          <th scope="col">Began</th>
        </tr>
      </thead>
      <tbody>
        {sessions.map(session => (
          <tr key={session.sid}>
            <th scope="row">
              <SessionLink sid={session.sid} />
            </th>
            {withUser && (
              <td>
                <User id={session.userId} />
              </td>
            )}
            <td>
              <LevelMark session={session} />
            </td>
            <td>
              <Program session={session} />
            </td>
            <td>
              <Address address={session.address} />
            </td>
            <td>
              <Time at={session.lastSeenAt} />
            </td>
            <td>
              <Time at={session.createdAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function SessionCards({ sessions, withUser }: { sessions: readonly SessionInfo[]; withUser: boolean }): JSX.Element {
  return (
    <ul class="session-cards" aria-label="Sessions">
      {sessions.map(session => (
        <li key={session.sid} class="card session-card">
          <p class="card-head">
            {withUser && <User id={session.userId} />}
            <LevelMark session={session} />
          </p>
          <p>
            <SessionLink sid={session.sid} />
          </p>
          <p>
            <Program session={session} />
          </p>
          <dl>
            <div>
              <dt>Address</dt>
              <dd>
                <Address address={session.address} />
              </dd>
            </div>
            <div>
              <dt>Last used</dt>
              <dd>
                <Time at={session.lastSeenAt} />
              </dd>
            </div>
            <div>
              <dt>Began</dt>
              <dd>
                <Time at={session.createdAt} />
              </dd>
            </div>
          </dl>
        </li>
      ))}
    </ul>
  )
}
