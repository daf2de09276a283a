/** What a detector saw, in words. Each detector tells its own facts; one that has no words here is shown by its name. */
import type { Alert } from '../../api.ts'
import { count } from '../numbers.ts'
import { lengthOf } from '../times.ts'
import { accessTokenFaults, endReasons, proofFaults } from './reasons.ts'

/** One fact: what it is, and what was seen. Values may hold anything that a client wrote. */
export interface Fact {
  /** As the detector calls it. */
  readonly name: string
  /** What people call it. */
  readonly label: string
  /** What was seen. */
  readonly values: readonly string[]
}

const labels: ReadonlyMap<string, string> = new Map([
  ['accounts', 'Accounts tried'],
  ['addresses', 'Addresses'],
  ['agent', 'Program'],
  ['asn', 'Network operator'],
  ['begun', 'Sign-ins begun'],
  ['between', 'Told by'],
  ['clients', 'Different clients'],
  ['countries', 'Countries'],
  ['days', 'Unused for'],
  ['expected', 'Usual number'],
  ['isOtherAgent', 'Another program'],
  ['isOtherNetwork', 'Another network'],
  ['km', 'Distance'],
  ['minutes', 'Within'],
  ['minutesSince', 'After'],
  ['networkChanged', 'Network changed, too'],
  ['more', 'Further hits within the hour'],
  ['new', 'New for this user'],
  ['points', 'Points against it'],
  ['reason', 'Had ended because'],
  ['refusals', 'Requests refused'],
  ['refused', 'Second factors refused'],
  ['requests', 'Requests refused'],
  ['returns', 'Times it went back'],
  ['score', 'Risk score'],
  ['seconds', 'Within'],
  ['signInsOfUser', 'Sign-ins known of this user'],
  ['succeeded', 'Sign-ins that worked'],
  ['suppressed', 'More in the same second'],
  ['tokens', 'Tokens'],
  ['uses', 'Times used'],
  ['what', 'What happened'],
])

const units: ReadonlyMap<string, (value: number) => string> = new Map([
  ['days', value => lengthOf(value * 86_400_000)],
  ['minutes', value => lengthOf(value * 60_000)],
  ['minutesSince', value => lengthOf(value * 60_000)],
  ['seconds', value => lengthOf(value * 1_000)],
  ['km', value => `${count(value)} km`],
])

/** Literals of the engine and the watch, where a fact is one of them. */
const words: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  ['fault', new Map([...accessTokenFaults, ...proofFaults])],
  ['reason', endReasons],
  [
    'what',
    new Map([
      ['dropped', 'entries were lost'],
      ['failed', 'it could not be written'],
    ]),
  ],
])

/** The facts of an alert. */
export function factsOf(evidence: Alert['evidence']): Fact[] {
  return Object.entries(evidence).flatMap(([name, value]) => {
    if (value === null) return []
    const values = Array.isArray(value) ? value.map(String) : [worded(name, value as string | number | boolean)]
    return values.length === 0 ? [] : [{ name, label: labelOf(name), values }]
  })
}

function worded(name: string, value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string') return words.get(name)?.get(value) ?? value
  const unit = units.get(name)
  if (unit !== undefined) return unit(value)
  return Number.isInteger(value) ? count(value) : String(Math.round(value * 1_000) / 1_000)
}

/** `failedSignIns` is `Failed sign ins`. */
function labelOf(name: string): string {
  const found = labels.get(name)
  if (found !== undefined) return found
  const spaced = name.replace(/[-_]/g, ' ').replace(/(?<=[a-z0-9])[A-Z]/g, letter => ` ${letter.toLowerCase()}`)
  return spaced.charAt(0).toUpperCase() + spaced.slice(1)
}
