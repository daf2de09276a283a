import { readFileSync } from 'node:fs'
import { after } from 'node:test'
import { placesIn } from '../../app/data-directory.ts'
import { readOptions } from '../../app/options.ts'
import { startCampus } from '../../app/start.ts'
import { createLogLines, type LogLines } from './log-lines.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import { createVisitor, type Visitor } from './visitor.ts'

/** A Campus of its own for a test, with a clock to turn. */
export interface OpenCampus extends LogLines {
  readonly origin: string
  readonly directory: string
  /** Its clock, epoch ms. */
  now(): number
  /** Stops it before the tests of the file are over. */
  stop(): Promise<void>
  /** Lets time pass. */
  pass(ms: number): void
  /** Somebody; `headers` are in each of their requests. */
  visitor(headers?: Record<string, string>): Visitor
}

/** The password of every account in tests. */
export const password = 'correct horse'

/** Starts the real thing over HTTPS on a free port; it stops when the tests of the file are over. */
export function openCampus(...args: string[]): Promise<OpenCampus> {
  return openCampusIn({}, ...args)
}

/** As {@link openCampus}, with variables of the environment. */
export async function openCampusIn(environment: Record<string, string>, ...args: string[]): Promise<OpenCampus> {
  const usual = ['--data', temporaryDirectory(), '--port', '0', '--demo-password', password]
  const options = readOptions([...usual, ...args], environment)
  if (options === 'help') throw new Error('no help is needed here')
  const directory = options.dataDirectory
  let passed = 0
  const { write, ...lines } = createLogLines()
  const campus = await startCampus(options, {
    clock: () => Date.now() + passed,
    log: write,
    announce: () => {},
  })
  after(() => campus.stop())
  const certificate = readFileSync(placesIn(directory).certificate, 'utf8')
  return {
    origin: campus.origin,
    directory,
    stop: campus.stop,
    ...lines,
    now: () => Date.now() + passed,
    pass: ms => {
      passed += ms
    },
    visitor: headers => createVisitor(campus.origin, certificate, headers),
  }
}
