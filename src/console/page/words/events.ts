/** What happened, in a sentence, for every entry of the trail. */
import type { AuditEntry, AuditType } from '../../api.ts'
import { titleOf } from './detectors.ts'
import { field, known, listed, type Phrase, phrase, raw } from './phrase.ts'
import {
  accessTokenFaults,
  confirmationFaults,
  endersOfAll,
  endReasons,
  factorFaults,
  factors,
  methods,
  outcomes,
  places,
  proofFaults,
  refusals,
} from './reasons.ts'

type Detail = AuditEntry['detail']

/** The words of one type: a name for lists to choose from, and a sentence. */
interface Words {
  readonly name: string
  readonly sentence: (detail: Detail) => Phrase
}

const words: Record<AuditType, Words> = {
  'session.created': { name: 'New session', sentence: () => ['A new session began'] },
  'session.signed-in': {
    name: 'Signed in',
    sentence: detail => phrase`Signed in with ${listed(detail, 'amr', methods)}${levelIn(detail)}`,
  },
  'sign-in.begun': {
    name: 'First factor right',
    sentence: detail => phrase`The first factor was right: ${listed(detail, 'amr', methods)}`,
  },
  'sign-in.failed': { name: 'Sign-in failed', sentence: () => ['A sign-in failed'] },
  'session.locked': {
    name: 'Locked',
    sentence: () => ['The session was locked until its user proves again who they are'],
  },
  'session.unlocked': {
    name: 'Unlocked',
    sentence: detail => phrase`The session was unlocked with ${listed(detail, 'amr', methods)}`,
  },
  'confirmation.opened': {
    name: 'Confirmation asked',
    sentence: detail => phrase`A confirmation was asked for: ${raw(detail, 'operation')}`,
  },
  'confirmation.redeemed': {
    name: 'Confirmed',
    sentence: detail => phrase`A critical action was confirmed: ${raw(detail, 'operation')}`,
  },
  'confirmation.refused': {
    name: 'Not confirmed',
    sentence: detail =>
      phrase`A critical action was not confirmed: ${raw(detail, 'operation')}; ${known(detail, 'fault', confirmationFaults)}`,
  },
  'factor.added': {
    name: 'Second factor added',
    sentence: detail => phrase`A second factor was added: ${known(detail, 'factor', factors)}`,
  },
  'factor.removed': {
    name: 'Second factor removed',
    sentence: detail => phrase`A second factor was removed: ${known(detail, 'factor', factors)}`,
  },
  'factor.passed': {
    name: 'Second factor right',
    sentence: detail => phrase`A second factor was right: ${known(detail, 'factor', factors)}`,
  },
  'factor.refused': {
    name: 'Second factor refused',
    sentence: detail =>
      detail.factor === null
        ? phrase`A second factor was refused: ${known(detail, 'fault', factorFaults)}`
        : phrase`A second factor was refused, ${known(detail, 'factor', factors)}: ${known(detail, 'fault', factorFaults)}`,
  },
  'factor.throttled': {
    name: 'Second factor slowed down',
    sentence: detail => phrase`Too many wrong second factors: none is looked at for ${raw(detail, 'seconds')} s`,
  },
  'session.stepped-up': {
    name: 'Proved more',
    sentence: detail => phrase`Proved more, with ${listed(detail, 'amr', methods)}${levelIn(detail)}`,
  },
  'session.rotated': { name: 'Token changed', sentence: () => ['The token changed, as it does regularly'] },
  'session.ended': {
    name: 'Session ended',
    sentence: detail => phrase`The session ended: ${known(detail, 'reason', endReasons)}`,
  },
  'sessions.ended-all': {
    name: 'All ended',
    sentence: detail =>
      phrase`All sessions were ended ${known(detail, 'reason', endersOfAll)}; ${raw(detail, 'count')} were alive`,
  },
  'token.used-after-end': {
    name: 'Used after the end',
    sentence: detail =>
      detail.reason === null
        ? ['A token of a session that is long over was used']
        : phrase`A token of an ended session was used; it had ended because ${known(detail, 'reason', endReasons)}`,
  },
  'token.replayed': {
    name: 'Old token used',
    sentence: () => ['An old token was used: two parties hold this session'],
  },
  'token.forged': { name: 'Made-up token', sentence: () => ['A token came that this server never issued'] },
  'token.misplaced': {
    name: 'Token at the wrong door',
    sentence: () => ['A good token came where another kind belongs'],
  },
  'access-token.refused': {
    name: 'Access token refused',
    sentence: detail => phrase`An access token was refused: ${known(detail, 'reason', accessTokenFaults)}`,
  },
  'proof.refused': {
    name: 'Proof of key refused',
    sentence: detail => phrase`A proof of possession was refused: ${known(detail, 'fault', proofFaults)}`,
  },
  'cookie.duplicated': { name: 'Two session cookies', sentence: () => ['A request carried several session cookies'] },
  'request.refused': {
    name: 'Request refused',
    sentence: detail => phrase`A request was refused: ${known(detail, 'reason', refusals)}`,
  },
  'sign-in.refused': {
    name: 'Sign-in refused',
    sentence: detail => phrase`A sign-in was refused: ${known(detail, 'reason', refusals)}`,
  },
  'record.corrupt': {
    name: 'Damaged record',
    sentence: () => ['A stored session could not be read back, and was refused'],
  },
  'store.failed': {
    name: 'Store failed',
    sentence: detail => phrase`The session store failed at: ${raw(detail, 'operation')}`,
  },
  'events.suppressed': {
    name: 'Events left out',
    sentence: detail =>
      phrase`${raw(detail, 'count')} more of these came in one second and were left out: ${eventIn(detail)}`,
  },
  'session.seen-elsewhere': {
    name: 'Seen elsewhere',
    sentence: detail => phrase`The session is used from another ${listed(detail, 'changed', places)}`,
  },
  'detector.hit': {
    name: 'Detector',
    sentence: detail =>
      detail.alert === null
        ? phrase`Noticed, and only written down: ${detectorIn(detail)}`
        : phrase`Noticed: ${detectorIn(detail)}`,
  },
  'action.taken': {
    name: 'Action taken',
    sentence: detail =>
      phrase`${actionIn(detail)} because of ${detectorIn(detail)}: ${known(detail, 'outcome', outcomes)}`,
  },
  'alert.acknowledged': {
    name: 'Alert acknowledged',
    sentence: detail => phrase`An alert was acknowledged by ${byIn(detail)}`,
  },
  'alert.closed': { name: 'Alert closed', sentence: detail => phrase`An alert was closed by ${byIn(detail)}` },
  'alert.undelivered': {
    name: 'Alert not delivered',
    sentence: detail => phrase`An alert could not be delivered by ${raw(detail, 'notifier')}`,
  },
  'operator.acted': {
    name: 'Operator acted',
    sentence: detail => phrase`${byIn(detail)} ended ${targetIn(detail)}`,
  },
  'trail.opened': { name: 'Watch began', sentence: () => ['A process began to write the trail'] },
  'trail.checkpoint': { name: 'Checkpoint', sentence: () => ['The ends of all chains were written down'] },
  'trail.closed': { name: 'Watch stopped', sentence: () => ['A process stopped writing the trail, in order'] },
  'trail.pruned': { name: 'Trail shortened', sentence: () => ['Entries older than the retention were removed'] },
  'trail.dropped': {
    name: 'Entries lost',
    sentence: detail => phrase`${raw(detail, 'count')} entries were lost on the way to ${raw(detail, 'sink')}`,
  },
  'sink.failed': { name: 'Sink failed', sentence: detail => phrase`The sink ${raw(detail, 'sink')} failed` },
}

