import type { Job } from './contenders.ts'
import { jobs } from './contenders.ts'
import { type Results, type Summary, summarize } from './results.ts'

const begin = '<!-- results: written by npm run bench -->'
const end = '<!-- end of results -->'

const headings: Record<Job, string> = {
  read: 'Read: `GET /me`, answered from the session',
  write: 'Write: `POST /count`, increments a counter in the session',
  unused: 'Unused: `GET /public`, with the session cookie, on a route that does not ask for the session',
}

/** The README with its results section replaced. */
export function withResults(readme: string, results: Results): string {
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`bench/README.md needs the lines ${begin} and ${end}`)
  return `${readme.slice(0, from + begin.length)}\n\n${section(results)}\n\n${readme.slice(to)}`
}

function section(results: Results): string {
  const { machine, options, versions, date } = results
  const summaries = summarize(results.measurements)
  const tables = jobs.map(job => `### ${headings[job]}\n\n${table(summaries.filter(row => row.job === job))}`)
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    '![Microseconds of server CPU that each contender adds to a request](results.svg)',
    ...tables,
    `Measured on ${date.slice(0, 10)}: ${machine.cores} cores (${machine.cpu}), ${machine.memoryGb} GB, Linux ${machine.kernel}, ` +
      `Node ${machine.node}; ${machine.pinned ? 'server and load pinned to a core each' : 'nothing pinned to a core'}; ` +
      `${options.rounds} rounds of ${options.seconds} s after ${options.warmup} s of warm-up, ${options.connections} connections, ` +
      `${options.sessions} sessions. ${packages.join(', ')}.`,
  ].join('\n\n')
}

/** One job as a Markdown table, which is also what the terminal shows. */
export function table(rows: Summary[]): string {
  const lines = rows.map(row => {
    const [low, high] = row.cpuUsRange
    const isBare = row.contender.name === row.contender.bare
    return [
      row.contender.ours ? `**${row.contender.label}**` : row.contender.label,
      isBare ? '–' : `**${micro(row.addedUs)}**`,
      budget(row),
      micro(row.cpuUs),
      `${micro(low)}–${micro(high)}`,
      Math.round(row.requestsPerSecond).toLocaleString('en-US'),
      row.p99Ms.toFixed(1),
      ...(row.job === 'write' ? [lostShare(row)] : []),
    ]
  })
  const head = ['contender', 'added µs', 'budget', 'CPU µs/request', 'lowest–highest', 'requests/s', 'p99 ms']
  if (rows.some(({ job }) => job === 'write')) head.push('lost')
  return [head, ['---', ...head.slice(1).map(() => '---:')], ...lines]
    .map(cells => `| ${cells.join(' | ')} |`)
    .join('\n')
}

function budget({ contender, job, addedUs }: Summary): string {
  const limit = contender.budget[job]
  return limit === undefined ? '' : `${limit} ${addedUs <= limit ? '✓' : '✗'}`
}

function lostShare({ contender, lostShare }: Summary): string {
  if (contender.state !== 'store') return '–'
  return lostShare === 0 ? '0' : `**${(lostShare * 100).toFixed(2)} %**`
}

const micro = (us: number): string => us.toFixed(1)
