import { hash } from 'node:crypto'

/*
 * Where everything lies: `<prefix>{<tag>}:<what>`. The tag is the first 12 bits of the sid, in base64url its first two
 * characters. They are the same for all sids of one user (see newSid), and Redis Cluster puts keys with the same text in
 * braces on the same node, so one script can change all that belongs together.
 *
 *   latchkey:{ab}:r:<sid>    a record (see record-text.ts)
 *   latchkey:{ab}:u:<user>   hash: the user's live sids, and `g`, the user's generation
 *   latchkey:{ab}:t          hash: all live sids of the tag, `n`, the number of its last raise, and `f`, everybody's generation
 */

/** Every tag there is. */
export const tags: readonly string[] = Array.from({ length: 4096 }, (_, index) =>
  Buffer.from([index >> 4, (index & 15) << 4])
    .toString('base64url')
    .slice(0, 2),
)

/** Whether this can be a sid. No key is made of anything else: what a client sends may look like a part of a key. */
export function isSid(text: string): boolean {
  return /^[A-Za-z0-9_-]{22}$/.test(text)
}

/** The tag of a sid. */
export function tagOf(sid: string): string {
  return sid.slice(0, 2)
}

/** The tag of all sids of a user. */
export function tagOfUser(userId: string): string {
  return hash('sha256', userId, 'base64url').slice(0, 2)
}

/**
 * A user id as it stands in keys and records: no two are written alike, and nothing is left in it that means something to
 * Redis or to a record's header (braces, colons, spaces, lone surrogates, which UTF-8 has not).
 */
export function writeUser(userId: string): string {
  if (/^[\w.~-]*$/.test(userId)) return userId // it would come out as it is
  return encodeURIComponent(JSON.stringify(userId).slice(1, -1))
}

/** The user id that `writeUser` was given; throws when it was given none. */
export function readUser(written: string): string {
  if (!written.includes('%')) return written
  return String(JSON.parse(`"${decodeURIComponent(written)}"`))
}

/** The keys of one store. */
export class Keys {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** What everything of a tag begins with. */
  base(tag: string): string {
    return `${this.#prefix}{${tag}}:`
  }

  record(sid: string): string {
    return `${this.#prefix}{${tagOf(sid)}}:r:${sid}`
  }

  user(userId: string): string {
    return `${this.base(tagOfUser(userId))}u:${writeUser(userId)}`
  }

  tag(tag: string): string {
    return `${this.base(tag)}t`
  }

  /** Written by a ping. */
  ping(tag: string): string {
    return `${this.base(tag)}p`
  }

  /** The channel on which changes are told. */
  get channel(): string {
    return `${this.#prefix}changes`
  }
}
