import { parseArgs } from 'node:util'
import { createSessions, type SessionsOptions } from '../http/sessions.ts'
import { checkConfiguration } from './configuration-checks.ts'
import { checkEnvironment, checkPrivate } from './environment-checks.ts'
import { type Finding, failure, ok } from './finding.ts'
import { sessionOptions } from './session-options.ts'
import { checkSite } from './site-checks.ts'
import type { Terminal } from './terminal.ts'

/** Checks a deployment against the checklist and prints what was found. Exit code: 0 fine, 1 failures, 2 misuse. */
export async function doctor(args: string[], terminal: Terminal): Promise<number> {
  const options = readArguments(args, terminal)
  if (!options) return 2
  const findings = [
    ...checkEnvironment(process.versions.node, process.env),
    ...(options.config === undefined ? [] : await checkModule(options.config)),
    ...(await Promise.all((options.private ?? []).map(checkPrivate))),
    ...(await Promise.all((options.url ?? []).map(checkSite))).flat(),
  ]
  for (const finding of findings) terminal.out(show(finding, terminal.color))
  const count = (level: Finding['level']) => findings.filter(finding => finding.level === level).length
  const [failures, warnings] = [count('failure'), count('warning')]
  terminal.out(`\n${findings.length} checks: ${count('ok')} fine, ${warnings} to think about, ${failures} wrong.`)
  return failures > 0 || (options.strict && warnings > 0) ? 1 : 0
}

function readArguments(args: string[], terminal: Terminal) {
  try {
    return parseArgs({
      args,
      options: {
        config: { type: 'string' },
        url: { type: 'string', multiple: true },
        private: { type: 'string', multiple: true },
        strict: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    terminal.error(`latchkey doctor: ${error instanceof Error ? error.message : error}\nSee \`latchkey --help\`.`)
    return null
  }
}

/** Checks the options that a module exports, and last whether they start under production's rules and the store answers. */
async function checkModule(file: string): Promise<Finding[]> {
  const options = await sessionOptions(file)
  if ('problem' in options) return [failure(options.problem, options.fix)]
  return [...checkConfiguration(options), await checkStart(options)]
}

async function checkStart(options: SessionsOptions): Promise<Finding> {
  try {
    const sessions = createSessions({ ...options, environment: 'production', sweepEvery: false })
    try {
      await sessions.ping()
      return ok('The configuration starts in production and the store answers.')
    } finally {
      await sessions.close()
    }
  } catch (error) {
    return failure(
      `It does not start in production: ${error instanceof Error ? error.message : error}`,
      'Correct what the message names.',
    )
  }
}

const marks = { ok: ['ok  ', '32'], warning: ['warn', '33'], failure: ['FAIL', '31'] } as const

function show({ level, text, fix }: Finding, color: boolean): string {
  const [word, code] = marks[level]
  const mark = color ? `\u001b[${code}m${word}\u001b[0m` : word
  return `${mark}  ${text}${fix === undefined ? '' : `\n      ${fix}`}`
}
