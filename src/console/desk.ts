import type { Duration, Session, Sessions } from '../index.ts'
import type { Watch } from '../watch/index.ts'
import type { CensusTaker } from './census-taker.ts'
import type { Feed } from './feed.ts'
import type { Proving } from './options.ts'

/** What the routes of a console work with. */
export interface Desk {
  /** The sessions that are shown. */
  readonly sessions: Sessions<object>
  /** The watch over them. */
  readonly watch: Watch
  /** See `ConsoleOptions.administrator`. */
  readonly administrator: (session: Session<object>) => boolean | Promise<boolean>
  /** See `ConsoleOptions.signInAt`. */
  readonly signInAt: string
  /** How long ago two factors may have been proved. */
  readonly fresh: Duration
  /** The same in milliseconds. */
  readonly freshMs: number
  /** `null`: "end all sessions of everybody" is not offered. */
  readonly prove: Proving<object> | null
  /** The live feed. */
  readonly feed: Feed
  /** Counts sessions. */
  readonly census: CensusTaker
  /** Now, epoch ms. */
  readonly clock: () => number
}
