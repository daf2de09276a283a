import { firstWord, messageOf, type RedisAdvice, usualAdvice } from '../../../databases/redis/failure.ts'

const advice: RedisAdvice = {
  ...usualAdvice,
  NOPERM:
    "The Redis user may not do this. Give it the keys of the windows' prefix and the commands get, set, eval and evalsha (ACL SETUSER).",
  READONLY: 'This Redis server is a read-only replica. Connect the client to the master.',
  OOM: 'Redis is at its maxmemory and writes nothing new. Give it more memory, or a policy such as volatile-ttl.',
  WRONGTYPE:
    'A key of the windows holds another type of value. Somebody else writes under their prefix: choose another.',
}

/** An error that tells the operator what to do; what Redis or the client said is its `cause`. */
export function explained(error: unknown): Error {
  return new Error(advice[firstWord(error)] ?? `Redis failed: ${messageOf(error)}`, { cause: error })
}
