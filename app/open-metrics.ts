import type { Sessions } from 'latchkey'
import type { Watch } from 'latchkey/watch'
import { prometheusMetrics } from 'latchkey/watch/metrics'
import { OptionError, reasonOf } from './options.ts'
import type { SessionData } from './session-data.ts'

/** Numbers for Prometheus. */
export interface Metrics {
  /** What whoever reads them has to bring. */
  readonly token: string
  readonly contentType: string
  /** The numbers of now, in Prometheus' text format. */
  read(): Promise<string>
  stop(): void
}

/** Begins to count, or not: `null` without a token. The library is loaded only for whoever has one. */
export async function openMetrics(
  sessions: Sessions<SessionData>,
  watch: Watch,
  token: string | null,
): Promise<Metrics | null> {
  if (token === null) return null
  const client = await loadClient()
  // Not the library's own registry, which all of a process share.
  const registry = new client.Registry()
  const { stop } = prometheusMetrics(sessions, watch, client, { registry })
  return { token, contentType: registry.contentType, read: () => registry.metrics(), stop }
}

async function loadClient() {
  try {
    return (await import('prom-client')).default
  } catch (error) {
    throw new OptionError(
      `METRICS_TOKEN is set, which needs prom-client (${reasonOf(error)}): npm install prom-client.`,
    )
  }
}
