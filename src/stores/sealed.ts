import { UsageError } from '../errors.ts'
import type { SessionStore } from '../session/store.ts'

/** Settings of the sealed store. */
export interface SealedStoreOptions {
  /**
   * Where it is written down which sessions live, so that an end is an end: any other store, shared by all processes. It
   * holds who is signed in since when and from where, but never the data. Every request then looks there, and a store
   * that fails makes it a 503. Default: none; nothing but the client's cookie holds the session, and it cannot be taken
   * back from a thief before it times out.
   */
  readonly revocations?: SessionStore
}

/**
 * Keeps sessions in their cookies, encrypted and authenticated: for a site without a database. A cookie holds about 2,800
 * bytes of data; of requests at the same time the last answer wins.
 *
 * Without `revocations` signing out clears the cookie and no more: a copy of it works until its idle time-out, and when it is used
 * until the absolute one. What would need a list of sessions (`list`, `find`, `end`, `endUser`, `endEverybody`,
 * `maxSessions`) throws a `UsageError`.
 */
export function sealedStore({ revocations }: SealedStoreOptions = {}): SessionStore {
  if (!revocations) return withoutList
  if (revocations.carried)
    throw new UsageError(
      'sealedStore: revocations is a sealed store itself. Pass one that keeps records, such as sqliteStore.',
    )
  return {
    name: `sealed+${revocations.name}`,
    persistent: revocations.persistent,
    caches: revocations.caches === true,
    carried: 'data',
    read: (sid, options) => revocations.read(sid, options),
    create: (record, options) => revocations.create(record, options),
    save: (record, options) => revocations.save(record, options),
    touch: (sid, lastSeenAt, expiresAt) => revocations.touch(sid, lastSeenAt, expiresAt),
    end: (sid, mark) => revocations.end(sid, mark),
    endUser: (userId, mark, except) => revocations.endUser(userId, mark, except),
    endEverybody: mark => revocations.endEverybody(mark),
    generation: userId => revocations.generation(userId),
    list: userId => revocations.list(userId),
    sweep: (now, limit) => revocations.sweep(now, limit),
    directory: revocations.directory,
    ping: () => revocations.ping(),
    close: () => revocations.close(),
  }
}

/** The records are in the cookies: here is nothing to write, and nothing to find. */
const withoutList: SessionStore = {
  name: 'sealed',
  persistent: true,
  carried: 'all',
  create: async () => ({ outcome: 'created', evicted: [] }),
  save: async () => 'saved',
  touch: async () => {},
  generation: async () => 0,
  sweep: async () => [],
  ping: async () => {},
  close: async () => {},
  read: async () => needsList('Finding a session by its id'),
  list: async () => needsList("Listing a user's sessions"),
  end: async () => needsList('Ending a session by its id'),
  endUser: async () => needsList("Ending all of a user's sessions"),
  endEverybody: async () => needsList('Ending all sessions'),
}

function needsList(what: string): never {
  throw new UsageError(
    `${what} needs a list of sessions, and these are kept in their cookies alone. Pass one: ` +
      "sealedStore({ revocations: sqliteStore('sessions.db') }).",
  )
}
