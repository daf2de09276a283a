export type { SessionStatus } from './status.ts'
export type { Texts } from './texts.ts'
export { type Watch, type WatchOptions, watchSession } from './watch.ts'
