import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { createKeyRing, type KeyRing } from '../session/key-ring.ts'
import { type Anchor, type TrailReport, verifyTrail } from '../watch/index.ts'
import { oneLine } from '../watch/plain-text.ts'
import { Misuse } from './exit-code.ts'
import { colored, instant, printable } from './printable.ts'
import { sessionOptions } from './session-options.ts'
import type { Terminal } from './terminal.ts'
import { openWatchStore, tableOptions } from './watch-place.ts'

/** Reads the whole trail and tells of every chain whether it is as it was written. Exit code 1 when one is not. */
export async function verify(args: string[], terminal: Terminal): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args,
    options: { ...tableOptions, store: text, config: text, anchors: text, json: { type: 'boolean', default: false } },
  })
  const ring = await keys(values.config)
  const anchors = values.anchors === undefined ? [] : await readAnchors(values.anchors)
  const store = await openWatchStore(values.store, values)
  try {
    const report = await verifyTrail(store, keyId => ring.find(keyId)?.watchKey ?? null, {
      anchors,
      newestKeyId: ring.newest.id,
      onProgress: entries => terminal.status?.(`${count(entries, 'entry', 'entries')} read …`),
    })
    terminal.status?.('')
    if (values.json) terminal.out(oneLine(report))
    else writeReport(report, terminal)
    return report.isWhole ? 0 : 1
  } finally {
    await store.close()
  }
}

/** The keys of the server secrets: not as an option, because everybody sees the arguments of a process. */
async function keys(config: string | undefined): Promise<KeyRing> {
  if (config !== undefined) {
    const options = await sessionOptions(config)
    if ('problem' in options) throw new Error(`${options.problem}\n${options.fix}`)
    await options.store?.close()
    return createKeyRing(options.secrets)
  }
  const secrets = process.env.SESSION_SECRET
  if (!secrets) {
    throw new Misuse(
      'Put the server secrets into SESSION_SECRET, newest first, with commas between them; or say --config FILE.',
    )
  }
  return createKeyRing(secrets.split(',').map(secret => secret.trim()))
}

/** Entries as they were when they were shipped elsewhere: JSON lines with `chain`, `seq`, `mac` and, if known, `at`. */
async function readAnchors(file: string): Promise<Anchor[]> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return []
    const anchor = readAnchor(line)
    if (anchor) return [anchor]
    throw new Error(`Line ${index + 1} of ${file} is no anchor: JSON with chain, seq and mac.`)
  })
}

function readAnchor(line: string): Anchor | null {
  try {
    const { chain, seq, mac, at } = JSON.parse(line)
    if (typeof chain !== 'string' || !Number.isSafeInteger(seq) || typeof mac !== 'string') return null
    return { chain, seq, mac, ...(Number.isFinite(at) ? { at } : {}) }
  } catch {
    return null
  }
}

const faults: Record<NonNullable<TrailReport['chains'][number]['broken']>['what'], string> = {
  changed: 'was changed, or does not belong there',
  missing: 'is missing',
  'cut-at-start': 'and those before it were removed',
  'cut-at-end': 'and those after it were removed',
  'chain-missing': 'and the whole chain were removed',
  'unknown-key': 'cannot be told: its key is not among the secrets',
}

const notes: Record<NonNullable<TrailReport['chains'][number]['note']>, string> = {
  'old-key': 'note: it began under an older secret after others had begun under the newest',
}

function writeReport({ isWhole, entries, unreadable, chains }: TrailReport, terminal: Terminal): void {
  for (const chain of chains) {
    const { broken, note, firstAt, lastAt, isClosed } = chain
    const mark = broken ? colored('BROKEN', 'red', terminal.color) : colored('ok    ', 'green', terminal.color)
    const extent = `${count(chain.entries, 'entry', 'entries')}, ${instant(firstAt)} to ${instant(lastAt)}`
    terminal.out(`${mark}  ${printable(chain.chain)}  ${extent}${isClosed ? '' : ', not closed'}`)
    if (broken) terminal.out(`        entry ${broken.seq} ${faults[broken.what]}`)
    if (note) terminal.out(`        ${notes[note]}`)
  }
  const bad = chains.filter(({ broken }) => broken).length
  const verdict = isWhole ? 'whole.' : `${bad} BROKEN.`
  if (unreadable > 0)
    terminal.out(
      `\n${count(unreadable, 'row', 'rows')} that nobody with the keys wrote so: no entry can be read from them.`,
    )
  terminal.out(`\n${count(chains.length, 'chain', 'chains')}, ${count(entries, 'entry', 'entries')}: ${verdict}`)
}

function count(number: number, one: string, many: string): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`
}
