import { readFileSync } from 'node:fs'
import { after } from 'node:test'
import { placesIn } from '../../app/data-directory.ts'
import { readOptions } from '../../app/options.ts'
import { startCampus } from '../../app/start.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import { createVisitor, type Visitor } from './visitor.ts'

/** A Campus of its own for a test, with a clock to turn. */
export interface OpenCampus {
  readonly origin: string
  readonly directory: string
  /** Lines it logged, so far. */
  readonly log: readonly string[]
  /** Its clock, epoch ms. */
  now(): number
  /** Lets time pass. */
  pass(ms: number): void
  visitor(): Visitor
}

/** The password of every account in tests. */
export const password = 'correct horse'

/** Starts the real thing over HTTPS on a free port; it stops when the tests of the file are over. */
export async function openCampus(...args: string[]): Promise<OpenCampus> {
  const options = readOptions(['--data', temporaryDirectory(), '--port', '0', '--demo-password', password, ...args], {})
  if (options === 'help') throw new Error('no help is needed here')
  const directory = options.dataDirectory
  let passed = 0
  const log: string[] = []
  const campus = await startCampus(options, {
    clock: () => Date.now() + passed,
    log: line => log.push(line),
    announce: () => {},
  })
  after(() => campus.stop())
  const certificate = readFileSync(placesIn(directory).certificate, 'utf8')
  return {
    origin: campus.origin,
    directory,
    log,
    now: () => Date.now() + passed,
    pass: ms => {
      passed += ms
    },
    visitor: () => createVisitor(campus.origin, certificate),
  }
}
