import { randomBytes } from 'node:crypto'
import { alertText } from '../alert-text.ts'
import type { Notice } from '../notifier.ts'
import type { Alert } from '../store.ts'

/**
 * A notice about nobody, to try a notifier with before something happens:
 * `await mail.notify(sampleNotice(), AbortSignal.timeout(10_000))` rejects with what is wrong.
 */
export function sampleNotice(now: number = Date.now()): Notice {
  const alert: Alert = {
    id: randomBytes(16).toString('base64url'),
    detector: 'two-places',
    fingerprint: 'sample',
    severity: 'warning',
    state: 'open',
    count: 1,
    firstAt: now,
    lastAt: now,
    moved: null,
    sid: null,
    userId: 'a sample, nobody is meant',
    address: '192.0.2.1',
    evidence: { sample: true },
  }
  const told = { alert, isWorse: false, others: 0 }
  return { ...told, text: alertText(told) }
}
