/**
 * What the tests need from the system, beside Node and npm. `node tools/provision.ts` says what is there and installs
 * what is missing from Debian's packages, where it may; otherwise it prints the command to run.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants, globSync } from 'node:fs'

type Service = {
  name: string
  why: string
  debianPackage: string
  /** Whether everything can be tested without it, only more slowly. */
  isOptional?: boolean
  /** Path of the program, or null when it is missing. */
  find: () => string | null
}

const services: Service[] = [
  {
    name: 'Chromium',
    why: 'some rules only a browser enforces: cookie flags, cross-site requests, the back button',
    debianPackage: 'chromium',
    find: chromiumPath,
  },
  {
    name: 'Chromium’s headless shell',
    why: 'the same engine at half the cost; without it the whole browser does its work, too',
    debianPackage: 'chromium-headless-shell',
    isOptional: true,
    find: chromiumShellPath,
  },
  {
    name: 'PostgreSQL',
    why: 'its store is tested on servers that the tests start themselves',
    debianPackage: 'postgresql',
    find: postgresPath,
  },
  {
    name: 'PgBouncer',
    why: 'what the PostgreSQL store does behind a connection pooler is tested',
    debianPackage: 'pgbouncer',
    find: pgbouncerPath,
  },
  {
    name: 'Redis',
    why: 'the Redis store is tested on real servers and clusters, which the tests start themselves',
    debianPackage: 'redis-server',
    find: redisServerPath,
  },
]

/** Where Chromium is, for tests that drive it; null when it is not installed, and then they skip. */
export function chromiumPath(): string | null {
  // Not /usr/bin/chromium: that is a shell script which adds flags of the distribution and of the user.
  return executable('/usr/lib/chromium/chromium')
}

/** Where Chromium's headless shell is: the engine without the browser around it. Null when it is not installed. */
export function chromiumShellPath(): string | null {
  return executable('/usr/lib/chromium/chromium-headless-shell')
}

/** Where the Redis server is, for tests that start their own; null when it is not installed, and then they skip. */
export function redisServerPath(): string | null {
  return executable('/usr/bin/redis-server')
}

/** Where PgBouncer is, for tests that start their own; null when it is not installed, and then they skip. */
export function pgbouncerPath(): string | null {
  return executable('/usr/sbin/pgbouncer')
}

/** Where PostgreSQL's server is, in a directory with all its programs; the newest one. Null when it is not installed. */
export function postgresPath(): string | null {
  const versions = globSync('/usr/lib/postgresql/*/bin/postgres').map(path => Number(path.split('/')[4]))
  return versions.length > 0 ? executable(`/usr/lib/postgresql/${Math.max(...versions)}/bin/postgres`) : null
}

function executable(path: string): string | null {
  try {
    accessSync(path, constants.X_OK)
    return path
  } catch {
    return null
  }
}

/** Reports every service, installing missing ones where it may. Returns the names of those still missing. */
export function provision(): string[] {
  const absent = services.filter(service => !service.find())
  const packages = (isOptional: boolean) =>
    absent.filter(service => (service.isOptional ?? false) === isOptional).map(service => service.debianPackage)
  if (packages(false).length > 0) install(packages(false))
  // Apart, because an older Debian that does not have one installs none.
  if (packages(true).length > 0) install(packages(true))

  for (const { name, why, debianPackage, isOptional, find } of services) {
    const path = find()
    const state = isOptional ? 'not here' : 'MISSING'
    console.log(path ? `${name}: ${path}, ${version(path)}` : `${name}: ${state} (${debianPackage}; ${why})`)
  }
  return services.filter(service => !service.isOptional && !service.find()).map(service => service.name)
}

function version(path: string): string {
  try {
    const said = execFileSync(path, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return said.split('\n', 1)[0] ?? ''
  } catch (error) {
    return `which does not start: ${error instanceof Error ? error.message : error}`
  }
}

function install(packages: string[]): void {
  const commands = [
    ['apt-get', 'update'],
    ['apt-get', 'install', '-y', '--no-install-recommends', ...packages],
  ]
  if (process.getuid?.() !== 0 || !executable('/usr/bin/apt-get')) {
    console.log(`To install what is missing on Debian: ${commands.map(c => `sudo ${c.join(' ')}`).join(' && ')}`)
    return
  }
  for (const [command = '', ...args] of commands) {
    console.log(`$ ${command} ${args.join(' ')}`)
    const { status } = spawnSync(command, args, {
      stdio: 'inherit',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    if (status !== 0) return
  }
}

if (import.meta.main) process.exitCode = provision().length > 0 ? 1 : 0
