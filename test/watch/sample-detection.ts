import { alertText } from '../../src/watch/alert-text.ts'
import type { Detection } from '../../src/watch/detection.ts'
import type { Notice } from '../../src/watch/notifier.ts'
import type { Alert } from '../../src/watch/store.ts'

/** What a detector might find; `difference` is what a test is about. */
export function sampleDetection(difference: Partial<Detection> = {}): Detection {
  return {
    detector: 'two-places',
    at: Date.UTC(2030, 0, 1),
    severity: 'warning',
    sid: 'AAAAAAAAAAAAAAAAAAAAAA',
    userId: 'ada',
    address: '192.0.2.7',
    fingerprint: 'two-places AAAAAAAAAAAAAAAAAAAAAA',
    evidence: { places: 2 },
    ...difference,
  }
}

/** An alert about it. */
export function sampleAlert(difference: Partial<Alert> = {}): Alert {
  const { at, ...what } = sampleDetection()
  const id = 'BBBBBBBBBBBBBBBBBBBBBB'
  return { ...what, id, state: 'open', count: 1, firstAt: at, lastAt: at, moved: null, ...difference }
}

/** What notifiers are told of a new one. */
export function noticeOf(alert: Alert = sampleAlert()): Notice {
  const told = { alert, isWorse: false, others: 0 }
  return { ...told, text: alertText(told) }
}
