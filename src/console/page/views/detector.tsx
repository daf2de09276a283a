import type { JSX } from 'preact'
import type { Alert, AlertsAnswer } from '../../api.ts'
import { useConsole } from '../console-context.ts'
import { AlertCard } from '../parts/alert-card.tsx'
import { withAlert } from '../parts/alert-list.tsx'
import { More } from '../parts/more.tsx'
import { Empty } from '../parts/notice.tsx'
import { Raw } from '../parts/raw.tsx'
import { usePages } from '../use-pages.ts'
import { detectorWords, manualOf } from '../words/detectors.ts'

/** What a detector does, and all its alerts. */
export function DetectorView({ name }: { name: string }): JSX.Element {
  const { client } = useConsole()
  const words = detectorWords(name)
  const pages = usePages<Alert>(`detector ${name}`, async (cursor, signal) => {
    if (words === null) return { items: [], next: null, examined: 0 }
    const { alerts, next } = await client.get<AlertsAnswer>('alerts', { detector: name, cursor, limit: 50 }, signal)
    return { items: alerts, next, examined: alerts.length }
  })
  if (words === null) {
    return (
      <>
        <h1>Unknown detector</h1>
        <p class="lead">
          This page knows no detector <Raw text={name} />. Perhaps the server is newer: reload the page.
        </p>
      </>
    )
  }
  return (
    <>
      <p class="kicker">Detector</p>
      <h1>{words.title}</h1>
      <p class="lead">{words.sees}</p>
      <section class="card" aria-label="What to make of it">
        <dl class="advice">
          <dt>Harmless when</dt>
          <dd>{words.harmless}</dd>
          <dt>Otherwise</dt>
          <dd>{words.advice}</dd>
          <dt>How it works and how to tune it</dt>
          <dd>{manualOf(name)}</dd>
        </dl>
      </section>
      <h2 class="section-title">Its alerts</h2>
      {pages.items.length === 0 && !pages.busy && pages.problem === null && (
        <div class="card">
          <Empty title="It has found nothing." />
        </div>
      )}
      <ul class="alert-list">
        {pages.items.map(alert => (
          <AlertCard
            key={alert.id}
            alert={alert}
            headingLevel={3}
            moved={changed => pages.change(items => withAlert(items, changed))}
          />
        ))}
      </ul>
      {(pages.items.length > 0 || pages.problem !== null) && <More pages={pages} name="alerts" />}
    </>
  )
}
