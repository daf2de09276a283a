import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openCampus, password } from './open-campus.ts'
import type { Visitor } from './visitor.ts'

const minute = 60_000
const path = '/devices'

async function open(...args: string[]) {
  const campus = await openCampus(...args)
  const signedIn = async (username = 'student123', fields = {}) => {
    const visitor = campus.visitor()
    assert.equal((await visitor.signIn(username, password, fields)).status, 303)
    return visitor
  }
  return { campus, signedIn }
}

/** The ids of the sessions that a page offers to end. */
const idsOn = (text: string) => [...text.matchAll(/name="sid" value="([^"]+)"/g)].map(([, sid]) => sid ?? '')
const sidOf = async (visitor: Visitor) =>
  /<code>([\w-]{22})<\/code>/.exec((await visitor.get('/dashboard')).text)?.[1] ?? ''
const isIn = async (visitor: Visitor) => (await visitor.get('/dashboard')).status === 200

describe('My devices', () => {
  it('ASVS 7.5.2: lists label, address, times, level and carrier of each, and which one this is', async () => {
    const { campus, signedIn } = await open()
    await signedIn('student123', { remember: 'on' })
    await signedIn('admin')
    campus.pass(3 * minute)
    const visitor = await signedIn()
    const { text } = await visitor.get(path)
    assert.equal(idsOn(text).length, 1, 'others are on their own pages')
    assert.match(text, /Here, and in one other place/)
    assert.equal(text.match(/from <code>127\.0\.0\.1<\/code>/g)?.length, 2)
    assert.equal(text.match(/A browser/g)?.length, 2)
    assert.equal(text.match(/Level 1 of 3/g)?.length, 2)
    assert.equal(text.match(/kept signed in/g)?.length, 1)
    assert.equal(text.match(/This one/g)?.length, 1)
    assert.match(text, /3 minutes ago/)
  })

  it('says which session is locked', async () => {
    const { campus, signedIn } = await open('--idle-lock')
    await signedIn()
    campus.pass(16 * minute)
    assert.match((await (await signedIn()).get(path)).text, /Locked: nobody used it for a while\./)
  })

  it('ASVS 7.5.2: end one, and say so once', async () => {
    const { signedIn } = await open()
    const [other, third, visitor] = [await signedIn(), await signedIn(), await signedIn()]
    const sid = await sidOf(other)
    assert.equal((await visitor.submit('/devices/end', { sid }, path)).headers.location, path)
    assert.deepEqual([await isIn(other), await isIn(third), await isIn(visitor)], [false, true, true])
    assert.match((await visitor.get(path)).text, /That device is signed out\./)
    assert.doesNotMatch((await visitor.get(path)).text, /That device is signed out\./)
  })

  it('ASVS 7.5.2, 7.4.3: end all others, and tell', async () => {
    const { signedIn } = await open()
    const [other, third, visitor] = [await signedIn(), await signedIn(), await signedIn()]
    assert.equal((await visitor.submit('/devices/end-others', {}, path)).headers.location, path)
    assert.deepEqual([await isIn(other), await isIn(third), await isIn(visitor)], [false, false, true])
    assert.match((await visitor.get(path)).text, /Signed out everywhere else\./)
    assert.match((await visitor.get('/messages')).text, /2 other sessions of your account were ended/)
  })

  it('ASVS 7.5.2: nothing ends without a proof of the last five minutes; it is asked for in place, and the form waits', async () => {
    const { campus, signedIn } = await open()
    const [other, visitor] = [await signedIn(), await signedIn()]
    const sid = await sidOf(other)
    campus.pass(5 * minute + 1)
    for (const [address, fields] of [
      ['/devices/end', { sid }],
      ['/devices/end-others', {}],
    ] as const) {
      const answer = await visitor.submit(address, fields, path)
      assert.equal(answer.status, 401)
      assert.match(answer.text, /Please confirm that it is you/)
    }
    assert.equal(await isIn(other), true)
    assert.equal((await visitor.submit('/reauthenticate', { password })).status, 303)
    assert.equal((await visitor.submit('/devices/end', { sid }, path)).headers.location, path)
    assert.equal(await isIn(other), false)
  })

  it('IDOR: T19, ASVS 7.5.2: the session of somebody else is not found, lives on, and the attempt is written down', async () => {
    const { campus, signedIn } = await open()
    const [victim, visitor] = [await signedIn('instructor'), await signedIn()]
    const sid = await sidOf(victim)
    const foreign = await visitor.submit('/devices/end', { sid }, path)
    const unknown = await visitor.submit('/devices/end', { sid: 'A'.repeat(22) }, path)
    const main = ({ text }: { text: string }) => /<main[\s\S]*<\/main>/.exec(text)?.[0]
    assert.deepEqual([foreign.status, unknown.status], [404, 404])
    assert.equal(main(foreign), main(unknown), 'and the answer does not tell which ids exist')
    assert.equal(await isIn(victim), true)
    assert.deepEqual(
      campus.linesOf('session.foreign').map(({ owasp, userId, sid }) => ({ owasp, userId, sid })),
      [{ owasp: 'authz_fail', userId: 'student123', sid }],
    )
  })

  for (const sid of ['', 'x', '../..', '\0', "' OR 1=1 --", 'A'.repeat(5_000), '__proto__'])
    it(`refuses ${JSON.stringify(sid).slice(0, 20)} as a device`, async () => {
      const { signedIn } = await open()
      assert.equal((await (await signedIn()).submit('/devices/end', { sid }, path)).status, 404)
    })

  it('ask for which device', async () => {
    const { signedIn } = await open()
    assert.equal((await (await signedIn()).submit('/devices/end', {}, path)).status, 400)
  })

  it('leave this one to signing out', async () => {
    const { signedIn } = await open()
    const visitor = await signedIn()
    const sid = await sidOf(visitor)
    assert.equal((await visitor.submit('/devices/end', { sid }, path)).headers.location, '/logout')
    assert.equal(await isIn(visitor), true)
  })
})
