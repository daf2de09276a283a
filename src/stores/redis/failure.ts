import { firstWord, messageOf, type RedisAdvice, usualAdvice } from '../../databases/redis/failure.ts'
import { CorruptRecord } from '../corrupt-record.ts'

const advice: RedisAdvice = {
  ...usualAdvice,
  NOPERM:
    "The Redis user may not do this. Give it the store's keys, its channel and the commands get, set, eval, evalsha and those of hashes (ACL SETUSER).",
  READONLY:
    'This Redis server is a read-only replica. Connect the client to the master, or use createCluster or Sentinel.',
  OOM: 'Redis is at its maxmemory and writes nothing new. Give it more memory; sessions can still be ended.',
  MASTERDOWN: 'This Redis server is a replica that has lost its master.',
  NOREPLICAS: 'Redis has fewer good replicas than its min-replicas-to-write, and therefore refuses writes.',
  CROSSSLOT: 'Redis found keys of several hash slots in one command. This is a mistake in Latchkey; please report it.',
  TRYAGAIN: 'The hash slot of this session is being moved to another node. It works again when that is done.',
  UNBLOCKED: 'This Redis server became a replica before others had confirmed the write, which is lost. Do it again.',
  WRONGTYPE:
    "A key that the store needs holds another type of value. Somebody else writes under the store's prefix: give one of them another.",
  BUSY: 'A script of somebody else keeps Redis busy. See SCRIPT KILL.',
}

/** A value that is not a record of ours any more, or never was. */
export class DamagedValue extends CorruptRecord {
  constructor(sid: string, options?: ErrorOptions) {
    super(
      `What Redis has under the key of session ${sid} is not a record, or a damaged one. It was left as it is.`,
      options,
    )
  }
}

/**
 * Whether a node refused because the slot is on its way to another one: some of the keys are here, some there. Scripts read
 * all they need before they write, so nothing was done and asking again is safe.
 */
export function isMoving(error: unknown): boolean {
  return ['TRYAGAIN', 'ASK'].includes(firstWord(error)) || /non local key/.test(messageOf(error))
}

/** Whether the node says that another one has the slot now. */
export function isElsewhere(error: unknown): boolean {
  return firstWord(error) === 'MOVED'
}

/** Whether a script found something under the record's key that is no record. */
export function isDamaged(error: unknown): boolean {
  return firstWord(error) === 'DAMAGED'
}

/** Whether the key that was asked for holds another type of value. */
export function isOtherType(error: unknown): boolean {
  return firstWord(error) === 'WRONGTYPE'
}

/** An error that tells the operator what to do; what Redis or the client said is its `cause`. */
export function explained(error: unknown): Error {
  if (error instanceof DamagedValue || error instanceof UnconfirmedError || error instanceof NotConnected) return error
  if (messageOf(error) === 'The command was aborted') return new NotConnected(undefined)
  const word = firstWord(error)
  if (/compiling script.*'#'/.test(messageOf(error))) {
    return new Error('This Redis server is too old: the store needs Redis 7.0, or Valkey.', { cause: error })
  }
  const known = isMoving(error) ? advice.TRYAGAIN : advice[word]
  return new Error(known ?? `Redis failed: ${messageOf(error)}`, { cause: error })
}

/** Nothing was sent, because there is no connection. `cause`: what the client told last, if anything. */
export class NotConnected extends Error {
  constructor(cause: unknown) {
    const known = advice[firstWord(cause)]
    const why = cause === undefined ? '' : ` (${messageOf(cause)})`
    super(known ?? `Redis is not connected${why}. Start it, and check the address that the client was given.`, {
      cause,
    })
  }
}

/** The master did it, the replicas did not say so in time: a failover in the next moments may undo it. */
export class UnconfirmedError extends Error {
  readonly code = 'unconfirmed'
  /** How many replicas confirmed. */
  readonly confirmed: number

  constructor(confirmed: number, wanted: number, timeoutMs: number) {
    super(
      `Redis did it on the master, but ${confirmed} of ${wanted} replicas confirmed it within ${timeoutMs} ms. ` +
        'It holds, unless the master is lost before a replica has it. Do it again when the replicas are back.',
    )
    this.confirmed = confirmed
  }
}
