import type { Sessions } from '../index.ts'
import type { ConsoleAnswer, ConsoleRequest } from './contract.ts'

/** A console, to be mounted by one of the doors `latchkey/console/express`, `fastify`, `hono`, `node` and `web`. */
export interface Console {
  /** The sessions it shows, which are also those of its administrators. For adapters. */
  readonly sessions: Sessions<object>
  /**
   * Answers a request below the mount. `null`: there is nothing here for whoever asks; the framework says so in its own way.
   * Rejects with faults that are the framework's to answer, such as a dead store behind the page. For adapters.
   */
  answer(request: ConsoleRequest): Promise<ConsoleAnswer | null>
  /** Ends all live feeds and takes no new ones: call it when the server stops, so that it need not wait for them. */
  close(): void
}
