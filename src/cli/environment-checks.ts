import { stat } from 'node:fs/promises'
import { type Finding, failure, ok, warning } from './finding.ts'

/** The least Node version, as `engines` in package.json says. */
const leastNode: readonly [number, number] = [22, 18]

/** Checks the process: Node's version and `NODE_ENV`. */
export function checkEnvironment(nodeVersion: string, env: Readonly<Record<string, string | undefined>>): Finding[] {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  const recent = major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1])
  return [
    recent
      ? ok(`Node ${nodeVersion}.`)
      : failure(`Node ${nodeVersion} is too old.`, `Install Node ${leastNode.join('.')} or newer.`),
    env.NODE_ENV === 'production'
      ? ok('NODE_ENV is production: unsafe options refuse to start.')
      : failure(
          `NODE_ENV is ${env.NODE_ENV ? JSON.stringify(env.NODE_ENV) : 'not set'}.`,
          'Set NODE_ENV=production where the service runs.',
        ),
    env.NODE_TLS_REJECT_UNAUTHORIZED === '0'
      ? failure('NODE_TLS_REJECT_UNAUTHORIZED is 0: this process believes any certificate.', 'Remove it.')
      : ok('Certificates are verified.'),
  ]
}

/** Checks that nobody but the owner can read a file or directory. */
export async function checkPrivate(path: string): Promise<Finding> {
  try {
    const { mode } = await stat(path)
    const others = mode & 0o077
    if (others === 0) return ok(`${path} is private.`)
    return failure(
      `${path} can be read by others (mode ${(mode & 0o777).toString(8)}).`,
      `chmod go= ${JSON.stringify(path)}`,
    )
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : 'unreadable'
    return warning(
      `${path} could not be looked at (${reason}).`,
      'Check the path, and run the doctor as the user the service runs as.',
    )
  }
}
