import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { SessionAnswer } from '../../api.ts'
import { useConsole } from '../console-context.ts'
import { AlertsOf, withAlert } from '../parts/alert-list.tsx'
import { EndDialog } from '../parts/end-dialog.tsx'
import { User } from '../parts/links.tsx'
import { Busy, ProblemNotice } from '../parts/notice.tsx'
import { Raw } from '../parts/raw.tsx'
import { SessionFacts } from '../parts/session-facts.tsx'
import { Story } from '../parts/story.tsx'
import { useAnswer } from '../use-answer.ts'

/** One session and its whole story. */
export function SessionView({ sid }: { sid: string }): JSX.Element {
  const { client } = useConsole()
  const asked = useAnswer(`session ${sid}`, signal => client.get<SessionAnswer>('session', { sid }, signal))
  return (
    <>
      <p class="kicker">Session</p>
      <h1 class="subject-title">
        <code>
          <Raw text={sid} />
        </code>
      </h1>
      <ProblemNotice problem={asked.problem} again={asked.again} />
      {asked.answer === null && asked.problem === null && <Busy />}
      {asked.answer !== null && <Found sid={sid} answer={asked.answer} again={asked.again} change={asked.change} />}
    </>
  )
}

function Found({
  sid,
  answer,
  again,
  change,
}: {
  sid: string
  answer: SessionAnswer
  again: () => void
  change: (to: (answer: SessionAnswer) => SessionAnswer) => void
}): JSX.Element {
  const { overview } = useConsole()
  const [asksEnd, setAsksEnd] = useState(false)
  const { session, current, story, alerts } = answer
  return (
    <>
      {session === null ? (
        <p class="lead">
          {story.entries.length === 0
            ? 'No such session is alive, and the trail knows nothing of it.'
            : 'This session is over. What happened in it is below.'}
        </p>
      ) : (
        <p class="lead">
          Of <User id={session.userId} />
          {current && ' – the one that you are looking through'}
        </p>
      )}
      {session !== null && (
        <SessionFacts session={session}>
          {overview.revocable ? (
            <div class="actions">
              <button type="button" class="grave" onClick={() => setAsksEnd(true)}>
                End this session…
              </button>
              <button type="button" class="quiet" onClick={again}>
                Refresh
              </button>
            </div>
          ) : (
            <p class="aside">This store keeps no sessions, so that none can be ended from here.</p>
          )}
        </SessionFacts>
      )}
      <AlertsOf
        alerts={alerts}
        moved={alert => change(before => ({ ...before, alerts: withAlert(before.alerts, alert) }))}
      />
      <Story of={{ sid }} about="session" first={story} />
      {asksEnd && session !== null && (
        <EndDialog
          title="End this session?"
          path="session/end"
          body={{ sid }}
          verb="End the session"
          close={() => setAsksEnd(false)}
          ended={again}
        >
          {current && (
            <p>
              <b>This is your own session.</b> You will be signed out.
            </p>
          )}
          <p>
            <User id={session.userId} /> is signed out there at once and has to sign in again. Other sessions go on.
          </p>
        </EndDialog>
      )}
    </>
  )
}
