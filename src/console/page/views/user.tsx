import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { UserAnswer } from '../../api.ts'
import { useConsole } from '../console-context.ts'
import { plural } from '../numbers.ts'
import { AlertsOf, withAlert } from '../parts/alert-list.tsx'
import { EndDialog } from '../parts/end-dialog.tsx'
import { Busy, Empty, ProblemNotice } from '../parts/notice.tsx'
import { Raw } from '../parts/raw.tsx'
import { SessionList } from '../parts/session-list.tsx'
import { Story } from '../parts/story.tsx'
import { useAnswer } from '../use-answer.ts'

/** One user: their sessions, alerts and story. */
export function UserView({ id }: { id: string }): JSX.Element {
  const { client } = useConsole()
  const asked = useAnswer(`user ${id}`, signal => client.get<UserAnswer>('user', { id }, signal))
  const { answer, again, change } = asked
  return (
    <>
      <p class="kicker">User</p>
      <h1 class="subject-title">
        <Raw text={id} />
      </h1>
      <ProblemNotice problem={asked.problem} again={again} />
      {answer === null && asked.problem === null && <Busy />}
      {answer !== null && (
        <>
          <LiveSessions id={id} answer={answer} again={again} />
          <AlertsOf
            alerts={answer.alerts}
            moved={alert => change(before => ({ ...before, alerts: withAlert(before.alerts, alert) }))}
          />
          <Story of={{ user: id }} about="user" first={answer.story} />
        </>
      )}
    </>
  )
}

function LiveSessions({ id, answer, again }: { id: string; answer: UserAnswer; again: () => void }): JSX.Element {
  const { overview } = useConsole()
  const [asksEnd, setAsksEnd] = useState(false)
  const { sessions } = answer
  const isMe = overview.me.userId === id
  return (
    <section class="card list-card" aria-labelledby="live-sessions">
      <div class="section-head">
        <h2 id="live-sessions">Live sessions</h2>
        {sessions.length > 0 && overview.revocable && (
          <button type="button" class="grave small" onClick={() => setAsksEnd(true)}>
            End all of them…
          </button>
        )}
      </div>
      {sessions.length === 0 ? (
        <Empty title="Not signed in anywhere.">Or this store does not know who its sessions belong to.</Empty>
      ) : (
        <SessionList sessions={sessions} withUser={false} />
      )}
      {asksEnd && (
        <EndDialog
          title="End all sessions of this user?"
          path="user/end"
          body={{ userId: id }}
          verb="End them all"
          close={() => setAsksEnd(false)}
          ended={again}
        >
          {isMe && (
            <p>
              <b>This is you.</b> You will be signed out here, too.
            </p>
          )}
          <p>
            <Raw text={id} /> is signed out on every device at once, {plural(sessions.length, 'session')} in all,
            programs included, and has to sign in again. A sign-in that is under way is refused.
          </p>
        </EndDialog>
      )}
    </section>
  )
}
