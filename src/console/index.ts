/** The console: what sessions do, live, and the means to end them, for administrators. */
export type * from './api.ts'
export type { Console } from './console.ts'
export {
  type ConsoleAnswer,
  type ConsoleGuards,
  type ConsoleRequest,
  mostWaiting,
  type OpenStream,
  type Receiver,
} from './contract.ts'
export { createConsole } from './create-console.ts'
export type {
  ConsoleOptions,
  EnteredProof,
  FeedOptions,
  Proving,
  ProvingContext,
  ProvingFields,
} from './options.ts'
