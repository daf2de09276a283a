import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { duplicated, findCookie } from '../http/cookie-header.ts'
import { hostOf, type Sessions } from '../http/sessions.ts'
import { maxCookieAgeSeconds, sessionCookie } from '../http/set-cookie.ts'
import { type KeyRing, keyIdLength, type RingKey } from '../session/key-ring.ts'

/**
 * Knows again the devices that a user has signed in from. What it says slows guessing down in the right place and decides
 * whether a notice of a new device is due. It never stands for a factor (NIST SP 800-63B-4 5.1: no remembered browser in
 * place of authentication).
 */
export interface KnownDevices {
  /** Full name of the cookie on the wire. */
  readonly cookieName: string
  /**
   * The id of the device that sent this `Cookie` header if this user has signed in from it, else `null`. The id is the
   * same for as long as the device keeps its cookie, different for each user, safe to store and show, and no cookie.
   */
  recognise(cookieHeader: string | undefined, userId: string): string | null
  /**
   * Remembers the device after the user's complete sign-in, for 400 days. `cookie` is the `Set-Cookie` value; a
   * device that was known keeps its id. It remembers up to four users, the latest ones.
   */
  remember(cookieHeader: string | undefined, userId: string): { readonly id: string; readonly cookie: string }
}

const mostUsers = 4
const randomBytes = 16
const tagBytes = 16
/** Characters of 16 bytes in base64url. */
const partLength = 22
const entryShape = new RegExp(`^[\\w-]{${keyIdLength}}\\.[\\w-]{${partLength}}\\.[\\w-]{${partLength}}$`)
/** Not in base64url, and harmless in a cookie. */
const separator = '~'

/** One user of a device, as the cookie has it: `<key id>.<random 16 bytes>.<tag 16 bytes>`. Who it is, only the server can tell. */
interface Entry {
  readonly key: RingKey
  readonly random: Buffer
  readonly tag: Buffer
  readonly text: string
}

/** Known devices over the keys of these sessions. */
export function knownDevices<Data extends object>(sessions: Sessions<Data>): KnownDevices {
  const { ring, random, insecureHttp } = hostOf(sessions).host
  const cookie = sessionCookie({ name: 'device', insecureHttp })

  const entriesIn = (header: string | undefined): Entry[] => {
    const value = findCookie(header, cookie.name)
    if (value === null || value === duplicated) return []
    return value
      .split(separator, mostUsers)
      .map(text => readEntry(ring, text))
      .filter(entry => entry !== null)
  }

  return {
    cookieName: cookie.name,
    recognise(header, userId) {
      const entry = entryOf(entriesIn(header), userId)
      return entry && idOf(entry.random, userId)
    },
    remember(header, userId) {
      const entries = entriesIn(header)
      const known = entryOf(entries, userId)
      const mark = known?.random ?? random(randomBytes)
      // Written anew under the newest key: devices in use follow the server's keys by themselves.
      const own = writeEntry(ring.newest, mark, userId)
      const others = entries.filter(entry => entry !== known).map(({ text }) => text)
      const value = [own, ...others].slice(0, mostUsers).join(separator)
      return { id: idOf(mark, userId), cookie: cookie.set(value, maxCookieAgeSeconds) }
    },
  }
}

/** The entry that was made for this user. All are compared, whichever it is. */
function entryOf(entries: readonly Entry[], userId: string): Entry | null {
  return entries.filter(({ key, random, tag }) => timingSafeEqual(tag, tagOf(key, random, userId))).at(0) ?? null
}

function readEntry(ring: KeyRing, text: string): Entry | null {
  if (!entryShape.test(text)) return null
  const [keyId = '', random = '', tag = ''] = text.split('.')
  const key = ring.find(keyId)
  return key ? { key, random: Buffer.from(random, 'base64url'), tag: Buffer.from(tag, 'base64url'), text } : null
}

function writeEntry(key: RingKey, random: Buffer, userId: string): string {
  return [key.id, random.toString('base64url'), tagOf(key, random, userId).toString('base64url')].join('.')
}

/** As JSON, because ids of users may hold anything, lone surrogates included. */
function tagOf(key: RingKey, random: Buffer, userId: string): Buffer {
  const mac = createHmac('sha256', key.deviceKey).update(random).update(JSON.stringify(userId))
  return mac.digest().subarray(0, tagBytes)
}

/** A hash of what only the cookie holds: whoever reads ids learns no cookie. */
function idOf(random: Buffer, userId: string): string {
  const text = JSON.stringify(['latchkey known device', random.toString('base64url'), userId])
  return hash('sha256', text, 'base64url').slice(0, partLength)
}
