import type { Writable } from 'node:stream'
import { UsageError } from '../../errors.ts'
import type { AuditEntry } from '../entry.ts'
import { oneLine } from '../plain-text.ts'
import type { Sink } from '../sink.ts'
import { chooser, type SinkOptions } from './choice.ts'

/** Options of {@link jsonLines}: either `write` or `stream`. */
export interface JsonLinesOptions extends SinkOptions {
  /** Gets each line, without the line break at its end. When it returns a promise, that is waited for. */
  readonly write?: (line: string) => unknown
  /**
   * A stream of Node: a file opened for appending, `process.stdout`, a pipe to a log shipper. It is written to only as fast as it
   * takes it, and stays open. Its `error` events are handled: a broken log must not end the process. A stream of Node that
   * failed once takes nothing any more: to open a new one then, pass `write`.
   */
  readonly stream?: Writable
}

/**
 * Writes every entry as JSON in one line. No line ever splits, whatever a client sent: line breaks in every spelling, escape
 * sequences and the like are escaped as JSON has it. Such a log, shipped to where an intruder cannot change it, is also what
 * `verifyTrail` takes as anchors (format `latchkey`).
 */
export function jsonLines(options: JsonLinesOptions): Sink {
  const { write, stream } = options
  const { wants, write: format } = chooser('jsonLines', options)
  const deliver = stream ? toStream(stream) : write ? toFunction(write) : null
  if (!deliver || (stream && write)) throw new UsageError('jsonLines: pass either write or stream.')
  /** The last entry that was written, so that what is tried again is not written twice. */
  let last: AuditEntry | null = null
  const isNew = ({ chain, seq }: AuditEntry) => chain !== last?.chain || seq > last.seq
  const lineOf = (entry: AuditEntry) => (wants(entry) ? oneLine(format(entry)) : null)
  const done = (entry: AuditEntry) => {
    last = entry
  }
  let underWay: Promise<void> = Promise.resolve()
  return {
    name: 'json-lines',
    write(entries, signal) {
      const inTurn = async (earlier: Promise<void>) => {
        // An earlier call that nobody waits for any more may still be in the stream.
        await earlier.catch(ignore)
        signal.throwIfAborted()
        await deliver(entries.filter(isNew), lineOf, done)
      }
      underWay = inTurn(underWay)
      return unless(signal, underWay)
    },
    close: () => underWay.catch(ignore),
  }
}

/** Writes entries as lines (`null`: none), and says up to which entry they are written. */
type Deliver = (
  entries: readonly AuditEntry[],
  lineOf: (entry: AuditEntry) => string | null,
  done: (upTo: AuditEntry) => void,
) => Promise<void>

function toFunction(write: (line: string) => unknown): Deliver {
  return async (entries, lineOf, done) => {
    for (const entry of entries) {
      const line = lineOf(entry)
      const written = line === null ? null : write(line)
      if (written instanceof Promise) await written
      done(entry)
    }
  }
}

function toStream(stream: Writable): Deliver {
  stream.on('error', ignore)
  return async (entries, lineOf, done) => {
    const lines = entries.flatMap(entry => lineOf(entry) ?? [])
    if (lines.length > 0) {
      await new Promise<void>((resolve, reject) => {
        // One that failed would keep what it is given, and never answer.
        if (!stream.writable) reject(new Error('jsonLines: the stream has failed or was closed.'))
        else stream.write(`${lines.join('\n')}\n`, error => (error ? reject(error) : resolve()))
      })
    }
    const last = entries.at(-1)
    if (last) done(last)
  }
}

/** Settles as the work does, or rejects when the signal fires. What the late work does afterwards is ignored. */
function unless(signal: AbortSignal, work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    work.then(resolve, reject)
  })
}

function ignore(): void {}
