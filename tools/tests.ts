import { globSync, statSync } from 'node:fs'
import { relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from 'node:test'
import { spec, type TestEvent } from 'node:test/reporters'

/** `skipped` names everything that did not count, and why. */
export type Outcome = { passed: boolean; skipped: string[] }

type Result = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>

/** Every test file at or under these paths, relative to the working directory. */
export function testFiles(paths: string[]): string[] {
  const patterns = paths.map(path =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory() ? `${path}/**/*.test.ts` : path,
  )
  return globSync(patterns)
    .map(file => relative(process.cwd(), file))
    .sort()
}

/** Runs test files: a line for each, the whole report of the red ones, and node's own summary at the end. */
export async function runTests(files: string[], signal: AbortSignal): Promise<Outcome> {
  const events: TestEvent[] = []
  const skipped: string[] = []
  const red = new Set<string>()
  const finished = new Set<string>()
  let passed = false

  // One more than the cores of the machines that this runs on: browsers and databases are waited for much of the time.
  for await (const event of run({ files, concurrency: 3, signal, execArgv: ['--conditions=latchkey-source'] })) {
    const file = fileOf(event)
    events.push(event)
    if (event.type === 'test:complete' && event.data.name === file) {
      const { passed, duration_ms } = event.data.details
      console.log(`${passed ? '✔' : '✖'} ${file} (${(duration_ms / 1000).toFixed(1)} s)`)
    } else if (event.type === 'test:pass' || event.type === 'test:fail') {
      const reason = whyNotCounted(event)
      if (reason) skipped.push(`${file}: ${event.data.name} (${reason})`)
      else if (event.type === 'test:fail') red.add(file)
    } else if (event.type === 'test:summary') {
      if (file) finished.add(file)
      else passed = event.data.success
    }
  }

  const report = events.filter(event => !fileOf(event) || red.has(fileOf(event)))
  await pipeline(report, new spec(), process.stdout, { end: false })

  // For node a file without a test passes, and so does one in which process.exit() cuts off the tests that follow.
  const silent = files.filter(file => !finished.has(file) && !red.has(file))
  for (const file of silent)
    console.log(`✖ ${file} ended without a result: it has no test, or it called process.exit()`)
  return { passed: passed && silent.length === 0, skipped }
}

/** Node's own count of skips is not enough: it does not know skipped suites. */
function whyNotCounted({ data: { skip, todo } }: Result): string | null {
  if (skip !== undefined && skip !== false) return `skipped: ${skip}`
  if (todo !== undefined && todo !== false) return `todo: ${todo}`
  return null
}

/** The test file that an event is about. Its `file` is where the test was written: in a shared suite, perhaps. */
function fileOf({ data }: TestEvent): string {
  const { entryFile, file } = (data ?? {}) as { entryFile?: string; file?: string }
  return relative(process.cwd(), entryFile ?? file ?? '.')
}
