import type { EndReason } from '../../session/store.ts'

/*
 * The values that labels may have, all known beforehand: see `Tally`. Written as records, so that the compiler misses one
 * that was forgotten.
 */

/** Why sessions end. */
export const endReasons: readonly string[] = Object.keys({
  'signed-out': true,
  idle: true,
  expired: true,
  revoked: true,
  replayed: true,
  evicted: true,
  superseded: true,
} satisfies Record<EndReason, true>)

/** What stores are asked for. */
export const operations: readonly string[] = [
  'read',
  'create',
  'save',
  'touch',
  'end',
  'end-user',
  'end-everybody',
  'generation',
  'list',
  'sweep',
  'ping',
  'directory-page',
  'directory-count',
  'directory-sample',
]
