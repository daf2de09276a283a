import type { JSX, RefObject } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { addressOf, anySession, readRoute, type SessionFilter } from '../route.ts'

/** Looks for sessions: by user exactly, by any text, by what they are. */
export function SearchForm({
  filter,
  field,
}: {
  filter: SessionFilter
  field: RefObject<HTMLInputElement | null>
}): JSX.Element {
  const [by, setBy] = useState<'text' | 'user'>(filter.user === '' ? 'text' : 'user')
  const [words, setWords] = useState(filter.user || filter.text)
  useEffect(() => {
    setWords(filter.user || filter.text)
    if (filter.user !== '') setBy('user')
  }, [filter.user, filter.text])
  const go = (changed: Partial<SessionFilter>) => {
    // The address is ahead of what is drawn: two choices in quick succession are both meant.
    const now = readRoute(location.hash)
    location.hash = addressOf({
      view: 'sessions',
      filter: { ...(now.view === 'sessions' ? now.filter : filter), ...changed },
    })
  }
  const search = (how: 'text' | 'user', what: string) =>
    go(how === 'user' ? { user: what, text: '' } : { user: '', text: what.trim() })
  return (
    <search>
      <form
        class="toolbar"
        onSubmit={event => {
          event.preventDefault()
          search(by, words)
        }}
      >
        <label class="search-by">
          Search
          <select
            value={by}
            onChange={event => {
              const how = event.currentTarget.value === 'user' ? 'user' : 'text'
              setBy(how)
              if (words !== '') search(how, words)
            }}
          >
            <option value="text">any text</option>
            <option value="user">exact user</option>
          </select>
        </label>
        <label class="search-words">
          {by === 'user' ? 'User' : 'In user, address or program'}
          <input
            ref={field}
            type="search"
            autoComplete="off"
            spellcheck={false}
            maxLength={256}
            value={words}
            onInput={event => setWords(event.currentTarget.value)}
          />
        </label>
        <Choice
          label="Level"
          value={filter.level}
          options={{ '': 'any', '0': 'guest', '1': 'one factor', '2': 'two factors', '3': 'hardware key' }}
          choose={level => go({ level })}
        />
        <Choice
          label="In"
          value={filter.carrier}
          options={{ '': 'anything', cookie: 'a browser', bearer: 'a program' }}
          choose={carrier => go({ carrier })}
        />
        <Choice
          label="Locked"
          value={filter.locked}
          options={{ '': 'or not', true: 'yes', false: 'no' }}
          choose={locked => go({ locked })}
        />
        <button type="submit">Search</button>
        {addressOf({ view: 'sessions', filter }) !== addressOf({ view: 'sessions', filter: anySession }) && (
          <a class="button quiet" href={addressOf({ view: 'sessions', filter: anySession })}>
            Clear
          </a>
        )}
      </form>
    </search>
  )
}

function Choice({
  label,
  value,
  options,
  choose,
}: {
  label: string
  value: string
  options: Readonly<Record<string, string>>
  choose: (value: string) => void
}): JSX.Element {
  return (
    <label>
      {label}
      <select value={value} onChange={event => choose(event.currentTarget.value)}>
        {Object.entries(options)
          .sort(([a], [b]) => (a === '' ? -1 : b === '' ? 1 : 0))
          .map(([key, name]) => (
            <option key={key} value={key}>
              {name}
            </option>
          ))}
      </select>
    </label>
  )
}