/** All types, by their names, in the order of the alphabet. */
export const typeNames: readonly (readonly [type: AuditType, name: string])[] = Object.entries(words)
  .map(([type, { name }]) => [type as AuditType, name] as const)
  .sort(([, a], [, b]) => a.localeCompare(b, 'en'))

/** What an entry says, as a sentence. A type that is newer than this page is named. */
export function sentenceOf({ type, detail }: Pick<AuditEntry, 'type' | 'detail'>): Phrase {
  return Object.hasOwn(words, type) ? words[type].sentence(detail) : phrase`Something happened: ${[{ raw: type }]}`
}

function levelIn(detail: Detail): Phrase {
  const level = field(detail, 'aal')
  return level === '' ? [] : phrase`, level ${[{ raw: level }]}`
}

function byIn(detail: Detail): Phrase {
  const by = field(detail, 'by')
  return by === '' ? ['Somebody'] : [{ user: by }]
}

function detectorIn(detail: Detail): Phrase {
  const name = field(detail, 'detector')
  const title = titleOf(name)
  return [title === null ? { raw: name || '?' } : title.toLowerCase()]
}

function actionIn(detail: Detail): Phrase {
  const action = field(detail, 'action')
  if (action === 'end') return ['End the session']
  return [action === 'reauthenticate' ? 'Lock the session' : { raw: action || '?' }]
}

function targetIn(detail: Detail): Phrase {
  const target = field(detail, 'target')
  const operation = field(detail, 'operation')
  if (operation === 'end-everybody') return ["everybody's sessions"]
  if (operation === 'end-user') return ['all sessions of ', { user: target }]
  return ['the session ', { sid: target }]
}

function eventIn(detail: Detail): Phrase {
  const type = field(detail, 'suppressed')
  return [Object.hasOwn(words, type) ? words[type as AuditType].name.toLowerCase() : { raw: type }]
}
