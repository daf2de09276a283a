import type { AuditType } from '../events.ts'

/** What an event is in the words of two schemas that log systems know. */
export interface EventMapping {
  /** Whether what was tried was done. */
  readonly outcome: 'success' | 'failure' | 'unknown'
  /** Elastic Common Schema 9: values of `event.category` and `event.type`. */
  readonly ecs: { readonly category: readonly EcsCategory[]; readonly type: readonly EcsType[] }
  /** Open Cybersecurity Schema Framework 1.8: the class, and the activity in it ({@link otherActivity}: the event's own). */
  readonly ocsf: { readonly class: OcsfClass; readonly activity: number }
}

/** The categories of ECS that are used here. */
export type EcsCategory =
  | 'authentication'
  | 'configuration'
  | 'database'
  | 'host'
  | 'iam'
  | 'intrusion_detection'
  | 'session'
  | 'web'

/** The types of ECS that are used here; each category has its own. */
export type EcsType =
  | 'access'
  | 'admin'
  | 'allowed'
  | 'change'
  | 'creation'
  | 'deletion'
  | 'denied'
  | 'end'
  | 'error'
  | 'info'
  | 'start'
  | 'user'

/** The name of a class of OCSF that is used here. */
export type OcsfClass =
  | 'Base Event'
  | 'Event Log Activity'
  | 'Detection Finding'
  | 'Account Change'
  | 'Authentication'
  | 'Authorize Session'
  | 'API Activity'
  | 'Application Error'

/** Their `class_uid`. */
export const ocsfClasses: Record<OcsfClass, number> = {
  'Base Event': 0,
  'Event Log Activity': 1008,
  'Detection Finding': 2004,
  'Account Change': 3001,
  Authentication: 3002,
  'Authorize Session': 3003,
  'API Activity': 6003,
  'Application Error': 6008,
}

/** An activity that OCSF has no number for; the name of the event stands in `activity_name`. */
export const otherActivity: number = 99

/**
 * What every event is in the words of ECS and OCSF. An attack on a session is a Detection Finding, whoever saw it; a refused
 * request is no Authentication, so that failed sign-ins can be counted by their class.
 */
export const eventMapping: Record<AuditType, EventMapping> = {
  'session.created': is(['session'], ['start'], 'Base Event', otherActivity, 'success'),
  'session.signed-in': is(['authentication', 'session'], ['start'], 'Authentication', 1, 'success'),
  'sign-in.begun': is(['authentication'], ['start'], 'Authentication', 6, 'success'),
  'sign-in.failed': is(['authentication'], ['start'], 'Authentication', 1, 'failure'),
  'sign-in.refused': is(['authentication'], ['start'], 'Authentication', 1, 'failure'),
  'session.locked': is(['session'], ['info'], 'Authentication', otherActivity, 'success'),
  'session.unlocked': is(['authentication', 'session'], ['start'], 'Authentication', 1, 'success'),
  'session.stepped-up': is(['authentication', 'session'], ['start'], 'Authorize Session', 1, 'success'),
  'session.rotated': is(['session'], ['info'], 'Authentication', otherActivity, 'success'),
  'session.ended': is(['session'], ['end'], 'Authentication', 2, 'success'),
  'sessions.ended-all': is(['session'], ['end'], 'Authentication', 2, 'success'),
  'session.seen-elsewhere': is(['session'], ['info'], 'Authentication', otherActivity, 'unknown'),
  'confirmation.opened': is(['web'], ['info'], 'API Activity', 1, 'success'),
  'confirmation.redeemed': is(['web'], ['access'], 'API Activity', 3, 'success'),
  'confirmation.refused': is(['web'], ['access'], 'API Activity', 3, 'failure'),
  'factor.added': is(['iam'], ['user', 'change'], 'Account Change', 10, 'success'),
  'factor.removed': is(['iam'], ['user', 'change'], 'Account Change', 11, 'success'),
  'factor.passed': is(['authentication'], ['info'], 'Authentication', 6, 'success'),
  'factor.refused': is(['authentication'], ['info'], 'Authentication', 6, 'failure'),
  'factor.throttled': is(['authentication'], ['info'], 'Authentication', 6, 'failure'),
  'token.used-after-end': is(['intrusion_detection', 'session'], ['denied', 'info'], 'Detection Finding', 1, 'failure'),
  'token.replayed': is(['intrusion_detection', 'session'], ['denied', 'info'], 'Detection Finding', 1, 'failure'),
  'token.forged': is(['intrusion_detection'], ['denied'], 'Detection Finding', 1, 'failure'),
  'token.misplaced': is(['intrusion_detection'], ['denied'], 'Detection Finding', 1, 'failure'),
  'access-token.refused': is(['authentication'], ['info'], 'Authentication', otherActivity, 'failure'),
  'proof.refused': is(['authentication'], ['info'], 'Authentication', otherActivity, 'failure'),
  'cookie.duplicated': is(['intrusion_detection'], ['info'], 'Detection Finding', 1, 'unknown'),
  'request.refused': is(['web'], ['access'], 'API Activity', otherActivity, 'failure'),
  'record.corrupt': is(['intrusion_detection', 'session'], ['denied', 'info'], 'Detection Finding', 1, 'failure'),
  'store.failed': is(['database'], ['error'], 'Application Error', 1, 'failure'),
  'events.suppressed': is(['host'], ['info'], 'Event Log Activity', otherActivity, 'unknown'),
  'detector.hit': is(['intrusion_detection'], ['info'], 'Detection Finding', 1, 'unknown'),
  'action.taken': is(['session', 'intrusion_detection'], ['info'], 'Authentication', otherActivity, 'unknown'),
  'alert.acknowledged': is(['intrusion_detection'], ['info'], 'Detection Finding', 2, 'success'),
  'alert.closed': is(['intrusion_detection'], ['info'], 'Detection Finding', 3, 'success'),
  'alert.undelivered': is(['host'], ['info'], 'Application Error', 1, 'failure'),
  'operator.acted': is(['iam', 'session'], ['admin', 'info'], 'API Activity', 4, 'success'),
  'trail.opened': is(['host'], ['start'], 'Event Log Activity', 6, 'success'),
  'trail.checkpoint': is(['host'], ['info'], 'Event Log Activity', otherActivity, 'success'),
  'trail.closed': is(['host'], ['end'], 'Event Log Activity', 7, 'success'),
  'trail.pruned': is(['configuration'], ['deletion'], 'Event Log Activity', 2, 'success'),
  'trail.dropped': is(['host'], ['info'], 'Event Log Activity', otherActivity, 'failure'),
  'sink.failed': is(['host'], ['info'], 'Application Error', 1, 'failure'),
}

function is(
  category: readonly EcsCategory[],
  type: readonly EcsType[],
  ocsfClass: OcsfClass,
  activity: number,
  outcome: EventMapping['outcome'],
): EventMapping {
  return { outcome, ecs: { category, type }, ocsf: { class: ocsfClass, activity } }
}
