import type { JSX } from 'preact'
import type { WatchStats } from '../../api.ts'
import { count, plural } from '../numbers.ts'
import { Raw } from './raw.tsx'

/** More than this wait for the store: it is slow, or was. */
const manyQueued = 1_000

/** How the writing goes: one quiet line when all is well, a loud box when something is lost or failing. */
export function WatchHealth({ stats }: { stats: WatchStats }): JSX.Element {
  const troubles = troublesOf(stats)
  if (troubles.length === 0) {
    return (
      <p class="health">
        <span class="dot live" aria-hidden="true" /> The watch is well: {plural(stats.written, 'entry', 'entries')}{' '}
        written, {count(stats.queued)} waiting, nothing lost
        {stats.sinks.length > 0 && `, ${plural(stats.sinks.length, 'sink')} working`}.
      </p>
    )
  }
  return (
    <section class="notice bad health" aria-labelledby="health">
      <h2 id="health">The watch is in trouble</h2>
      <ul>
        {troubles.map(trouble => (
          <li key={trouble.key}>
            {trouble.sink !== null && (
              <>
                The sink <Raw text={trouble.sink} max={60} />{' '}
              </>
            )}
            {trouble.words}
          </li>
        ))}
      </ul>
      <p class="soft">
        {plural(stats.written, 'entry', 'entries')} written by this process since it began. What was lost is counted in
        the audit trail.
      </p>
    </section>
  )
}

interface Trouble {
  readonly key: string
  /** The sink that has it; `null` for the trail itself. */
  readonly sink: string | null
  readonly words: string
}

/** What is wrong, the worst first. */
export function troublesOf(stats: WatchStats): Trouble[] {
  const troubles: Trouble[] = []
  if (stats.dropped > 0) {
    const words = `${plural(stats.dropped, 'entry', 'entries')} of the audit trail ${stats.dropped === 1 ? 'was' : 'were'} lost, because the store was slow or dead.`
    troubles.push({ key: 'dropped', sink: null, words })
  }
  if (stats.queued > manyQueued) {
    const words = `${plural(stats.queued, 'entry', 'entries')} wait for the store: it is slow, or does not answer.`
    troubles.push({ key: 'queued', sink: null, words })
  }
  const { signals, detections } = stats
  if (signals.lost > 0) {
    const words = `${plural(signals.lost, 'signal')} never reached the detectors, because their memory was slow or dead: attacks may have been missed.`
    troubles.push({ key: 'signals', sink: null, words })
  }
  if (detections.lost > 0) {
    const words = `${plural(detections.lost, 'detection')} could not be written down as an alert, because the store was slow or dead.`
    troubles.push({ key: 'detections', sink: null, words })
  }
  for (const { name, failing, dropped, queued } of stats.sinks) {
    const lost = dropped > 0 ? `${plural(dropped, 'entry', 'entries')} lost` : null
    if (failing) {
      const words = `is failing: ${[lost, `${count(queued)} waiting`].filter(Boolean).join(', ')}.`
      troubles.push({ key: `failing ${name}`, sink: name, words })
    } else if (lost !== null) troubles.push({ key: `lost ${name}`, sink: name, words: `works again, with ${lost}.` })
  }
  return troubles
}
