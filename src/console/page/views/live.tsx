import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Severity } from '../../api.ts'
import { useConsole } from '../console-context.ts'
import { count } from '../numbers.ts'
import { Connection } from '../parts/connection.tsx'
import { Entries } from '../parts/entries.tsx'
import { Empty } from '../parts/notice.tsx'
import { type EntryFilter, passes, type RecentEntries } from '../recent-entries.ts'
import { typeNames } from '../words/events.ts'

/** Everything as it happens. */
export function LiveView(): JSX.Element {
  const { recent, onShortcut } = useConsole()
  const [held, setHeld] = useState<RecentEntries | null>(null)
  const [filter, setFilter] = useState<EntryFilter>({ severity: 'info', type: '' })
  const toggle = () => setHeld(held === null ? recent : null)
  useEffect(() => onShortcut(keys => keys === 'p' && setHeld(before => (before === null ? recent : null))))
  const { entries } = held ?? recent
  const shown = entries.filter(entry => passes(entry, filter))
  const waiting = held === null ? 0 : recent.received - held.received
  return (
    <>
      <div class="view-head">
        <h1>Live</h1>
        <Connection />
      </div>
      <div class="toolbar">
        <label>
          At least
          <select
            value={filter.severity}
            onChange={event => setFilter({ ...filter, severity: event.currentTarget.value as Severity })}
          >
            <option value="info">Everything</option>
            <option value="warning">Warnings</option>
            <option value="alert">Alerts</option>
          </select>
        </label>
        <label>
          What
          <select value={filter.type} onChange={event => setFilter({ ...filter, type: event.currentTarget.value })}>
            <option value="">Anything</option>
            {typeNames.map(([type, name]) => (
              <option key={type} value={type}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <button type="button" class={held === null ? 'quiet' : ''} aria-pressed={held !== null} onClick={toggle}>
          {held === null ? 'Pause' : 'Resume'}
        </button>
        <p class="soft" role="status">
          {held === null ? `The latest ${count(shown.length)}` : `Paused. ${count(waiting)} new meanwhile`}
        </p>
      </div>
      <div class="card">
        {shown.length > 0 ? (
          <Entries entries={shown} label="Live entries, newest first" />
        ) : entries.length > 0 ? (
          <Empty title="Nothing of this kind.">
            Among the latest {count(entries.length)} entries none is like that.
          </Empty>
        ) : (
          <Empty title="Nothing has happened yet.">As soon as somebody signs in, it is here.</Empty>
        )}
      </div>
    </>
  )
}
