import type { JSX } from 'preact'
import { count } from '../numbers.ts'
import type { Pages } from '../use-pages.ts'
import { ProblemNotice } from './notice.tsx'

/** The foot of a list that grows: how much was looked at, more of it, and what went wrong. */
export function More<Item>({
  pages,
  name,
  total = null,
}: {
  pages: Pages<Item>
  /** What there is more of, such as `sessions`. */
  name: string
  /** About how many there are in all, where that is known. */
  total?: number | null
}): JSX.Element {
  const { items, examined, hasMore, busy, problem } = pages
  const done = !hasMore && !busy && problem === null
  const ofAll = total === null || done ? '' : ` of ${count(Math.max(total, examined))}`
  const looked =
    examined > items.length
      ? `${count(items.length)} found among ${count(examined)}${ofAll}`
      : `${count(items.length)} shown`
  return (
    <div class="more">
      <ProblemNotice problem={problem} again={pages.more} />
      <p class="soft" role="status">
        {busy ? `Looking… ${looked}` : done ? `${looked}, and that is all` : looked}
      </p>
      {busy && examined > 0 && (
        <button type="button" class="quiet small" onClick={pages.stop}>
          Stop looking
        </button>
      )}
      {!busy && hasMore && problem === null && (
        <button type="button" class="quiet small" onClick={pages.more}>
          More {name}
        </button>
      )}
    </div>
  )
}
