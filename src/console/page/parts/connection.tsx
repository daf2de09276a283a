import type { JSX } from 'preact'
import { useConsole } from '../console-context.ts'
import { lengthOf } from '../times.ts'

/** How the live feed is, in words. */
export function Connection(): JSX.Element {
  const { feed } = useConsole()
  return (
    <p class="connection" role="status">
      <span class={`dot ${feed.at}`} aria-hidden="true" />
      {feed.at === 'live' && 'Connected'}
      {feed.at === 'connecting' && 'Connecting…'}
      {feed.at === 'over' && 'Your session is over'}
      {feed.at === 'waiting' && `Not connected. ${feed.why} Trying again in ${lengthOf(feed.forMs)}…`}
    </p>
  )
}
