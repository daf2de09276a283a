import type { JSX } from 'preact'
import type { AuditEntry, EntriesAnswer, TrailPage } from '../../api.ts'
import { useConsole } from '../console-context.ts'
import { type Page, usePages } from '../use-pages.ts'
import { type About, Entries } from './entries.tsx'
import { More } from './more.tsx'
import { Empty } from './notice.tsx'

/** All that the trail knows of a session or a user, page by page; `first` is the page that came with it. */
export function Story({
  of,
  about,
  first,
}: {
  of: { readonly sid: string } | { readonly user: string }
  about: About
  first: TrailPage
}): JSX.Element {
  const { client } = useConsole()
  const pages = usePages<AuditEntry>(
    `${JSON.stringify(of)} ${first.entries[0]?.mac ?? ''}`,
    async (cursor, signal) => pageOf(await client.get<EntriesAnswer>('entries', { ...of, cursor, limit: 50 }, signal)),
    { first: pageOf(first) },
  )
  return (
    <section class="card story" aria-labelledby="story">
      <h2 id="story">Story</h2>
      {pages.items.length === 0 ? (
        <Empty title="Nothing is written down.">Either nothing has happened, or the retention has passed.</Empty>
      ) : (
        <Entries entries={pages.items} about={about} label="What happened, newest first" />
      )}
      {pages.items.length > 0 && <More pages={pages} name="entries" />}
    </section>
  )
}

function pageOf({ entries, next }: TrailPage): Page<AuditEntry> {
  return { items: entries, next, examined: entries.length }
}
