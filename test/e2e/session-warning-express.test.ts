/** The warning with a real session behind it, mounted as docs/browser.md says. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, it } from 'node:test'
import express from 'express'
import { createSessions } from 'latchkey'
import { sessions as expressSessions, loadSession, requireUser } from 'latchkey/adapters/express'
import { memoryStore } from 'latchkey/stores/memory'
import { testClock } from 'latchkey/testing'
import { bundleForBrowsers } from '../../tools/build-browser.ts'
import { listening } from '../actors/listening.ts'
import { describeInChromium, runScript } from './chromium.ts'
import { stopClock } from './stopped-clock.ts'

const minute = 60_000
const clock = testClock()
const sessions = createSessions({
  secrets: [randomBytes(32).toString('base64url')],
  store: memoryStore(),
  policy: { idleTimeout: '15m', absoluteTimeout: '8h', rotateEvery: '10m' },
  trustProxy: false,
  insecureHttp: true,
  clock: clock.now,
})
const script = await bundleForBrowsers()

const app = express()
  .set('etag', false)
  .get('/latchkey.js', (_req, res) => void res.type('js').send(script))
  .use((_req, res, next) => {
    res.set('content-security-policy', "default-src 'self'; form-action 'self'")
    next()
  })
  .use(express.urlencoded({ extended: false }), expressSessions(sessions))
  .get('/login', loadSession(), (req, res) => {
    res.send(`<h1>Sign in</h1><form method="post"><input type="hidden" name="csrf_token" value="${req.csrfToken()}">
      <label>Name <input name="name"></label><button>Sign in</button></form>`)
  })
  .post('/login', async (req, res) => {
    await req.session.signIn(String(req.body.name), { amr: ['pwd'] })
    res.redirect(303, '/note')
  })
  .post('/logout', async (req, res) => {
    await req.session.end()
    res.redirect(303, '/login')
  })
  .get('/note', requireUser({ redirectTo: '/login' }), (req, res) => {
    const latchkey = JSON.stringify({
      status: req.sessionStatus(),
      statusUrl: '/api/session',
      extendUrl: '/api/session/extend',
      signOutUrl: '/logout',
      signInUrl: '/login',
    })
    res.send(`<!doctype html><title>Note</title><script src="/latchkey.js" defer data-latchkey='${latchkey}'></script>
      <h1>Note of ${req.session.userId}</h1><form method="post" action="/note">
      <input type="hidden" name="csrf_token" value="${req.csrfToken()}"><label>Note <textarea name="note"></textarea></label>
      <button>Save</button></form>`)
  })
  .post('/note', requireUser(), (req, res) => void res.send(`<h1>Saved: ${req.body.note}</h1>`))
  .get('/api/session', loadSession({ activity: false }), (req, res) => void res.json(req.sessionStatus()))
  .post('/api/session/extend', requireUser(), (req, res) => void res.json(req.sessionStatus()))

const server = await listening(app)
after(async () => {
  await server.close()
  await sessions.close()
})

describeInChromium('The warning, with a real session behind it', server.origin, open => {
  it('warns, extends, ends both tabs, and gives what was typed back to its user and to nobody else', async () => {
    const page = await open()
    await stopClock(page, clock.now())
    const pass = async (ms: number) => {
      clock.set(clock.now() + ms)
      await page.clock.runFor(ms)
    }
    const signIn = async (name: string) => {
      await page.goto('/login')
      await page.getByLabel('Name').fill(name)
      await page.getByRole('button', { name: 'Sign in' }).click()
      // Until it is loaded, with its script.
      await page.waitForURL('/note')
      assert.equal(await page.getByRole('heading').innerText(), `Note of ${name}`)
      await pass(100)
      return page.getByLabel('Note').inputValue()
    }
    const warning = page.getByRole('alertdialog', { name: 'Are you still there?' })

    assert.equal(await signIn('ann'), '')
    await page.getByLabel('Note').fill('my own words')
    for (let times = 0; times < 2; times += 1) {
      // Twice, because the token rotates in between.
      await pass(14 * minute)
      await warning.waitFor()
      await Promise.all([
        page.waitForResponse('**/api/session/extend'),
        page.getByRole('button', { name: 'Stay signed in' }).click(),
      ])
      await warning.waitFor({ state: 'detached' })
    }
    const other = await page.context().newPage()
    // Nothing may be on its way when the clock jumps: a token that is 14 minutes late is a replay.
    await Promise.all([page.waitForResponse('**/api/session'), other.goto('/note')])
    await pass(14 * minute)
    await warning.waitFor()
    await other.getByRole('alertdialog').waitFor()
    await pass(61_000)
    for (const tab of [page, other]) await tab.waitForURL('/login?returnTo=%2Fnote')
    assert.doesNotMatch(String(await runScript(page, 'return JSON.stringify({ ...sessionStorage })')), /my own words/)

    assert.equal(await signIn('ann'), 'my own words')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'Saved: my own words' }).waitFor()

    await page.goto('/note')
    await page.getByLabel('Note').fill('nobody else’s business')
    await pass(14 * minute)
    await warning.waitFor()
    await pass(61_000)
    await page.waitForURL('/login?returnTo=%2Fnote')
    assert.equal(await signIn('bob'), '')
    assert.equal(await runScript(page, 'return sessionStorage.length'), 0)
    await pass(14 * minute)
    await warning.waitFor()
    await page.getByRole('button', { name: 'Sign out now' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.goto('/note')
    assert.equal(new URL(page.url()).pathname, '/login')
  })
})
