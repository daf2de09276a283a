import type { WatchStats } from 'latchkey/watch'
import type { MeasuredWatch } from 'latchkey/watch/metrics'

const calm = { waiting: 0, lost: 0 }

/** A watch that says what a test wants it to. */
export function sampleWatch(): MeasuredWatch & { says: WatchStats; alerts: { open: number; acknowledged: number } } {
  const watch = {
    says: { queued: 0, written: 0, dropped: 0, sinks: [], hits: {}, signals: calm, detections: calm } as WatchStats,
    alerts: { open: 0, acknowledged: 0 },
    stats: () => watch.says,
    countAlerts: async () => watch.alerts,
  }
  return watch
}
