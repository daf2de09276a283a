import { after } from 'node:test'
import { createSessions, type SessionStore } from 'latchkey'
import { memoryFactors } from 'latchkey/mfa/stores/memory'
import { createWatch } from 'latchkey/watch'
import { jsonLines } from 'latchkey/watch/sinks'
import { memoryWatch } from 'latchkey/watch/stores/memory'
import { createCampus } from '../../app/campus.ts'
import { developmentCertificate } from '../../app/certificate.ts'
import { placesIn } from '../../app/data-directory.ts'
import { createLog } from '../../app/event-log.ts'
import { openGrades } from '../../app/grades.ts'
import type { Notices } from '../../app/notices.ts'
import { campusFactors } from '../../app/open-factors.ts'
import { createPasswordSignIn } from '../../app/password-sign-in.ts'
import { originOf, serve } from '../../app/serve.ts'
import type { SessionData } from '../../app/session-data.ts'
import { openSignInThrottle } from '../../app/sign-in-throttle.ts'
import { openSqlite } from '../../app/sqlite-database.ts'
import { createTurns } from '../../app/turns.ts'
import { openUsers } from '../../app/users.ts'
import { createLogLines, type LogLines } from './log-lines.ts'
import { password } from './open-campus.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import { createVisitor, type Visitor } from './visitor.ts'

/** Campus over HTTPS on a session store of the test's own; it stops when the tests of the file are over. */
export async function campusOnStore(
  store: SessionStore,
  notices: Partial<Notices> = {},
): Promise<LogLines & { visitor: () => Visitor }> {
  const { write, ...lines } = createLogLines()
  const clock = Date.now
  const log = createLog(write, clock)
  const tls = await developmentCertificate(placesIn(temporaryDirectory()), clock())
  const sessions = createSessions<SessionData>({
    secrets: ['jJ4kU0aVtq1cTgS8Zb5xYw2nRm7LhEoP'],
    store,
  })
  const watch = await createWatch(sessions, {
    store: memoryWatch(),
    sinks: [jsonLines({ write, minSeverity: 'warning' })],
  })
  const database = openSqlite(':memory:')
  const users = await openUsers(database)
  await users.createFirst(password)
  const throttle = openSignInThrottle(database, clock)
  const turns = createTurns(50)
  const signIn = createPasswordSignIn({ users, throttle, turns, generation: sessions.generation })
  const campusAt = (port: number) =>
    createCampus({
      sessions,
      watch,
      metrics: null,
      bearer: null,
      users,
      signIn,
      throttle,
      turns,
      secondFactors: campusFactors(sessions, memoryFactors(), originOf(true, '127.0.0.1', port)),
      notices: { ...silence, ...notices },
      outbox: { of: async () => [] },
      grades: openGrades(database, clock),
      log,
      clock,
      https: true,
      health: sessions.ping,
      onStop: () => {},
    })
  const listening = await serve(campusAt, tls, '127.0.0.1', 0)
  after(async () => {
    await listening.drain(1_000)
    await sessions.close()
    await watch.close()
    await database.close()
  })
  return { visitor: () => createVisitor(originOf(true, '127.0.0.1', listening.port), tls.certificate), ...lines }
}

const nothing = async () => {}

/** Tells nobody anything. */
const silence: Notices = {
  newDevice: nothing,
  factorChanged: nothing,
  passwordChanged: nothing,
  emailChanged: nothing,
  secondFactorFailed: nothing,
  otherSessionsEnded: nothing,
}
