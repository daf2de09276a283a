import { isDeepStrictEqual } from 'node:util'

/** A line of Campus' log: an entry of the audit trail, or what Campus has to say itself. */
export interface LogLine extends Readonly<Record<string, unknown>> {
  readonly type: string
  readonly severity: string
  /** Of an entry: the event's own fields. */
  readonly detail?: Readonly<Record<string, unknown>>
}

/** What Campus logged. The trail is written while requests go on, so a line comes a moment later, in the order of what happened. */
export interface LogLines {
  /** Lines so far, as they came. */
  readonly log: readonly string[]
  /** Lines of a type, so far. */
  linesOf(type: string): LogLine[]
  /** Resolves to the first line of a type that has these fields, in itself or in its `detail`: with `nth`, to that one. */
  logged(type: string, fields?: Readonly<Record<string, unknown>>, nth?: number): Promise<LogLine>
}

/** A line that does not come in this time, on however busy a machine, never will. */
const patienceMs = 30_000

/** An empty log, and what writes its lines. */
export function createLogLines(): LogLines & { readonly write: (line: string) => void } {
  const log: string[] = []
  const waiting = new Set<() => void>()
  const linesOf: LogLines['linesOf'] = type => log.map(line => JSON.parse(line)).filter(line => line.type === type)
  return {
    log,
    linesOf,
    write(line) {
      log.push(line)
      for (const look of waiting) look()
    },
    logged: (type, fields = {}, nth = 1) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => {
          waiting.delete(look)
          const wanted = JSON.stringify({ type, ...fields })
          reject(new Error(`No line ${wanted} (number ${nth}) was logged. There are:\n${log.join('\n')}`))
        }, patienceMs)
        const look = () => {
          const line = linesOf(type).filter(has(fields))[nth - 1]
          if (line === undefined) return
          waiting.delete(look)
          clearTimeout(late)
          resolve(line)
        }
        waiting.add(look)
        look()
      }),
  }
}

function has(fields: Readonly<Record<string, unknown>>): (line: LogLine) => boolean {
  return line =>
    Object.entries(fields).every(([name, value]) => isDeepStrictEqual(line[name] ?? line.detail?.[name] ?? null, value))
}
