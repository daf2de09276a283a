import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { SessionInfo, SessionsAnswer } from '../../api.ts'
import { useConsole } from '../console-context.ts'
import { EverybodyDialog } from '../parts/everybody-dialog.tsx'
import { More } from '../parts/more.tsx'
import { Busy, Empty } from '../parts/notice.tsx'
import { SearchForm } from '../parts/search-form.tsx'
import { SessionList } from '../parts/session-list.tsx'
import { addressOf, anySession, type SessionFilter } from '../route.ts'
import { usePages } from '../use-pages.ts'

/** So many are looked for at once. */
const pageSize = 50

/** All sessions, searched and filtered; the filter is in the address, so that it can be kept and sent. */
export function SessionsView({ filter }: { filter: SessionFilter }): JSX.Element {
  const { client, overview, announce, onShortcut } = useConsole()
  const search = useRef<HTMLInputElement>(null)
  const [asksEverybody, setAsksEverybody] = useState(false)
  useEffect(() => onShortcut(keys => keys === '/' && search.current?.focus()), [onShortcut])
  const pages = usePages<SessionInfo>(
    JSON.stringify(filter),
    async (cursor, signal) => {
      const query = { ...filter, cursor, limit: pageSize }
      const { sessions, next, examined } = await client.get<SessionsAnswer>('sessions', query, signal)
      return { items: sessions, next, examined }
    },
    { enough: pageSize / 2 },
  )
  const { proof, revocable, listable } = overview
  const canEndEverybody = revocable && (proof.password || proof.code || proof.passkey)
  const isFiltered = JSON.stringify(filter) !== JSON.stringify(anySession)
  const { items, busy, hasMore, problem } = pages
  return (
    <>
      <div class="view-head">
        <h1>Sessions</h1>
        <button
          type="button"
          class="quiet small"
          onClick={() => {
            pages.again()
            announce('Looking again.')
          }}
        >
          Refresh
        </button>
      </div>
      {!listable && (
        <p class="notice">
          This store cannot list everybody’s sessions. Look for one user: choose “exact user” and type their id.
        </p>
      )}
      <SearchForm filter={filter} field={search} />
      <div class="card list-card">
        {items.length > 0 && <SessionList sessions={items} />}
        {items.length === 0 && busy && <Busy>Looking for sessions…</Busy>}
        {items.length === 0 && !busy && !hasMore && problem === null && (
          <Empty title={isFiltered ? 'No session is like that.' : 'There are no sessions.'}>
            {isFiltered ? (
              <a href={addressOf({ view: 'sessions', filter: anySession })}>Show all sessions</a>
            ) : (
              'As soon as somebody visits, theirs is here.'
            )}
          </Empty>
        )}
        <More pages={pages} name="sessions" total={overview.census?.total ?? null} />
      </div>
      {canEndEverybody && (
        <section class="danger" aria-labelledby="danger">
          <div>
            <h2 id="danger">In an emergency</h2>
            <p class="soft">
              When the secrets or the store may be in other hands: end every session of everybody, at once. You are
              asked to prove that it is you.
            </p>
          </div>
          <button type="button" class="grave" onClick={() => setAsksEverybody(true)}>
            End everybody’s sessions…
          </button>
        </section>
      )}
      {asksEverybody && <EverybodyDialog close={() => setAsksEverybody(false)} />}
    </>
  )
}
