import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Sessions } from 'latchkey'
import { type Action, createWatch, type DetectorName, type Geo, type Notifier, type Watch } from 'latchkey/watch'
import { maxMind } from 'latchkey/watch/geo'
import { email, webhook } from 'latchkey/watch/notifiers'
import { jsonLines } from 'latchkey/watch/sinks'
import { sqliteWatch } from 'latchkey/watch/stores/sqlite'
import { openTransport } from './mailer.ts'
import { type CampusOptions, OptionError, placeOf, reasonOf, type UsersChoice, type WatchChoice } from './options.ts'
import type { SessionData } from './session-data.ts'

/** The watch over Campus's sessions, and what closes it together with the connections that it stands on. */
export interface OpenedWatch {
  readonly watch: Watch
  close(): Promise<void>
}

/**
 * What may be done to a session without asking anybody: only where the signs are of two parties that hold it, and nothing worse
 * than that its user has to prove again who they are.
 */
const actsOn: Partial<Record<DetectorName, Action>> = {
  'two-places': 'reauthenticate',
  'impossible-travel': 'reauthenticate',
  'agent-changed': 'reauthenticate',
}

/** Opens the watch that was chosen. What deserves a look is logged, too; all of it is in the trail. */
export async function openWatch(
  sessions: Sessions<SessionData>,
  { watch: choice, mail }: Pick<CampusOptions, 'watch' | 'mail'>,
  log: (line: string) => void,
): Promise<OpenedWatch> {
  const geo = await openGeo(choice.geo)
  const notifiers: Notifier[] = []
  if (choice.webhook) notifiers.push(openWebhook(choice.webhook))
  if (choice.mailTo !== null && mail) {
    notifiers.push(email({ transport: openTransport(mail.server), from: mail.from, to: choice.mailTo }))
  }
  const { store, end } = await openWatchStore(choice.place)
  try {
    const watch = await createWatch(sessions, {
      store,
      notifiers,
      sinks: [jsonLines({ write: log, minSeverity: 'warning' })],
      actions: choice.onAlert === 'tell' || !sessions.revocable ? {} : actsOn,
      dryRun: choice.onAlert !== 'act',
      detectors: { learning: choice.learning },
      ...(geo && { geo }),
    })
    return { watch, close: () => watch.close().then(end) }
  } catch (error) {
    await end()
    throw error
  }
}

function openWebhook(choice: NonNullable<WatchChoice['webhook']>): Notifier {
  try {
    return webhook({ ...choice, insecureHttp: true })
  } catch (error) {
    throw new OptionError(`--alert-webhook or ALERT_SECRET cannot be used (${reasonOf(error)})`)
  }
}

async function openWatchStore(place: UsersChoice) {
  try {
    if (place.kind === 'postgres') return await openPostgresWatch(place.url)
    mkdirSync(dirname(place.file), { recursive: true, mode: 0o700 })
    return { store: sqliteWatch(place.file), end: async () => {} }
  } catch (error) {
    throw new OptionError(
      `--watch ${placeOf(place)} cannot be opened (${reasonOf(error)}): choose one that Campus can use.`,
    )
  }
}

/** The driver is loaded here, so that whoever keeps the trail in a file needs none. */
async function openPostgresWatch(url: string) {
  const [{ default: pg }, { migrateWatch, postgresWatch }] = await Promise.all([
    import('pg'),
    import('latchkey/watch/stores/postgres'),
  ])
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: connectWithinMs })
  // A pool's idle connections break now and then; the next query gets a new one, and what fails says so itself.
  pool.on('error', () => {})
  try {
    await migrateWatch(pool)
    return { store: postgresWatch(pool), end: () => pool.end() }
  } catch (error) {
    await pool.end()
    throw error
  }
}

const connectWithinMs = 5_000

/** The reader is loaded only for whoever has a database. */
async function openGeo({ city, asn }: WatchChoice['geo']): Promise<Geo | null> {
  if (city === null && asn === null) return null
  const { open } = await import('maxmind')
  const read = async (option: string, file: string) => {
    try {
      return await open(file)
    } catch (error) {
      throw new OptionError(`${option} cannot be read (${reasonOf(error)}): name a MaxMind database, *.mmdb.`)
    }
  }
  return maxMind({
    ...(city !== null && { city: await read('--geo-city', city) }),
    ...(asn !== null && { asn: await read('--geo-asn', asn) }),
  })
}
