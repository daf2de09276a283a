import type { JSX } from 'preact'
import { useId, useState } from 'preact/hooks'
import type { Alert, AlertMoved } from '../../api.ts'
import { useConsole } from '../console-context.ts'
import { count } from '../numbers.ts'
import { addressOf } from '../route.ts'
import { useAction } from '../use-action.ts'
import { visibleText } from '../visible-text.ts'
import { detectorWords, manualOf, titleOf } from '../words/detectors.ts'
import { factsOf } from '../words/evidence.ts'
import { Address, SeverityMark, StateMark } from './badges.tsx'
import { SessionLink, User } from './links.tsx'
import { ProblemNotice } from './notice.tsx'
import { Raw } from './raw.tsx'
import { Time } from './time.tsx'

/** One alert: what was seen, of whom, how often; unfolded also the evidence and what to do. */
export function AlertCard({
  alert,
  moved,
  headingLevel = 2,
}: {
  alert: Alert
  /** Called when it was acknowledged or closed here. */
  moved: (alert: Alert) => void
  headingLevel?: 2 | 3
}): JSX.Element {
  const [open, setOpen] = useState(false)
  const id = useId()
  const Heading = `h${headingLevel}` as const
  const title = titleOf(alert.detector)
  return (
    <li class={`card alert-card ${alert.severity} is-${alert.state}`} data-alert={alert.id}>
      <div class="alert-head">
        <Heading>
          <button
            type="button"
            class="alert-title"
            aria-expanded={open}
            aria-controls={id}
            onClick={() => setOpen(!open)}
          >
            {title ?? <Raw text={alert.detector} />}
          </button>
        </Heading>
        <SeverityMark severity={alert.severity} />
        {alert.state !== 'open' && <StateMark state={alert.state} />}
      </div>
      <p class="alert-about">
        {alert.userId !== null && (
          <span>
            <User id={alert.userId} />
          </span>
        )}
        {alert.sid !== null && (
          <span>
            <SessionLink sid={alert.sid}>session</SessionLink>
          </span>
        )}
        {alert.address !== null && (
          <span>
            <Address address={alert.address} />
          </span>
        )}
        <span>{alert.count === 1 ? 'seen once' : `seen ${count(alert.count)} times`}</span>
        <span>
          <Time at={alert.lastAt} />
        </span>
      </p>
      <AlertActions alert={alert} moved={moved} />
      <div id={id} class="alert-unfolded" hidden={!open}>
        {open && <AlertDetails alert={alert} />}
      </div>
    </li>
  )
}

/** What the detector saw, what that means, and when it is harmless. */
function AlertDetails({ alert }: { alert: Alert }): JSX.Element {
  const words = detectorWords(alert.detector)
  return (
    <div class="alert-details">
      {words !== null && <p>{words.sees}</p>}
      <dl class="facts">
        {factsOf(alert.evidence).map(({ name, label, values }) => (
          <div key={name}>
            <dt>
              <Raw text={label} max={60} />
            </dt>
            <dd>
              {values.map((value, index) => (
                <span key={index} class="fact-value">
                  <Raw text={value} />
                </span>
              ))}
            </dd>
          </div>
        ))}
        <div>
          <dt>First seen</dt>
          <dd>
            <Time at={alert.firstAt} both />
          </dd>
        </div>
        {alert.moved !== null && (
          <div>
            <dt>{alert.state === 'closed' ? 'Closed by' : 'Acknowledged by'}</dt>
            <dd>
              {alert.moved.by === null ? 'a newer alert of the same kind' : <User id={alert.moved.by} />}
              <small>
                <Time at={alert.moved.at} />
              </small>
            </dd>
          </div>
        )}
      </dl>
      {words !== null && (
        <dl class="advice">
          <dt>Harmless when</dt>
          <dd>{words.harmless}</dd>
          <dt>Otherwise</dt>
          <dd>{words.advice}</dd>
        </dl>
      )}
      <p class="aside">
        <a href={addressOf({ view: 'detector', name: alert.detector })}>About this detector</a>, documented in{' '}
        {manualOf(alert.detector)}.
      </p>
    </div>
  )
}

function AlertActions({ alert, moved }: { alert: Alert; moved: (alert: Alert) => void }): JSX.Element | null {
  const { client, announce, refresh } = useConsole()
  const action = useAction()
  if (alert.state === 'closed') return null
  const title = titleOf(alert.detector) ?? visibleText(alert.detector)
  const move = (to: 'acknowledge' | 'close') =>
    action.run(async () => {
      const answer = await client.post<AlertMoved>(`alert/${to}`, { id: alert.id })
      announce(`${to === 'close' ? 'Closed' : 'Acknowledged'}: ${title}`)
      refresh()
      moved(answer.alert)
    })
  return (
    <div class="alert-actions">
      {alert.state === 'open' && (
        <button
          type="button"
          class="quiet small"
          data-move="acknowledge"
          aria-label={`Acknowledge: ${title}`}
          aria-disabled={action.busy}
          onClick={() => move('acknowledge')}
        >
          Acknowledge
        </button>
      )}
      <button
        type="button"
        class="quiet small"
        data-move="close"
        aria-label={`Close: ${title}`}
        aria-disabled={action.busy}
        onClick={() => move('close')}
      >
        Close
      </button>
      <ProblemNotice problem={action.problem} />
    </div>
  )
}
