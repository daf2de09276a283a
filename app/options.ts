import { isIP } from 'node:net'
import { isAbsolute, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Duration } from 'latchkey'
import { emailAddress } from './email-address.ts'

/** Everything a person can choose about a running Campus. */
export interface CampusOptions {
  /** Address to listen on. */
  readonly host: string
  /** Port to listen on; 0 takes a free one. */
  readonly port: number
  /** Absolute path of the directory that holds everything Campus writes. */
  readonly dataDirectory: string
  /** Where session records live. */
  readonly store: StoreChoice
  /** Where accounts live, and what the sign-in throttle remembers. */
  readonly users: UsersChoice
  /** Whether repeated reads of a session are served from memory, over a store that several processes share. */
  readonly nearCache: boolean
  /** What was chosen of the session policy; what is left out is Latchkey's default. */
  readonly policy: PolicyChoice
  /** Password of the accounts that the first start creates, or `null` for random ones. */
  readonly demoPassword: string | null
  /** Files of a certificate and its key, or `null`. */
  readonly tls: { readonly certificateFile: string; readonly keyFile: string } | null
  /** Which proxies may say who the client is: how many there are, their addresses, or `false` for none. */
  readonly trustProxy: false | number | readonly string[]
  /** Serve plain HTTP although nobody in front adds TLS. */
  readonly insecureHttp: boolean
  /** Secrets from the environment, newest first; empty when it holds none. */
  readonly secrets: readonly string[]
  /** Private keys for access tokens from the environment, or `null`. */
  readonly tokenKeys: string | null
  /** Where browsers find this site, or `null`: where it serves, in production nobody knows. Passkeys are bound to it. */
  readonly origin: string | null
  /** Who issues access tokens: the same address, or one that is the same on every port. */
  readonly issuer: string
  /** The mail server for notices, whose address may hold a password, and the sender's address; `null`: notices are not mailed. */
  readonly mail: { readonly server: string; readonly from: string } | null
  /** What the watch does. */
  readonly watch: WatchChoice
  /** Production refuses what is good enough for a look around. */
  readonly environment: 'production' | 'development'
}

/** A session store by kind and place; paths are absolute, addresses of servers may hold a password. */
export type StoreChoice =
  | { readonly kind: 'memory' }
  | { readonly kind: 'file'; readonly directory: string }
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string }
  | { readonly kind: 'redis'; readonly url: string }
  | { readonly kind: 'redis-cluster'; readonly urls: readonly string[] }
  | { readonly kind: 'sealed'; readonly list: StoreChoice | null }

/** Everything that can be chosen about the watch. */
export interface WatchChoice {
  /** Where it keeps audit trail, alerts and numbers. */
  readonly place: UsersChoice
  /** What it does by itself about a session that looks stolen: nothing, only say what it would do, or ask its user for a proof. */
  readonly onAlert: OnAlert
  /** How long it gets to know people before a journey of theirs is an alert. */
  readonly learning: Duration
  /** A receiver of webhooks about alerts, and the secret that they are signed with; or `null`. */
  readonly webhook: { readonly url: string; readonly secret: string } | null
  /** A mailbox for alerts, by the mail server for notices; or `null`. */
  readonly mailTo: string | null
  /** Files of MaxMind databases, by which it knows where addresses are. */
  readonly geo: { readonly city: string | null; readonly asn: string | null }
  /** What Prometheus has to bring for /metrics, or `null`: there are none. */
  readonly metricsToken: string | null
}

const onAlerts = ['tell', 'dry-run', 'act'] as const
type OnAlert = (typeof onAlerts)[number]

/** A database by kind and place. */
export type UsersChoice = Extract<StoreChoice, { kind: 'sqlite' | 'postgres' }>

/** The part of the session policy that has options. */
export interface PolicyChoice {
  readonly idleTimeout?: Duration
  readonly absoluteTimeout?: Duration
  readonly rotateEvery?: Duration | false
  readonly grace?: Duration
  readonly maxSessions?: number | false
  readonly atIdle?: 'lock'
}

/** An option that Campus cannot work with. The message is one line that names the option and the fix. */
export class OptionError extends Error {
  override readonly name = 'OptionError'
}

/** Why something failed, for the message of an {@link OptionError}. */
export function reasonOf(error: unknown): string {
  // Several addresses of a host are tried one after the other; the error that gathers what they said says nothing itself.
  if (error instanceof AggregateError && error.message === '') return reasonOf(error.errors[0])
  return error instanceof Error ? error.message : 'unknown reason'
}

