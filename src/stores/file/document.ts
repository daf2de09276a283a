import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { EndMark, EndReason, StoredRecord } from '../../session/store.ts'
import type { KeptGenerations } from '../generations.ts'

/**
 * What is written into the files of the file store, and under which names. Pure.
 *
 * Every file is one JSON document `{"format":1,"crc32":…,"content":…}`, in this and in every later format. The checksum
 * is over the content's JSON and starts from the format, so that a flipped bit, a file cut short or an edit by hand is
 * noticed wherever it is: a user id that lost a bit would be another user. It is no protection against whoever may write
 * into the directory; that is what its mode is for.
 */
const currentFormat = 1

/** Several sessions that end in one step: written before any of their files is touched, removed after all of them are. */
export interface Intent {
  readonly mark: EndMark
  readonly sids: readonly string[]
  /** The session that is created in the same step, at the maximum of a user's sessions. */
  readonly created: StoredRecord | null
}

/** Thrown for a file of a later format: it is not damaged, this program is too old for it. */
export class NewerFormatError extends Error {}

/**
 * The name of a record's file, without its ending: hex of the sid's characters.
 *
 * Not the sid itself: base64url tells upper from lower case, and many disks do not (macOS, Windows, ext4 casefold), so
 * two sessions would share a file. Hex, unlike a hash, still tells an operator whose file it is when its content is
 * lost. What is not a sid by its shape may hold a path, a NUL or a megabyte, and gets the SHA-256 of its UTF-16 code
 * units (as UTF-8 all lone surrogates would be one); the lengths, 44 and 64, keep the two kinds apart.
 */
export function nameOf(sid: string): string {
  return sidShape.test(sid)
    ? Buffer.from(sid, 'latin1').toString('hex')
    : hash('sha256', Buffer.from(sid, 'utf16le'), 'hex')
}

const sidShape = /^[A-Za-z0-9_-]{22}$/

/** What a file of the directory is, by its name; `null` when it is none of ours and stays untouched. */
export function kindOf(
  file: string,
): { kind: 'record' | 'corrupt'; name: string } | { kind: 'intent' | 'temporary' } | null {
  const [, name, ending] = recordFile.exec(file) ?? []
  if (name) return { kind: ending === 'json' ? 'record' : 'corrupt', name }
  if (/^[0-9a-f-]{36}\.intent$/.test(file)) return { kind: 'intent' }
  return /^[0-9]+\.tmp$/.test(file) ? { kind: 'temporary' } : null
}

const recordFile = /^([0-9a-f]{44}|[0-9a-f]{64})\.(json|[0-9a-f]{16}\.corrupt)$/

/** The text of a record's file. Throws a `TypeError` for what could not be read back. */
export function encodeRecord(record: StoredRecord): string {
  if (!isRecord(record)) throw new TypeError('Not a record: see StoredRecord for what each property may hold.')
  return encode(record)
}

/** The record in the text of the file `name`, or `null` when the text is not exactly what was once written there. */
export function decodeRecord(text: string, name: string): StoredRecord | null {
  const content = decode(text)
  return isRecord(content) && nameOf(content.sid) === name ? content : null
}

/** The text of an intent's file. */
export function encodeIntent(intent: Intent): string {
  return encode(intent)
}

/** The intent in a file's text, or `null` when the text is damaged. */
export function decodeIntent(text: string): Intent | null {
  const content = decode(text)
  return isIntent(content) ? content : null
}

/** The text of the generations' file. */
export function encodeGenerations(generations: KeptGenerations): string {
  return encode(generations)
}

/** The generations in a file's text, or `null` when the text is damaged. */
export function decodeGenerations(text: string): KeptGenerations | null {
  const content = decode(text)
  return isGenerations(content) ? content : null
}

function encode(content: unknown): string {
  const json = JSON.stringify(content)
  return `{"format":${currentFormat},"crc32":${crc32(json, currentFormat)},"content":${json}}`
}

function decode(text: string): unknown {
  const { format, crc32: checksum, content } = parse(text)
  if (!isFormat(format) || content === undefined || crc32(JSON.stringify(content), format) !== checksum) return null
  if (format === currentFormat) return content
  throw new NewerFormatError(
    'A newer version of Latchkey wrote this directory. Run that version, or use another directory.',
  )
}

function isFormat(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 2 ** 16
}

function parse(text: string): Record<string, unknown> {
  try {
    const document: unknown = JSON.parse(text)
    return isObject(document) ? document : {}
  } catch {
    return {}
  }
}

const reasons: Record<EndReason, true> = {
  'signed-out': true,
  idle: true,
  expired: true,
  revoked: true,
  replayed: true,
  evicted: true,
  superseded: true,
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isRecord(value: unknown): value is StoredRecord {
  return (
    isObject(value) &&
    typeof value.sid === 'string' &&
    Number.isSafeInteger(value.version) &&
    Number(value.version) >= 1 &&
    (value.userId === null || typeof value.userId === 'string') &&
    Number.isFinite(value.createdAt) &&
    Number.isFinite(value.lastSeenAt) &&
    Number.isFinite(value.expiresAt) &&
    (value.ended === null || isMark(value.ended)) &&
    typeof value.body === 'string'
  )
}

function isMark(value: unknown): value is EndMark {
  return (
    isObject(value) &&
    typeof value.reason === 'string' &&
    Object.hasOwn(reasons, value.reason) &&
    Number.isFinite(value.at) &&
    Number.isFinite(value.keepUntil) &&
    (value.successor === undefined || typeof value.successor === 'string')
  )
}

function isIntent(value: unknown): value is Intent {
  return (
    isObject(value) &&
    isMark(value.mark) &&
    Array.isArray(value.sids) &&
    value.sids.every(sid => typeof sid === 'string') &&
    (value.created === null || isRecord(value.created))
  )
}

function isGenerations(value: unknown): value is KeptGenerations {
  return (
    isObject(value) &&
    Number.isSafeInteger(value.latest) &&
    Number.isSafeInteger(value.floor) &&
    Array.isArray(value.raised) &&
    value.raised.every(pair => Array.isArray(pair) && typeof pair[0] === 'string' && Number.isSafeInteger(pair[1]))
  )
}
