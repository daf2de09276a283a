/** Where copies of the audit trail go: `latchkey/watch/sinks`. They can go anywhere else, too: a sink is a name and a function. */
export type { AuditEntry } from './entry.ts'
export type { Sink } from './sink.ts'
export type { SinkOptions } from './sinks/choice.ts'
export { type JsonLinesOptions, jsonLines } from './sinks/json-lines.ts'
export { type FieldLogger, logger } from './sinks/logger.ts'
export { openTelemetryLogs, type TelemetryLogger, type TelemetryValue } from './sinks/open-telemetry-logs.ts'
