import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Sessions } from 'latchkey'
import { createFactors, type FactorStore, type Factors } from 'latchkey/mfa'
import { sqliteFactors } from 'latchkey/mfa/stores/sqlite'
import { placesIn } from './data-directory.ts'
import { type CampusOptions, OptionError, placeOf, reasonOf } from './options.ts'
import type { SessionData } from './session-data.ts'

/** A store of second factors, and what closes it together with the connections that it stands on. */
export interface OpenedFactorStore {
  readonly store: FactorStore
  close(): Promise<void>
}

/** Second factors, and how much of them Campus can offer. */
export interface CampusFactors {
  readonly factors: Factors
  /**
   * Whether new ones can be set up. Not where the cookies carry the sessions: nothing could be ended from elsewhere when a
   * factor changes. Those that there are are asked for all the same.
   */
  readonly offered: boolean
  /** Whether passkeys can be made and used. */
  readonly passkeys: boolean
}

/** Opens the store of second factors: in PostgreSQL when the accounts are there, else in a file of its own. */
export async function openFactorStore({
  users,
  dataDirectory,
}: Pick<CampusOptions, 'users' | 'dataDirectory'>): Promise<OpenedFactorStore> {
  try {
    if (users.kind === 'postgres') return await openPostgresFactors(users.url)
    const file = placesIn(dataDirectory).factors
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const store = sqliteFactors(file)
    return { store, close: () => store.close() }
  } catch (error) {
    const place = users.kind === 'postgres' ? `--users ${placeOf(users)}` : `--data ${dataDirectory}`
    throw new OptionError(
      `${place} cannot be used for second factors (${reasonOf(error)}): choose one that Campus can use.`,
    )
  }
}

/** Second factors over an open store. `origin` is where browsers find this site; where that is not known, there are no passkeys. */
export function campusFactors(
  sessions: Sessions<SessionData>,
  store: FactorStore,
  origin: string | null,
): CampusFactors {
  const passkeys = sessions.revocable && origin !== null ? passkeySite(origin) : false
  const factors = createFactors(sessions, { store, issuer: 'Campus', passkeys })
  return { factors, offered: sessions.revocable, passkeys: passkeys !== false }
}

/** Browsers know passkeys for names only, and only where HTTPS is; an address of numbers has none (WebAuthn 5.1.3). */
function passkeySite(origin: string): { rpId: string; origins: string[] } | false {
  const { hostname, protocol } = new URL(origin)
  const isName = /[a-z]/.test(hostname) && !hostname.startsWith('[')
  const isSafe = protocol === 'https:' || hostname === 'localhost'
  return isName && isSafe ? { rpId: hostname, origins: [origin] } : false
}

/** The driver is loaded here, so that whoever keeps accounts in a file needs none. */
async function openPostgresFactors(url: string): Promise<OpenedFactorStore> {
  const [{ default: pg }, { migrateFactors, postgresFactors }] = await Promise.all([
    import('pg'),
    import('latchkey/mfa/stores/postgres'),
  ])
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: connectWithinMs })
  // A pool's idle connections break now and then; the next query gets a new one, and what fails says so itself.
  pool.on('error', () => {})
  try {
    await migrateFactors(pool)
    const store = postgresFactors(pool)
    return { store, close: () => store.close().then(() => pool.end()) }
  } catch (error) {
    await pool.end()
    throw error
  }
}

const connectWithinMs = 5_000
