/** What every part of the page may need: the server, what it said last, the feed, the clock, what the person chose. */
import { type Context, createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Alert, Overview } from '../api.ts'
import type { Client } from './client.ts'
import type { Ending } from './ending.ts'
import type { FeedState } from './feed.ts'
import type { Preferences } from './preferences.ts'
import type { RecentEntries } from './recent-entries.ts'

/** The page's surroundings. */
export interface Console {
  /** The line to the server. */
  readonly client: Client
  /** What the server said last. */
  readonly overview: Overview
  /** Asks for it again. */
  refresh(): void
  /** Now on the server, epoch ms: it moves every few seconds, and times with it. */
  readonly now: number
  /** What happened last. */
  readonly recent: RecentEntries
  /** How the live feed is. */
  readonly feed: FeedState
  /** What the person chose. */
  readonly preferences: Preferences
  /** Changes what the person chose. */
  choose(preferences: Partial<Preferences>): void
  /** Says something to everybody, also to who cannot see the page. */
  announce(text: string): void
  /** The session is over, or may not look any more: so the answer to something. */
  over(why: Ending): void
  /** Adds a listener for alerts that are new or changed; the returned function removes it. */
  onAlert(listener: (alert: Alert) => void): () => void
  /** Adds a listener for shortcuts; the returned function removes it. */
  onShortcut(listener: (keys: string) => void): () => void
}

/** Carries {@link Console} to every part. */
export const ConsoleContext: Context<Console | null> = createContext<Console | null>(null)

/** The page's surroundings, in any part of it. */
export function useConsole(): Console {
  const console = useContext(ConsoleContext)
  if (console === null) throw new Error('this part lives in <ConsoleContext.Provider>')
  return console
}
