import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { AlertsAnswer } from '../../api.ts'
import { useConsole } from '../console-context.ts'
import { count } from '../numbers.ts'
import { addressOf } from '../route.ts'
import { useAnswer } from '../use-answer.ts'
import { titleOf } from '../words/detectors.ts'
import { placed } from './alert-list.tsx'
import { Address, SeverityMark } from './badges.tsx'
import { User } from './links.tsx'
import { Busy, Empty, ProblemNotice } from './notice.tsx'
import { Raw } from './raw.tsx'
import { Time } from './time.tsx'

const shown = 5

/** The newest alerts that nobody has taken care of. */
export function OpenAlerts(): JSX.Element {
  const { client, overview, onAlert } = useConsole()
  const asked = useAnswer('open alerts', signal =>
    client.get<AlertsAnswer>('alerts', { state: 'open', limit: shown }, signal),
  )
  const { again, change } = asked
  useEffect(
    () =>
      onAlert(alert => change(answer => ({ ...answer, alerts: placed(answer.alerts, alert, 'open').slice(0, shown) }))),
    [onAlert, change],
  )
  const alerts = asked.answer?.alerts ?? []
  // When one has left, another takes its place.
  const isMissingSome = asked.answer !== null && alerts.length < Math.min(shown, overview.alerts.open)
  useEffect(() => {
    if (isMissingSome) again()
  }, [isMissingSome, again])
  return (
    <section class="card open-alerts" aria-labelledby="open-alerts">
      <div class="section-head">
        <h2 id="open-alerts">
          Open alerts {overview.alerts.open > 0 && <span class="badge">{count(overview.alerts.open)}</span>}
        </h2>
        <a href={addressOf({ view: 'alerts', state: 'open' })}>All alerts</a>
      </div>
      <ProblemNotice problem={asked.problem} again={asked.again} />
      {asked.answer === null && asked.problem === null && <Busy />}
      {asked.answer !== null && alerts.length === 0 && (
        <Empty title="Nothing to look after.">
          The detectors have nothing open
          {overview.alerts.acknowledged > 0 && `; ${count(overview.alerts.acknowledged)} are being taken care of`}.
        </Empty>
      )}
      <ul class="alert-lines">
        {alerts.map(alert => (
          <li key={alert.id} class="alert-line">
            <SeverityMark severity={alert.severity} />
            <span class="alert-line-words">
              <b>{titleOf(alert.detector) ?? <Raw text={alert.detector} />}</b>
              {alert.userId !== null ? (
                <User id={alert.userId} max={40} />
              ) : (
                alert.address !== null && <Address address={alert.address} />
              )}
            </span>
            <Time at={alert.lastAt} />
          </li>
        ))}
      </ul>
    </section>
  )
}
