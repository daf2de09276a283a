import type { JSX } from 'preact'
import { addressOf } from '../route.ts'
import type { Phrase } from '../words/phrase.ts'
import { Raw } from './raw.tsx'

/** A user, with the way to their page; nobody is a guest. */
export function User({ id, max = 64 }: { id: string | null; max?: number }): JSX.Element {
  if (id === null) return <span class="soft">Guest</span>
  return (
    <a class="subject" href={addressOf({ view: 'user', id })}>
      <Raw text={id} max={max} />
    </a>
  )
}

/** A session by its sid, with the way to its page. */
export function SessionLink({ sid, children }: { sid: string; children?: string }): JSX.Element {
  return (
    <a class="subject" href={addressOf({ view: 'session', sid })}>
      {children ?? (
        <code>
          <Raw text={sid} max={40} />
        </code>
      )}
    </a>
  )
}

/** A sentence with what is in it. */
export function Words({ parts }: { parts: Phrase }): JSX.Element {
  return (
    <>
      {parts.map(part => {
        if (typeof part === 'string') return part
        if ('user' in part) return <User id={part.user} />
        if ('sid' in part) return <SessionLink sid={part.sid} />
        return <Raw text={'alert' in part ? part.alert : part.raw} />
      })}
    </>
  )
}