/** A place for a message: never with a password. */
export function placeOf(choice: StoreChoice): string {
  switch (choice.kind) {
    case 'memory':
      return 'memory:'
    case 'file':
      return `file:${choice.directory}`
    case 'sqlite':
      return `sqlite:${choice.file}`
    case 'sealed':
      return `sealed:${choice.list ? placeOf(choice.list) : ''}`
    case 'redis-cluster':
      return `redis-cluster://${choice.urls.map(url => new URL(url).host).join(',')}`
    default:
      return `${choice.kind}://${new URL(choice.url).host}`
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/** One row of the help page: the flag's value (`null` for a switch) and what it does. */
interface Flag {
  readonly value: string | null
  readonly help: string
}

/** Every flag; each is also the environment variable that `variableOf` names. */
const flags = {
  host: { value: 'HOST', help: 'address to listen on (127.0.0.1)' },
  port: { value: 'PORT', help: 'port to listen on, 0 for a free one (8443)' },
  data: { value: 'DIR', help: 'directory for everything Campus writes (./data)' },
  store: { value: 'STORE', help: 'where sessions are kept, see below (sqlite:sessions.db)' },
  users: { value: 'USERS', help: 'where accounts are kept, see below (sqlite:campus.db)' },
  'near-cache': { value: null, help: 'read sessions from memory too, on a store that processes share' },
  'idle-timeout': { value: 'TIME', help: 'a session nobody used for this long ends (15m)' },
  'absolute-timeout': { value: 'TIME', help: 'a session this old ends, used or not (8h)' },
  'rotate-every': { value: 'TIME', help: 'how often the token changes, or off (10m)' },
  grace: { value: 'TIME', help: 'how long the old token still works after that (30s)' },
  'idle-lock': { value: null, help: 'lock a session that nobody used for long, instead of ending it' },
  'max-sessions': { value: 'NUMBER', help: 'sessions one user may have, or off; the oldest ends (off)' },
  'demo-password': { value: 'PASSWORD', help: 'for the accounts of the first start, instead of random ones' },
  'tls-cert': { value: 'FILE', help: 'certificate chain, PEM (made by itself in development)' },
  'tls-key': { value: 'FILE', help: 'private key of --tls-cert, PEM' },
  'trust-proxy': { value: 'PROXIES', help: 'number of proxies in front, or their addresses: 10.0.0.0/8,::1' },
  origin: { value: 'URL', help: "this site's address; in production, passkeys need it (where it serves)" },
  smtp: { value: 'URL', help: 'mail server for notices: smtp://HOST or smtps://USER:PASSWORD@HOST (none)' },
  'mail-from': { value: 'ADDRESS', help: "sender of the notices (campus@, and this site's host name)" },
  watch: { value: 'WATCH', help: 'where audit trail and alerts are kept: as USERS (sqlite:watch.db)' },
  'on-alert': { value: 'WHAT', help: 'about sessions that look stolen: tell, dry-run or act (tell)' },
  'watch-learning': { value: 'TIME', help: 'how long journeys of somebody new are no alert (7d)' },
  'alert-webhook': { value: 'URL', help: 'who is told about alerts; signed with ALERT_SECRET (nobody)' },
  'alert-mail': { value: 'ADDRESS', help: 'who gets alerts by mail; needs --smtp (nobody)' },
  'geo-city': { value: 'FILE', help: 'MaxMind database of places, GeoLite2-City.mmdb (none)' },
  'geo-asn': { value: 'FILE', help: 'MaxMind database of networks, GeoLite2-ASN.mmdb (none)' },
  'insecure-http': { value: null, help: 'serve plain HTTP, for experiments on this machine only' },
} as const satisfies Record<string, Flag>

type FlagName = keyof typeof flags

const variableOf = (flag: FlagName) => `CAMPUS_${flag.toUpperCase().replaceAll('-', '_')}`

/** What `--help` prints. */
export function helpText(): string {
  const rows = Object.entries<Flag>(flags).map(([name, { value, help }]) => {
    const usage = value === null ? `--${name}` : `--${name} ${value}`
    return `  ${usage.padEnd(27)}${help}`
  })
  return `Campus, a small learning portal that shows what Latchkey does.

Usage: npm start -- [options]

${rows.join('\n')}
  --help                     this page

STORE is one of memory:, file:DIR, sqlite:FILE (inside --data), postgres://USER:PASSWORD@HOST/DATABASE,
redis://HOST:PORT, rediss://HOST:PORT or redis-cluster://HOST:PORT,HOST:PORT. Or sealed: for sessions that are kept
in their cookies alone and cannot be ended from elsewhere, sealed:STORE with a list of them in one of the above.

USERS is sqlite:FILE (inside --data) or postgres://USER:PASSWORD@HOST/DATABASE. With sessions in PostgreSQL
the accounts are there too, unless you say otherwise: then instances on several machines share nothing else.

Give a password in the environment (CAMPUS_STORE, CAMPUS_USERS, CAMPUS_SMTP): everybody on the machine can read the
options of a process.

TIME is a number with a unit: 90s, 15m, 8h, 30d. Every option is also an environment variable
(--idle-timeout is CAMPUS_IDLE_TIMEOUT); the option wins. Five more variables:

  SESSION_SECRET             from \`npx latchkey keygen\`; several, newest first, separated by commas
  TOKEN_KEYS                 from \`npx latchkey keygen --jwk\`, for access tokens; several, one per line.
                             In production without them there are no sessions for programs
  ALERT_SECRET               from \`openssl rand -base64 32\`; what webhooks of alerts are signed with
  METRICS_TOKEN              what Prometheus has to send as bearer token; without one there is no /metrics
  NODE_ENV=production        refuse whatever is only good enough for a look around
`
}

/** Reads options from arguments and environment; throws an {@link OptionError} for what it cannot use. */
export function readOptions(args: readonly string[], environment: Environment): CampusOptions | 'help' {
  const given = parse(args)
  if (given.help === true) return 'help'
  const text = (flag: FlagName): string | undefined => {
    const value = given[flag]
    // An empty variable is how shells and compose files write "not set".
    return typeof value === 'string' ? value : environment[variableOf(flag)] || undefined
  }
  const read = <T>(flag: FlagName, fallback: T, reader: (value: string) => T | Wrong): T => {
    const value = text(flag)
    if (value === undefined) return fallback
    const result = reader(value)
    if (!(result instanceof Wrong)) return result
    const source = typeof given[flag] === 'string' ? `--${flag}` : variableOf(flag)
    // What is or may hold a password must not be repeated on a screen. Addresses of webhooks often are secrets themselves.
    const shown =
      ['demo-password', 'alert-webhook'].includes(flag) ||
      (['store', 'users', 'smtp', 'watch'].includes(flag) && value.includes('@'))
        ? ''
        : ` is ${JSON.stringify(value)}`
    throw new OptionError(`${source}${shown}: ${result.fix}`)
  }

  const dataDirectory = resolve(text('data') ?? 'data')
  const inData = (file: string) => ({ kind: 'sqlite', file: resolve(dataDirectory, file) }) as const
  const store = read<StoreChoice>('store', inData('sessions.db'), value => storeChoice(value, dataDirectory))
  const duration = (value: string) =>
    isDuration(value) ? value : new Wrong('write a time with its unit, such as 90s, 15m or 8h.')
  const readPolicy = <Name extends keyof PolicyChoice>(
    name: Name,
    flag: FlagName,
    reader: (value: string) => PolicyChoice[Name] | Wrong,
  ): Pick<PolicyChoice, Name> => {
    const value = read<PolicyChoice[Name] | undefined>(flag, undefined, reader)
    return (value === undefined ? {} : { [name]: value }) as Pick<PolicyChoice, Name>
  }

  const origin = read<string | null>('origin', null, value =>
    URL.canParse(value) && new URL(value).origin === value
      ? value
      : new Wrong("write this site's address, such as https://campus.example, nothing after it."),
  )

  const server = read<string | null>('smtp', null, mailServer)
  const from = read('mail-from', `campus@${new URL(origin ?? 'https://campus.localhost').hostname}`, sender)

  const users = read<UsersChoice>('users', store.kind === 'postgres' ? store : inData('campus.db'), value =>
    usersChoice(value, dataDirectory),
  )
  const webhook = read<string | null>('alert-webhook', null, value =>
    /^https?:$/.test(URL.parse(value)?.protocol ?? '')
      ? value
      : new Wrong('write the address of a receiver, https://…'),
  )
  const alertSecret = environment.ALERT_SECRET ?? ''
  if (webhook !== null && alertSecret === '')
    throw new OptionError('ALERT_SECRET is not set: --alert-webhook needs one from `openssl rand -base64 32`.')
  const mailTo = read<string | null>('alert-mail', null, sender)
  if (mailTo !== null && server === null)
    throw new OptionError('--alert-mail is given without --smtp: name the mail server too.')
  const file = (flag: FlagName) => read<string | null>(flag, null, value => resolve(value))

  return {
    host: text('host') ?? '127.0.0.1',
    port: read('port', 8443, value =>
      /^\d{1,5}$/.test(value) && Number(value) < 65_536 ? Number(value) : new Wrong('write a number from 0 to 65535.'),
    ),
    dataDirectory,
    store,
    users,
    policy: {
      ...readPolicy('idleTimeout', 'idle-timeout', duration),
      ...readPolicy('absoluteTimeout', 'absolute-timeout', duration),
      ...readPolicy('rotateEvery', 'rotate-every', value => (value === 'off' ? false : duration(value))),
      ...readPolicy('grace', 'grace', duration),
      ...readPolicy('maxSessions', 'max-sessions', value =>
        value === 'off'
          ? false
          : /^[1-9]\d{0,5}$/.test(value)
            ? Number(value)
            : new Wrong('write a whole number of 1 or more, or off.'),
      ),
      ...(given['idle-lock'] === true || read('idle-lock', false, truth) ? { atIdle: 'lock' } : {}),
    },
    demoPassword: read<string | null>('demo-password', null, value =>
      value.trim() === '' ? new Wrong('is empty: write a password, or leave the option out for random ones.') : value,
    ),
    tls: tlsFiles(text('tls-cert'), text('tls-key')),
    trustProxy: read<CampusOptions['trustProxy']>('trust-proxy', false, proxies),
    nearCache: given['near-cache'] === true || read('near-cache', false, truth),
    insecureHttp: given['insecure-http'] === true || read('insecure-http', false, truth),
    secrets: (environment.SESSION_SECRET ?? '')
      .split(',')
      .map(secret => secret.trim())
      .filter(secret => secret !== ''),
    tokenKeys: environment.TOKEN_KEYS || null,
    origin,
    issuer: origin ?? 'https://campus.localhost',
    mail: server === null ? null : { server, from },
    watch: {
      place: read<UsersChoice>('watch', users.kind === 'postgres' ? users : inData('watch.db'), value =>
        usersChoice(value, dataDirectory),
      ),
      onAlert: read<OnAlert>(
        'on-alert',
        'tell',
        value => onAlerts.find(choice => choice === value) ?? new Wrong('write tell, dry-run or act.'),
      ),
      learning: read<Duration>('watch-learning', '7d', duration),
      webhook: webhook === null ? null : { url: webhook, secret: alertSecret },
      mailTo,
      geo: { city: file('geo-city'), asn: file('geo-asn') },
      metricsToken: metricsToken(environment.METRICS_TOKEN || null),
    },
    environment: environment.NODE_ENV === 'production' ? 'production' : 'development',
  }
}

/** A value that cannot be used, and what to write instead. */
class Wrong {
  readonly fix: string
  constructor(fix: string) {
    this.fix = fix
  }
}

function parse(args: readonly string[]): Partial<Record<FlagName | 'help', string | boolean>> {
  const entries = Object.entries<Flag>(flags).map(
    ([name, { value }]) => [name, { type: value === null ? 'boolean' : 'string' }] as const,
  )
  try {
    const options = { ...Object.fromEntries(entries), help: { type: 'boolean', short: 'h' } as const }
    return parseArgs({ args: [...args], options, allowPositionals: false }).values as Partial<
      Record<FlagName | 'help', string | boolean>
    >
  } catch (error) {
    // parseArgs names the option in its first sentence and explains its own syntax in the rest.
    const [problem] = error instanceof Error ? error.message.split(/\.\s/) : []
    throw new OptionError(`${problem ?? 'The arguments cannot be read'}. See --help for all options.`)
  }
}

function isDuration(value: string): value is Duration {
  return /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(value)
}

function truth(value: string): boolean | Wrong {
  if (['1', 'true', 'yes'].includes(value)) return true
  if (['0', 'false', 'no'].includes(value)) return false
  return new Wrong('write true or false.')
}

function storeChoice(value: string, dataDirectory: string): StoreChoice | Wrong {
  const [kind, ...rest] = value.split(':')
  const path = rest.join(':')
  const server = serverChoice(kind ?? '', value)
  if (server) return server
  if (kind === 'sealed' && rest.length > 0) {
    const list = path === '' ? null : storeChoice(path, dataDirectory)
    if (list instanceof Wrong) return list
    return list?.kind === 'sealed'
      ? new Wrong('write sealed:, or sealed: and one of the other stores.')
      : { kind, list }
  }
  if (kind === 'memory' && rest.length > 0 && path === '') return { kind }
  if ((kind !== 'file' && kind !== 'sqlite') || path === '')
    return new Wrong('write memory:, file:DIR, sqlite:FILE, postgres://…, redis://…, redis-cluster://… or sealed:')
  const place = resolve(dataDirectory, path)
  if (!isAbsolute(path) && /^\.\.(?:[\\/]|$)/.test(relative(dataDirectory, place))) {
    return new Wrong('a relative path must stay inside the data directory: drop the "..", or write an absolute path.')
  }
  return kind === 'file' ? { kind, directory: place } : { kind, file: place }
}

function usersChoice(value: string, dataDirectory: string): UsersChoice | Wrong {
  const choice = /^(sqlite|postgres|postgresql):/.test(value) ? storeChoice(value, dataDirectory) : null
  if (choice instanceof Wrong || choice?.kind === 'sqlite' || choice?.kind === 'postgres') return choice
  return new Wrong('write sqlite:FILE or postgres://USER:PASSWORD@HOST:PORT/DATABASE.')
}

function serverChoice(kind: string, value: string): StoreChoice | Wrong | null {
  switch (kind) {
    case 'postgres':
    case 'postgresql':
      return URL.canParse(value) && new URL(value).hostname !== ''
        ? { kind: 'postgres', url: value }
        : new Wrong('write postgres://USER:PASSWORD@HOST:PORT/DATABASE.')
    case 'redis':
    case 'rediss':
      return URL.canParse(value) && new URL(value).hostname !== ''
        ? { kind: 'redis', url: value }
        : new Wrong('write redis://HOST:PORT, or rediss:// for TLS.')
    case 'redis-cluster': {
      const urls = value
        .slice('redis-cluster://'.length)
        .split(',')
        .map(address => `redis://${address}`)
      return urls.every(url => URL.canParse(url) && new URL(url).port !== '')
        ? { kind, urls }
        : new Wrong('write redis-cluster://HOST:PORT,HOST:PORT, at least one node of the cluster.')
    }
    default:
      return null
  }
}

function mailServer(value: string): string | Wrong {
  const url = URL.canParse(value) ? new URL(value) : null
  const isServer =
    url !== null &&
    /^smtps?:$/.test(url.protocol) &&
    url.hostname !== '' &&
    /^\/?$/.test(url.pathname) &&
    !url.search &&
    isDecodable(url.username + url.password)
  return isServer ? value : new Wrong('write smtp://HOST:PORT or smtps://USER:PASSWORD@HOST:PORT.')
}

function metricsToken(token: string | null): string | null {
  // What a header cannot carry nobody could bring.
  if (token === null || /^[!-~]{32,}$/.test(token)) return token
  throw new OptionError('METRICS_TOKEN is short, or has spaces in it: make one with `npx latchkey keygen`.')
}

function isDecodable(encoded: string): boolean {
  try {
    return decodeURIComponent(encoded) !== null
  } catch {
    return false
  }
}

function sender(value: string): string | Wrong {
  return emailAddress(value) ?? new Wrong('write a plain e-mail address, such as campus@example.org.')
}

function tlsFiles(certificateFile: string | undefined, keyFile: string | undefined): CampusOptions['tls'] {
  if (certificateFile === undefined && keyFile === undefined) return null
  if (certificateFile === undefined)
    throw new OptionError('--tls-key is given without --tls-cert: name the certificate file too.')
  if (keyFile === undefined) throw new OptionError('--tls-cert is given without --tls-key: name the key file too.')
  return { certificateFile: resolve(certificateFile), keyFile: resolve(keyFile) }
}

function proxies(value: string): number | readonly string[] | Wrong {
  const fix = new Wrong(
    'write the number of proxies in front, or their addresses separated by commas, such as 10.0.0.0/8,::1.',
  )
  if (/^\d+$/.test(value)) return Number(value) >= 1 && Number(value) <= 16 ? Number(value) : fix
  const ranges = value.split(',').map(range => range.trim())
  return ranges.every(isRange) ? ranges : fix
}

function isRange(range: string): boolean {
  const [address = '', bits, ...rest] = range.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}
