import type { Notice } from '../notifier.ts'

/**
 * What tells a notice that arrives twice: the alert's id, and for one that got worse also how bad it is now. With the same id
 * receivers would drop it as a repetition of what it was before.
 */
export function noticeId({ alert, isWorse }: Notice): string {
  return isWorse ? `${alert.id}-${alert.severity}` : alert.id
}
