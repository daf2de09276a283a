import type { DetectorName } from 'latchkey/watch'
import { type Bar, drawing } from '../chart.ts'
import { falseAlarms, isAbout, isSeen, notes, type Score, scores } from './judgement.ts'
import { day, type Simulation } from './simulation.ts'

/** What is known of a run. */
export interface Run {
  readonly seed: string
  readonly start: string
  readonly days: number
  readonly people: number
}

/** The content of a file `bench/results/detection-….json`. */
export interface DetectionResults {
  readonly run: Run
  readonly requests: number
  readonly honestSessions: number
  readonly attacks: number
  readonly scores: readonly Score[]
  /** Alerts about nothing, by detector. */
  readonly falseAlarms: Readonly<Record<string, number>>
  /** What was written down and no alert, because the watch was getting to know the user; and how much of it was about an attack. */
  readonly notes: { readonly all: number; readonly right: number }
  /** How many of the false alarms were raised in the first week, in which the watch learns who comes from where. */
  readonly falseAlarmsOfFirstWeek: number
  /** Attacks that the detector of their kind did not see, in words. */
  readonly missed: readonly string[]
}

const detectors: readonly DetectorName[] = [
  ...(['token-guessing', 'forged-token', 'use-after-end', 'token-replay', 'two-places', 'agent-changed'] as const),
  ...(['network-changed', 'impossible-travel', 'password-stuffing', 'password-spraying'] as const),
  ...(['second-factor-bombing', 'session-flooding', 'too-many-sessions', 'dormant-session', 'csrf-probing'] as const),
  ...(['binding-failure', 'risky-sign-in'] as const),
]

/** What came of a simulation. */
export function resultsOf({ hits, attacks, done, startsAt }: Simulation, run: Run): DetectionResults {
  const alarms = falseAlarms(hits, attacks)
  return {
    run,
    requests: done.requests,
    honestSessions: done.honestSessions,
    attacks: attacks.length,
    scores: scores(detectors, hits, attacks),
    falseAlarms: Object.fromEntries(
      detectors.map(name => [name, alarms.filter(({ detector }) => detector === name).length]),
    ),
    notes: notes(hits, attacks),
    falseAlarmsOfFirstWeek: alarms.filter(({ at }) => at < startsAt + 7 * day).length,
    missed: attacks.flatMap(attack => {
      if (isSeen(attack, hits, attack.kind)) return []
      const about = hits.filter(hit => hit.alert !== null && isAbout(hit, attack))
      const others = [...new Set(about.map(({ detector }) => detector))]
      const seen = others.length > 0 ? `seen by ${others.join(', ')}` : 'seen by nobody'
      const when = new Date(attack.startedAt).toISOString().slice(0, 16)
      const whom = [[...attack.users].slice(0, 1), [...attack.addresses].slice(0, 1)].flat().join(' from ')
      return [`${when} ${attack.kind}: ${attack.variant} (${whom}); ${seen}`]
    }),
  }
}

/** False alarms among ten thousand honest sessions. */
export function alarmsPer10000({ falseAlarms, honestSessions }: DetectionResults): number {
  return (count({ falseAlarms }) / honestSessions) * 10_000
}

function count({ falseAlarms }: Pick<DetectionResults, 'falseAlarms'>): number {
  return Object.values(falseAlarms).reduce((sum, alarms) => sum + alarms, 0)
}

const heads = [
  ...['detector', 'attacks of its kind', 'recall', 'seen by any', 'alerts', 'precision', 'false alarms'],
  ...['median time to detection', 'longest'],
]

/** What the README and the terminal show. */
export function tables(results: DetectionResults): string {
  const { run, requests, honestSessions, attacks, falseAlarms: alarms } = results
  const rows = results.scores.map(({ detector, attacks, caught, caughtByOthers, alerts, right, delaysMs }) => [
    `\`${detector}\``,
    String(attacks),
    attacks === 0 ? '–' : percent(caught / attacks),
    attacks === 0 ? '–' : percent((caught + caughtByOthers) / attacks),
    String(alerts),
    alerts === 0 ? '–' : percent(right / alerts),
    String(alarms[detector] ?? 0),
    delaysMs.length === 0 ? '–' : seconds(delaysMs[delaysMs.length >> 1] ?? 0),
    delaysMs.length === 0 ? '–' : seconds(delaysMs.at(-1) ?? 0),
  ])
  const table = [heads, heads.map((_, column) => (column === 0 ? '---' : '---:')), ...rows]
  return [
    table.map(cells => `| ${cells.join(' | ')} |`).join('\n'),
    `${run.people} people over ${run.days} days from ${run.start} (seed \`${run.seed}\`): ` +
      `${thousands(honestSessions)} honest sessions, ${thousands(requests)} requests, ${attacks} attacks. ` +
      `False alarms per 10,000 honest sessions: **${alarmsPer10000(results).toFixed(2)}**. ` +
      `Of ${count(results)} false alarms ${results.falseAlarmsOfFirstWeek} were raised in the first week. ` +
      `Written down and no alert, while the watch got to know the user: ${results.notes.all}, ${results.notes.right} of them about an attack.`,
  ].join('\n\n')
}

/** Recall and time to detection as bars. */
export function picture({ scores: all }: DetectionResults): string {
  const seen = all.filter(({ attacks }) => attacks > 0)
  const recall = seen.map(({ detector, attacks, caught }): Bar => {
    return { label: detector, value: caught / attacks, shown: percent(caught / attacks), ours: true }
  })
  const delays = seen
    .filter(({ delaysMs }) => delaysMs.length > 0)
    .map(({ detector, delaysMs }): Bar => {
      const median = delaysMs[delaysMs.length >> 1] ?? 0
      return { label: detector, value: Math.log10(1 + median), shown: seconds(median), ours: true }
    })
  return drawing('How many attacks each detector saw, and how soon', [
    { title: 'Attacks of its kind that a detector saw', bars: recall },
    { title: 'Median time from the first request of an attack to the alert (logarithmic)', bars: delays },
  ])
}

const begin = '<!-- detection: written by npm run bench:detection -- --publish -->'
const end = '<!-- end of detection -->'

/** The README with its section on detection replaced. */
export function withDetection(readme: string, results: DetectionResults): string {
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`bench/README.md needs the lines ${begin} and ${end}`)
  const section = ['![How many attacks each detector saw, and how soon](detection.svg)', tables(results)].join('\n\n')
  return `${readme.slice(0, from + begin.length)}\n\n${section}\n\n${readme.slice(to)}`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share === 1 || share === 0 ? 0 : 1)} %`
}

function seconds(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return ms < 120_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`
}

function thousands(count: number): string {
  return count.toLocaleString('en-US')
}
