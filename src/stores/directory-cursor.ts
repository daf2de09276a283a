import { UsageError } from '../errors.ts'

/** For a cursor that this directory never gave out, or that has lost its meaning since. */
export function noCursor(): never {
  throw new UsageError('The cursor is none that this directory of sessions gave out. Begin anew, without a cursor.')
}
