import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { consoleApplications } from '../actors/console-applications.ts'
import type { ConsoleClient } from '../actors/console-client.ts'
import { openConsole } from '../actors/console-scene.ts'

const idle = { idleTimeout: '10m', touchEvery: '1m' } as const
const gets = ['overview', 'alerts', 'entries', 'sessions', 'series?from=0&to=10', 'user?id=admin']

/** What a page may do for twenty minutes, once a minute; whether its administrator is then still signed in. */
const pages: readonly {
  readonly what: string
  readonly stays: boolean
  readonly act: (admin: ConsoleClient) => unknown
}[] = [
  {
    what: 'asks for everything by itself',
    stays: false,
    async act(admin) {
      for (const path of gets) await admin.get(`/api/${path}`)
    },
  },
  {
    what: 'opens the feed by itself, even with a click',
    stays: false,
    async act(admin) {
      const feed = await admin.follow(undefined, { 'X-Console-Click': '1' })
      feed.hangUp()
    },
  },
  { what: 'asks because of a click', stays: true, act: admin => admin.get('/api/alerts', { 'X-Console-Click': '1' }) },
  { what: 'sends something', stays: true, act: admin => admin.post('/api/user/end', { userId: 'nobody' }) },
  { what: 'is loaded', stays: true, act: admin => admin.get('/') },
]

for (const [name, start] of Object.entries(consoleApplications)) {
  describe(`an open console on ${name}`, () => {
    for (const { what, stays, act } of pages) {
      test(`a page that ${what} ${stays ? 'keeps' : 'does not keep'} its administrator signed in`, async t => {
        const scene = await openConsole(t, start, { sessions: { policy: idle }, console: { fresh: '8h' } })
        const admin = await scene.admin()
        for (let minute = 0; minute < 12; minute += 1) {
          await act(admin)
          scene.clock.advance('1m')
        }
        assert.equal((await admin.get('/api/overview')).status, stays ? 200 : 401)
      })
    }
  })
}
