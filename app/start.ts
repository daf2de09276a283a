import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { createSessions } from 'latchkey'
import { departure } from './accounts.ts'
import { createCampus } from './campus.ts'
import { type Certificate, developmentCertificate } from './certificate.ts'
import { openDataDirectory, placesIn } from './data-directory.ts'
import { developmentSecret } from './development-secret.ts'
import { createLog } from './event-log.ts'
import { openGrades } from './grades.ts'
import { createMailer } from './mailer.ts'
import { createNotices } from './notices.ts'
import { openBearer } from './open-bearer.ts'
import { openDatabase } from './open-database.ts'
import { campusFactors, openFactorStore } from './open-factors.ts'
import { openMetrics } from './open-metrics.ts'
import { openStore } from './open-store.ts'
import { openWatch } from './open-watch.ts'
import { type CampusOptions, OptionError, reasonOf } from './options.ts'
import { openOutbox } from './outbox.ts'
import { createPasswordSignIn } from './password-sign-in.ts'
import { productionRefusals } from './production.ts'
import { originOf, serve } from './serve.ts'
import type { SessionData } from './session-data.ts'
import { openSignInThrottle } from './sign-in-throttle.ts'
import { createTurns } from './turns.ts'
import { type NewAccount, openUsers } from './users.ts'

/** Campus at work. */
export interface RunningCampus {
  /** Where to find it from this machine, for example `https://localhost:8443`. */
  readonly origin: string
  /** Stops taking requests, lets those under way finish, closes what is open. Safe to call twice. */
  stop(): Promise<void>
}

/** What Campus needs from its surroundings. */
export interface Surroundings {
  /** Gets one line of JSON per event that deserves a look. */
  readonly log: (line: string) => void
  /** Gets the accounts that the first start created, before anybody can sign in to them. */
  readonly announce: (accounts: readonly NewAccount[]) => void
  /** Now, epoch ms. */
  readonly clock: () => number
}

/** How long requests under way may take to finish when Campus stops. */
const patienceMs = 10_000
/** Passwords to hash that may wait behind each other in one place. */
const longestQueue = 50

/** Starts Campus; throws an {@link OptionError}, or Latchkey's `UsageError`, for options that cannot or must not be used. */
export async function startCampus(
  options: CampusOptions,
  { log: write, announce, clock }: Surroundings,
): Promise<RunningCampus> {
  const given = options.tls && readTls(options.tls)
  const refusals = productionRefusals(options, given?.certificate ?? null)
  if (refusals.length > 0) throw new OptionError(refusals.join('\n'))

  const { secrets, tls } = await prepare(options, given, clock)
  const https = tls !== null || (options.trustProxy !== false && !options.insecureHttp)
  const log = createLog(write, clock)
  // Whatever is opened is closed again, last first, when the start fails half-way or Campus stops.
  const opened: (() => void | Promise<void>)[] = []
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close()
  }
  try {
    const { store, close } = await openStore(options.store, options.nearCache)
    opened.push(close)
    const database = await openDatabase(options.users)
    opened.push(() => database.close())
    const factorStore = await openFactorStore(options)
    opened.push(factorStore.close)
    const { trustProxy, insecureHttp, policy, environment } = options
    const sessions = createSessions<SessionData>({
      secrets,
      store,
      policy,
      trustProxy,
      insecureHttp,
      environment,
      clock,
    })
    const { watch, close: closeWatch } = await openWatch(sessions, options, write)
    // In this order, so that it sees what still happens while everything else closes.
    opened.push(closeWatch, () => sessions.close())
    const metrics = await openMetrics(sessions, watch, options.watch.metricsToken)
    opened.push(() => metrics?.stop())

    const bearer = openBearer(sessions, options)
    if (bearer) opened.push(() => bearer.close())
    const users = await openUsers(database, departure({ sessions, factors: factorStore.store }))
    const accounts = await users.createFirst(options.demoPassword)
    if (accounts.length > 0) announce(accounts)

    const throttle = openSignInThrottle(database, clock)
    const turns = createTurns(longestQueue)
    const signIn = createPasswordSignIn({ users, throttle, turns, generation: sessions.generation })
    const noticeFailed = (error: unknown) => log.failure('a notice', error)
    const mailer = options.mail && createMailer(options.mail)
    const outbox = openOutbox({ database, mailer, clock, failed: noticeFailed })
    opened.push(() => outbox.close())
    const notices = createNotices({ outbox, clock, failed: noticeFailed })
    const grades = openGrades(database, clock)

    const stopping: (() => void)[] = []
    const placeAt = (port: number) => originOf(tls !== null, options.host, port)
    const campusAt = (port: number) => {
      // Behind a proxy, browsers find it elsewhere: what passkeys are bound to is not guessed in earnest.
      const guessed = environment === 'production' ? null : placeAt(port)
      const secondFactors = campusFactors(sessions, factorStore.store, options.origin ?? guessed)
      const health = async () => {
        // An account that cannot be, asked for as every page of a user asks.
        await users.find('')
        await sessions.ping()
        await secondFactors.factors.ping()
      }
      return createCampus({
        sessions,
        watch,
        metrics,
        bearer,
        users,
        signIn,
        throttle,
        turns,
        secondFactors,
        notices,
        outbox,
        grades,
        log,
        clock,
        https,
        health,
        onStop: stop => void stopping.push(stop),
      })
    }
    const listening = await serve(campusAt, tls, options.host, options.port)
    opened.push(() => {
      for (const stop of stopping) stop()
      return listening.drain(patienceMs)
    })
    return { origin: placeAt(listening.port), stop: closeAll }
  } catch (error) {
    await closeAll()
    throw error
  }
}

async function prepare(options: CampusOptions, given: Certificate | null, clock: () => number) {
  const places = placesIn(options.dataDirectory)
  try {
    openDataDirectory(options.dataDirectory)
    const secrets = options.secrets.length > 0 ? options.secrets : [developmentSecret(places.secret)]
    // In production a proxy that was named speaks HTTPS for us, otherwise `productionRefusals` would have objected.
    const plain = options.insecureHttp || options.environment === 'production'
    const tls = given ?? (plain ? null : await developmentCertificate(places, clock()))
    return { secrets, tls }
  } catch (error) {
    throw new OptionError(
      `--data ${options.dataDirectory} cannot be used (${reasonOf(error)}): name a directory that Campus may write to.`,
    )
  }
}

function readTls({ certificateFile, keyFile }: NonNullable<CampusOptions['tls']>): Certificate {
  const certificate = readPem('--tls-cert', certificateFile)
  const key = readPem('--tls-key', keyFile)
  try {
    createSecureContext({ cert: certificate, key })
  } catch (error) {
    throw new OptionError(
      `--tls-cert and --tls-key cannot be used (${reasonOf(error)}): name a certificate chain and its own key, both PEM.`,
    )
  }
  return { certificate, key }
}

function readPem(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new OptionError(`${option} cannot be read (${reasonOf(error)}): name a PEM file that Campus may read.`)
  }
}
