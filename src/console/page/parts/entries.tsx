import type { JSX } from 'preact'
import { useId, useState } from 'preact/hooks'
import type { AuditEntry } from '../../api.ts'
import { keyOf } from '../recent-entries.ts'
import { visibleText } from '../visible-text.ts'
import { sentenceOf } from '../words/events.ts'
import { textOf } from '../words/phrase.ts'
import { Address, Device, SeverityMark } from './badges.tsx'
import { SessionLink, User, Words } from './links.tsx'
import { Raw } from './raw.tsx'
import { Time } from './time.tsx'

/** What is not said again on every line, because the page is about it. */
export type About = 'session' | 'user' | 'everything'

/** Entries of the trail as a list, newest first. */
export function Entries({
  entries,
  about = 'everything',
  label,
}: {
  entries: readonly AuditEntry[]
  about?: About
  label: string
}): JSX.Element {
  return (
    <ol class={`entries about-${about}`} aria-label={label}>
      {entries.map(entry => (
        <Entry key={keyOf(entry)} entry={entry} about={about} />
      ))}
    </ol>
  )
}

function Entry({ entry, about }: { entry: AuditEntry; about: About }): JSX.Element {
  const [open, setOpen] = useState(false)
  const id = useId()
  const sentence = sentenceOf(entry)
  // What the watch tells of itself is nobody's, and no guest's either.
  const isOfSomebody = entry.userId !== null || entry.sid !== null || entry.address !== null
  return (
    <li class={`entry ${entry.severity}`}>
      <div class="entry-line">
        <SeverityMark severity={entry.severity} />
        <div class="entry-words">
          <p>
            <Words parts={sentence} />
          </p>
          <p class="entry-where">
            {about === 'everything' && isOfSomebody && (
              <span>
                <User id={entry.userId} />
              </span>
            )}
            {about !== 'session' && entry.sid !== null && (
              <span>
                <SessionLink sid={entry.sid}>session</SessionLink>
              </span>
            )}
            {entry.address !== null && (
              <span>
                <Address address={entry.address} />
              </span>
            )}
            {entry.userAgent !== null && (
              <span>
                <Device userAgent={entry.userAgent} />
              </span>
            )}
          </p>
        </div>
        <span class="entry-time">
          <Time at={entry.at} />
        </span>
        <button
          type="button"
          class="unfold"
          aria-expanded={open}
          aria-controls={id}
          aria-label={visibleText(`Details: ${textOf(sentence)}`)}
          onClick={() => setOpen(!open)}
        />
      </div>
      <div id={id} hidden={!open}>
        {open && <EntryDetails entry={entry} />}
      </div>
    </li>
  )
}

/** All that is written down, as it is written down; sessions and users with the way to them. */
function EntryDetails({ entry }: { entry: AuditEntry }): JSX.Element {
  const facts: readonly (readonly [name: string, value: unknown])[] = [
    ['Type', entry.type],
    ['Session', entry.sid],
    ['User', entry.userId],
    ['Address', entry.address],
    ['User agent', entry.userAgent],
    ...Object.entries(entry.detail).map(([name, value]) => [name, value] as const),
    ['In the trail', `${entry.chain}, number ${entry.seq}`],
    ['MAC', entry.mac],
  ]
  return (
    <dl class="entry-details">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>
            <Raw text={name} />
          </dt>
          <dd>
            <Detail name={name} value={value} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Detail({ name, value }: { name: string; value: unknown }): JSX.Element {
  if (value === null || value === undefined) return <span class="soft">none</span>
  if (typeof value !== 'string') return <Raw text={JSON.stringify(value)} max={2_000} />
  // A sign-in replaces the session that was there before; its story goes on in that one.
  if (name === 'Session' || name === 'from') return <SessionLink sid={value} />
  return name === 'User' || name === 'by' ? <User id={value} max={1_000} /> : <Raw text={value} max={2_000} />
}
