import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask, confirm } from './confirming.ts'
import { deadMailServer, openMailServer, openSilentServer } from './mail-server.ts'
import { openCampus, password } from './open-campus.ts'

const changeEmail = async (smtp: string) => {
  const campus = await openCampus('--smtp', smtp, '--mail-from', 'portal@campus.example')
  const visitor = campus.visitor()
  assert.equal((await visitor.signIn('student123', password)).status, 303)
  const asked = await ask(visitor, '/account/email', { email: 'new@example.org' })
  assert.equal((await confirm(visitor, '/account/email', asked)).headers.location, '/account/email')
  return { campus, visitor }
}

describe('The page of messages', () => {
  it('is for users, and shows each their own', async () => {
    const campus = await openCampus()
    const [student, admin] = [campus.visitor(), campus.visitor()]
    assert.equal((await student.get('/messages')).headers.location, '/login?returnTo=%2Fmessages')
    await student.signIn('student123', password)
    await admin.signIn('admin', password)
    const page = (await student.get('/messages')).text
    assert.match(page, /Hello student123,/)
    assert.doesNotMatch(page, /Hello admin,/)
    assert.match(page, /· here only/)
  })

  it('ASVS 6.3.5: tells of a sign-in from a new device once, and not of one from a known device', async () => {
    const campus = await openCampus()
    const visitor = campus.visitor()
    const signIns = async () => (await visitor.get('/messages')).text.match(/New sign-in/g)?.length ?? 0
    await visitor.signIn('student123', password)
    assert.equal(await signIns(), 1)
    campus.pass(2 * 3_600_000)
    await visitor.signIn('student123', password)
    assert.equal(await signIns(), 1)
  })

  it('says where mails went', async () => {
    const server = await openMailServer()
    const { visitor } = await changeEmail(server.url)
    for (let looks = 0; looks < 200 && server.arrived.length < 3; looks += 1) await visitor.get('/healthz')
    assert.deepEqual(server.arrived.map(({ to }) => to.join()).sort(), [
      'new@example.org',
      'student123@campus.example',
      'student123@campus.example',
    ])
    assert.ok(server.arrived.every(({ from }) => from === 'portal@campus.example'))
    let page = ''
    for (let looks = 0; looks < 200 && !/sent to[^·]*new@/.test(page); looks += 1)
      page = (await visitor.get('/messages')).text
    assert.match(page, /sent to <span class="address">new@example\.org<\/span>/)
  })

  it('shows a hostile user agent as text', async () => {
    const campus = await openCampus()
    const visitor = campus.visitor()
    const agent = { 'user-agent': '<script>alert(1)</script>' }
    const token = /name="csrf_token" value="([^"]+)"/.exec((await visitor.get('/login')).text)?.[1] ?? ''
    const form = new URLSearchParams({ username: 'student123', password, csrf_token: token }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin', ...agent }
    assert.equal((await visitor.send('POST', '/login', headers, form)).status, 303)
    const page = (await visitor.get('/messages')).text
    assert.match(page, /New sign-in/)
    assert.doesNotMatch(page, /alert\(1\)/)
  })
})

describe('A mail server that is of no use', () => {
  for (const [what, open] of [
    ['is down', deadMailServer],
    ['hangs', async () => (await openSilentServer()).url],
  ] as const)
    it(`holds up no request and changes no answer when it ${what}`, async () => {
      const { visitor } = await changeEmail(await open())
      const page = (await visitor.get('/messages')).text
      assert.match(page, /on its way to <span class="address">new@example\.org<\/span>/)
      assert.match((await visitor.get('/account/email')).text, /<b class="address">new@example\.org<\/b>/)
    })
})
