import type { Severity } from '../../session/events.ts'
import { plain } from '../plain-text.ts'
import type { Sink } from '../sink.ts'
import { chooser, type SinkOptions } from './choice.ts'

/** The part of a logger that is used: pino's, and of many others. */
export interface FieldLogger {
  /** Logs fields and a text, as life. */
  info(fields: object, text: string): unknown
  /** Logs what deserves a look. */
  warn(fields: object, text: string): unknown
  /** Logs an attack, or that something is broken. */
  error(fields: object, text: string): unknown
}

const levels: Record<Severity, 'info' | 'warn' | 'error'> = { info: 'info', warning: 'warn', alert: 'error' }
const mostText = 1_000

/**
 * Hands every entry to a logger such as pino: `alert` as an error, `warning` as a warning, the event's name as the text, the entry
 * as fields. Nobody knows how the logger prints them: so everything that does not show as itself is written out (`\u{2028}`).
 */
export function logger(target: FieldLogger, options: SinkOptions = {}): Sink {
  const { wants, write } = chooser('logger', options)
  return {
    name: 'logger',
    async write(entries) {
      for (const entry of entries) {
        if (wants(entry)) target[levels[entry.severity]](visible(write(entry)), entry.type)
      }
    },
  }
}

function visible(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [plain(name, mostText), visibleValue(value)]))
}

function visibleValue(value: unknown): unknown {
  if (typeof value === 'string') return plain(value, mostText)
  if (Array.isArray(value)) return value.map(visibleValue)
  return typeof value === 'object' && value !== null ? visible(value) : value
}
