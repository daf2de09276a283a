import type { DetectorName, Evidence } from 'latchkey/watch'

/** An attack that takes place, and whom and what it touches. */
export interface Attack {
  readonly kind: DetectorName
  /** In a few words, for the report: what is special about this one. */
  readonly variant: string
  /** Its first request. */
  readonly startedAt: number
  /** Its last. */
  endedAt: number
  readonly sids: Set<string>
  readonly users: Set<string>
  readonly addresses: Set<string>
}

/** Something that a detector found; without an alert when it was only written down, because the watch was getting to know the user. */
export interface Hit {
  readonly detector: DetectorName
  readonly at: number
  readonly sid: string | null
  readonly userId: string | null
  readonly alert: string | null
  readonly evidence: Evidence
  address: string | null
}

/** How a detector did. */
export interface Score {
  readonly detector: DetectorName
  /** Attacks of its kind, and how many of them it saw. */
  readonly attacks: number
  readonly caught: number
  /** How many of those that it did not see others saw. */
  readonly caughtByOthers: number
  /** Alerts that it raised, and how many of them were about an attack, of whatever kind. */
  readonly alerts: number
  readonly right: number
  /** From the first request of an attack to the first hit of this detector, ms; ascending. */
  readonly delaysMs: readonly number[]
}

/** Signs may come after the last request of an attack: the victim comes back, perhaps tomorrow, and finds the session gone. */
const aftermathMs = 24 * 3_600_000
const soonMs = 30 * 60_000
/** What has no one subject is about any attack of the same means that goes on: by passwords, or by tokens that somebody made. */
const means: readonly (readonly DetectorName[])[] = [
  ['password-stuffing', 'password-spraying'],
  ['token-guessing', 'forged-token'],
]

/** Whether a hit is about an attack: it happened to the same session, user or address, meanwhile or soon after. */
export function isAbout(hit: Hit, attack: Attack): boolean {
  if (hit.at < attack.startedAt) return false
  if (hit.sid !== null && attack.sids.has(hit.sid)) return true
  const late = hit.at - attack.endedAt
  if (hit.userId !== null && attack.users.has(hit.userId)) return late < aftermathMs
  if (late > soonMs) return false
  if (hit.address !== null && attack.addresses.has(hit.address)) return true
  const hasNoSubject = hit.sid === null && hit.userId === null && hit.address === null
  if (!hasNoSubject) return false
  return hit.detector === attack.kind || means.some(same => same.includes(hit.detector) && same.includes(attack.kind))
}

/** Whether anybody was alerted about an attack, by this detector or by any. */
export function isSeen(attack: Attack, hits: readonly Hit[], detector?: DetectorName): boolean {
  return hits.some(hit => hit.alert !== null && (detector ?? hit.detector) === hit.detector && isAbout(hit, attack))
}

/** Alerts: hits of one alert are one. */
export function alertsOf(hits: readonly Hit[]): Hit[] {
  const first = new Map<string, Hit>()
  for (const hit of hits) if (hit.alert !== null && !first.has(hit.alert)) first.set(hit.alert, hit)
  return [...first.values()]
}

/** The alerts that are about nothing. */
export function falseAlarms(hits: readonly Hit[], attacks: readonly Attack[]): Hit[] {
  return alertsOf(hits).filter(hit => !attacks.some(attack => isAbout(hit, attack)))
}

/** What was only written down, and how much of that was about an attack. */
export function notes(
  hits: readonly Hit[],
  attacks: readonly Attack[],
): { readonly all: number; readonly right: number } {
  const noted = hits.filter(({ alert }) => alert === null)
  return { all: noted.length, right: noted.filter(hit => attacks.some(attack => isAbout(hit, attack))).length }
}

/** How each detector did. */
export function scores(
  detectors: readonly DetectorName[],
  hits: readonly Hit[],
  attacks: readonly Attack[],
): readonly Score[] {
  return detectors.map(detector => {
    const own = attacks.filter(({ kind }) => kind === detector)
    const firstHits = own.map(attack => ({
      attack,
      hit: hits.find(hit => hit.alert !== null && hit.detector === detector && isAbout(hit, attack)),
      other: isSeen(attack, hits),
    }))
    const raised = alertsOf(hits).filter(hit => hit.detector === detector)
    return {
      detector,
      attacks: own.length,
      caught: firstHits.filter(({ hit }) => hit).length,
      caughtByOthers: firstHits.filter(({ hit, other }) => !hit && other).length,
      alerts: raised.length,
      right: raised.filter(hit => attacks.some(attack => isAbout(hit, attack))).length,
      delaysMs: firstHits.flatMap(({ hit, attack }) => (hit ? [hit.at - attack.startedAt] : [])).sort((a, b) => a - b),
    }
  })
}
