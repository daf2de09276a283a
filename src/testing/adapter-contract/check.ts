import type { Sessions, SessionsOptions } from '../../http/sessions.ts'
import type { SessionEvent } from '../../session/events.ts'
import type { SessionStore } from '../../session/store.ts'
import type { FaultyStore } from '../faulty-store.ts'
import type { ContractData, ContractRoute } from './routes.ts'
import type { Visitor } from './visitor.ts'

/** What a test of the contract acts on: a running application, its store and its visitors. */
export interface Scene {
  readonly origin: string
  /** Somebody new, without cookies. */
  readonly visitor: () => Visitor
  readonly store: FaultyStore
  /** What of a session its cookie carries; `null` when the store has it all. */
  readonly carried: Carried | null
  readonly sessions: Sessions<ContractData>
  /** Everything that both managers told. */
  readonly events: readonly SessionEvent[]
}

/** What a test changes of the application. */
export interface SceneOptions {
  readonly sessions?: Partial<SessionsOptions>
  readonly routes?: readonly ContractRoute[]
  /** Why the sentence cannot hold where cookies carry that much; it is then not run, and must be stated by whoever enrols. */
  readonly cannotHold?: Partial<Record<Carried, string>>
}

/** See `SessionStore.carried`. */
export type Carried = NonNullable<SessionStore['carried']>

/** Registers one sentence of the contract as a test that runs against a fresh application and closes it afterwards. */
export type Check = (sentence: string, run: (scene: Scene) => Promise<void>, options?: SceneOptions) => void

/** A door that is shut until it is opened. */
export function door(): { readonly open: () => void; readonly opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { open: resolve, opened: promise }
}

/** Resolves when `ask` is true, looking again after each turn of the event loop. */
export async function until(ask: () => boolean): Promise<void> {
  while (!ask()) await new Promise(resolve => setImmediate(resolve))
}
