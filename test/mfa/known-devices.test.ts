import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type KnownDevices, knownDevices } from 'latchkey/mfa'
import { newSecretText, startServer } from '../actors/server.ts'

const name = '__Host-Http-device'
/** What a browser sends back of a `Set-Cookie` value. */
const sent = (setCookie: string) => setCookie.split(';', 1)[0] ?? ''
const valueIn = (setCookie: string) => sent(setCookie).slice(name.length + 1)

/** A device on which these users have signed in, one after the other. */
function deviceOf(devices: KnownDevices, ...userIds: string[]): string {
  return userIds.reduce((cookie, userId) => sent(devices.remember(cookie, userId).cookie), '')
}

describe('a device that is known', () => {
  it('has a signed cookie of its own, for 400 days, that no script and no other host can read or plant', () => {
    const devices = knownDevices(startServer().sessions)
    const { cookie } = devices.remember(undefined, 'ada')
    assert.match(
      cookie,
      /^__Host-Http-device=[\w-]{8}\.[\w-]{22}\.[\w-]{22}; Max-Age=34560000; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    )
    assert.equal(devices.cookieName, name)
  })

  it('over plain HTTP, in development, the cookie has neither prefix nor Secure', () => {
    const devices = knownDevices(startServer({ insecureHttp: true }).sessions)
    assert.match(
      devices.remember(undefined, 'ada').cookie,
      /^device=[^;]+; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Lax$/,
    )
  })

  it('is recognised for its user, on every node, also among other cookies', () => {
    const server = startServer()
    const devices = knownDevices(server.sessions)
    const { id, cookie } = devices.remember(undefined, 'ada')
    const other = knownDevices(startServer({ secrets: [server.secret] }).sessions)
    assert.equal(other.recognise(`theme=dark; ${sent(cookie)}; a=b`, 'ada'), id)
  })

  it('keeps its id when it is remembered again, and each user and each device has another', () => {
    const devices = knownDevices(startServer().sessions)
    const first = devices.remember(undefined, 'ada')
    const again = devices.remember(sent(first.cookie), 'ada')
    assert.equal(again.id, first.id)
    const bobs = devices.remember(sent(again.cookie), 'bob')
    const elsewhere = devices.remember(undefined, 'ada')
    assert.equal(new Set([first.id, bobs.id, elsewhere.id]).size, 3)
    assert.equal(devices.recognise(sent(bobs.cookie), 'ada'), first.id)
  })

  it('knows its last four users', () => {
    const devices = knownDevices(startServer().sessions)
    const cookie = deviceOf(devices, 'a', 'b', 'c', 'd', 'a', 'e')
    const known = ['a', 'b', 'c', 'd', 'e'].filter(user => devices.recognise(cookie, user) !== null)
    assert.deepEqual(known, ['a', 'c', 'd', 'e'])
  })

  it('has an id that is no cookie, and no part of one', () => {
    const devices = knownDevices(startServer().sessions)
    const { id, cookie } = devices.remember(undefined, 'ada')
    assert.match(id, /^[\w-]{22}$/)
    assert.ok(!cookie.includes(id))
    const [key, random, tag] = valueIn(cookie).split('.')
    for (const forged of [`${key}.${id}.${tag}`, `${key}.${random}.${id}`, `${key}.${id}.${id}`])
      assert.equal(devices.recognise(`${name}=${forged}`, 'ada'), null)
  })

  it('T20: is known under every key of the ring, and remembered again under the newest', () => {
    const [old, newer] = [newSecretText(), newSecretText()]
    const { id, cookie } = knownDevices(startServer({ secrets: [old] }).sessions).remember(undefined, 'ada')
    const both = knownDevices(startServer({ secrets: [newer, old] }).sessions)
    assert.equal(both.recognise(sent(cookie), 'ada'), id)
    const renewed = both.remember(sent(cookie), 'ada')
    const alone = knownDevices(startServer({ secrets: [newer] }).sessions)
    assert.equal(alone.recognise(sent(cookie), 'ada'), null)
    assert.equal(alone.recognise(sent(renewed.cookie), 'ada'), id)
    assert.equal(renewed.id, id)
  })
})

describe('a device that is not known', () => {
  const devices = knownDevices(startServer().sessions)
  const cookie = deviceOf(devices, 'ada')
  const value = cookie.slice(name.length + 1)
  const [key = '', random = '', tag = ''] = value.split('.')
  const otherKeys = deviceOf(knownDevices(startServer().sessions), 'ada')

  const unknown: readonly (readonly [what: string, header: string | undefined])[] = [
    ['no cookie', undefined],
    ['an empty header', ''],
    ['an empty value', `${name}=`],
    ['another cookie', `__Host-Http-sid=${value}`],
    ['its bare name, which any sibling can plant', `device=${value}`],
    ['the name in another case', `__host-http-device=${value}`],
    ['two cookies, even equal ones', `${cookie}; ${cookie}`],
    ['another server’s', otherKeys],
    ['no tag', `${name}=${key}.${random}`],
    ['an empty tag', `${name}=${key}.${random}.`],
    ['a tag of zeros', `${name}=${key}.${random}.${'A'.repeat(22)}`],
    ['a tag that is too long', `${name}=${key}.${random}.${tag}A`],
    ['an unknown key', `${name}=AAAAAAAA.${random}.${tag}`],
    ['no key', `${name}=.${random}.${tag}`],
    ['its entry in fifth place', `${name}=${['', '', '', '', value].join('~')}`],
    ['a header that is far too long', `${cookie}; a=${'x'.repeat(70_000)}`],
    ['quotes around it', `${name}="${value}"`],
  ]
  for (const [what, header] of unknown) {
    it(`is nobody’s: ${what}`, () => {
      assert.equal(devices.recognise(header, 'ada'), null)
    })
  }

  it('is another user’s: the cookie of one says nothing about another', () => {
    for (const userId of ['bob', 'Ada', 'ada ', 'ada\0', '', '"ada"'])
      assert.equal(devices.recognise(cookie, userId), null)
  })

  it('any change of one character is no device of this user', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~'
    // The last character of each part holds bits that mean nothing; they are no secret either.
    const positions = fc.integer({ min: 0, max: value.length - 1 }).filter(at => ![30, 53].includes(at))
    fc.assert(
      fc.property(positions, fc.constantFrom(...alphabet), (at, character) => {
        fc.pre(value[at] !== character)
        const changed = `${value.slice(0, at)}${character}${value.slice(at + 1)}`
        assert.equal(devices.recognise(`${name}=${changed}`, 'ada'), null)
      }),
    )
  })

  it('whatever a client sends, nothing throws and the new cookie is good', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', minLength: 1 }), (junk, userId) => {
        const header = `${name}=${junk}`
        assert.equal(devices.recognise(header, userId), null)
        const { id, cookie: fresh } = devices.remember(header, userId)
        assert.equal(devices.recognise(sent(fresh), userId), id)
      }),
    )
  })

  it('users whose ids UTF-8 cannot tell apart are told apart', () => {
    const lone = deviceOf(devices, '\ud800')
    assert.notEqual(devices.recognise(lone, '\ud800'), null)
    for (const userId of ['\ud801', '\ufffd', '\\ud800']) assert.equal(devices.recognise(lone, userId), null)
  })
})
