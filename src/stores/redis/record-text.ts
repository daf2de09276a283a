import type { EndMark, StoredRecord } from '../../session/store.ts'
import { DamagedValue } from './failure.ts'
import { readUser, writeUser } from './keys.ts'

/*
 * A record is one text: a line with all fields but the body, then the body. One GET reads it whole, a script finds version
 * and end in the first line without a JSON parser, and the size of the body tells a text that was cut short.
 *
 *   1 <version> <createdAt> <lastSeenAt> <expiresAt> <bytes of the body> <t|j> <-|=user> <-|mark>\n<body>
 *
 * The leading 1 is the version of this format. `t`: the body stands as it is. `j`: escaped as in JSON, because it has lone
 * surrogates, which UTF-8 has not.
 */
const instant = String.raw`(-?\d+(?:\.\d+)?)`
const header = new RegExp(`^1 (\\d+) ${instant} ${instant} ${instant} (\\d+) ([tj]) (-|=[^ ]*) (-|\\{[^\\n]*\\})\\n`)

/** The body and how it is written. */
export interface WrittenBody {
  readonly form: 't' | 'j'
  readonly text: string
}

export function writeBody(body: string): WrittenBody {
  return body.isWellFormed() ? { form: 't', text: body } : { form: 'j', text: JSON.stringify(body).slice(1, -1) }
}

export function writeRecord(record: StoredRecord): string {
  const { form, text } = writeBody(record.body)
  const times = [record.createdAt, record.lastSeenAt, record.expiresAt].map(writeInstant).join(' ')
  const user = record.userId === null ? '-' : `=${writeUser(record.userId)}`
  const mark = record.ended === null ? '-' : JSON.stringify(record.ended)
  return `1 ${record.version} ${times} ${Buffer.byteLength(text)} ${form} ${user} ${mark}\n${text}`
}

/** An instant as the header has it; throws for one that could not be read again. */
export function writeInstant(at: number): string {
  const text = String(at)
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new RangeError(`${text} is not an instant that a record can hold.`)
  return text
}

/** Throws a `DamagedValue` when the text is not, or no longer, what `writeRecord` wrote. */
export function readRecord(sid: string, stored: unknown): StoredRecord {
  const match = typeof stored === 'string' ? header.exec(stored) : null
  if (typeof stored !== 'string' || !match) throw new DamagedValue(sid)
  const [head, version, createdAt, lastSeenAt, expiresAt, bytes, form, user = '-', mark = '-'] = match
  const body = stored.slice(head.length)
  if (Buffer.byteLength(body) !== Number(bytes)) throw new DamagedValue(sid)
  try {
    return {
      sid,
      version: Number(version),
      userId: user === '-' ? null : readUser(user.slice(1)),
      createdAt: Number(createdAt),
      lastSeenAt: Number(lastSeenAt),
      expiresAt: Number(expiresAt),
      ended: mark === '-' ? null : (JSON.parse(mark) as EndMark),
      body: form === 't' ? body : String(JSON.parse(`"${body}"`)),
    }
  } catch (cause) {
    throw new DamagedValue(sid, { cause })
  }
}
