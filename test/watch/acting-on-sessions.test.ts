import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AuditEvent, Notice, WatchOptions } from 'latchkey/watch'
import { createWatch } from 'latchkey/watch'
import { memoryWatch } from 'latchkey/watch/stores/memory'
import { Browser } from '../actors/browser.ts'
import { startServer } from '../actors/server.ts'

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const safari =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'

/** A user's session, and a thief who uses its token from another browser, under a watch. */
async function theft(options: Omit<WatchOptions, 'store' | 'notifiers'>) {
  const server = startServer()
  const notices: Notice[] = []
  const watch = await createWatch(server.sessions, {
    ...{ store: memoryWatch(), ...options },
    notifiers: [{ name: 'mail', notify: async notice => void notices.push(notice) }],
  })
  const told: AuditEvent[] = []
  watch.subscribe(event => told.push(event))
  const owner = new Browser(server)
  const from = (userAgent: string) => ({ headers: { 'user-agent': userAgent } })
  await owner.send(session => session.signIn('ada', { amr: ['pwd'] }), from(firefox))
  const look = (browser: Browser, userAgent: string) => browser.send(session => session.load(), from(userAgent))
  await look(owner, firefox)
  await watch.flush()
  server.clock.advance('1m')
  await look(new Browser(server, owner.token, '198.51.100.9'), safari)
  await watch.flush()
  const who = (await look(owner, firefox)).body
  const outcomes = told.flatMap(event => (event.type === 'action.taken' ? [`${event.action} ${event.outcome}`] : []))
  await watch.close()
  return {
    userId: who?.userId,
    lockedFor: who?.locked?.userId ?? null,
    outcomes: [...new Set(outcomes)],
    notices,
    told,
  }
}

describe('what a detector finds has consequences for the session', () => {
  it('none by itself: an alert and a notice', async () => {
    const { userId, outcomes, notices } = await theft({})
    assert.deepEqual([userId, outcomes], ['ada', []])
    const notice = notices.find(({ alert }) => alert.detector === 'agent-changed')
    assert.match(notice?.text ?? '', /^Session ".{22}" of user "ada" moved to another browser/)
  })

  it('a dry run tells what would have been done, and does nothing', async () => {
    const { userId, outcomes } = await theft({ actions: { 'agent-changed': 'end' }, dryRun: true })
    assert.deepEqual([userId, outcomes], ['ada', ['end dry-run']])
  })

  it('reauthenticate: what was copied is worth nothing, and its owner has to prove who they are', async () => {
    const { userId, lockedFor, outcomes } = await theft({ actions: { 'agent-changed': 'reauthenticate' } })
    assert.deepEqual([userId, lockedFor, outcomes], [null, 'ada', ['reauthenticate done']])
  })

  it('end: the session is over', async () => {
    const { userId, lockedFor, outcomes } = await theft({ actions: { 'agent-changed': 'end' } })
    assert.deepEqual([userId, lockedFor, outcomes], [null, null, ['end done']])
  })

  it('record: in the trail, and neither an alert nor a notice', async () => {
    const { told, notices } = await theft({ actions: { 'agent-changed': 'record' } })
    const hits = told.filter(event => event.type === 'detector.hit' && event.detector === 'agent-changed')
    assert.equal(hits.length, 1)
    assert.equal(
      notices.some(({ alert }) => alert.detector === 'agent-changed'),
      false,
    )
  })
})
