import assert from 'node:assert/strict'
import { createPrivateKey, createSign, X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Refusal, StoreError, UsageError } from 'latchkey'
import { generate } from 'selfsigned'
import { hostOf } from '../../src/http/sessions.ts'
import type { FactorFault } from '../../src/mfa/answer.ts'
import { type PasskeySiteOptions, passkeySite } from '../../src/mfa/passkey-site.ts'
import { Passkeys } from '../../src/mfa/passkeys.ts'
import { flipped, type Lies } from '../actors/authenticator.ts'
import { Browser } from '../actors/browser.ts'
import { onEveryFactorStore } from '../actors/factor-stores.ts'
import { startServer } from '../actors/server.ts'
import { onEveryStore } from '../actors/stores.ts'
import { PasskeyDesk, refused, site } from './passkey-desk.ts'

/** Both uses of a passkey: with a user who is known already, and alone. */
const uses = [
  ['as second factor', 'alice'],
  ['alone', null],
] as const

describe('making a passkey', () => {
  it('asks for a passkey that can sign in by itself, and for nothing about the device', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    const { challenge, user, ...options } = await desk.begin(alice)
    assert.deepEqual(options.authenticatorSelection, {
      residentKey: 'required',
      requireResidentKey: true,
      userVerification: 'required',
    })
    assert.equal(options.attestation, 'none')
    assert.deepEqual(options.rp, { name: 'Campus', id: 'campus.example' })
    assert.equal(user.name, 'alice@campus.example')
    assert.equal(options.excludeCredentials?.length, 1, 'one that she has is not made twice')
    const credential = alice.authenticator.credentials[0]?.id.toString('base64url')
    assert.equal(options.excludeCredentials?.[0]?.id, credential)
    assert.notEqual(challenge, (await desk.begin(alice)).challenge)
  })

  it('ASVS 6.7.2: challenges are 256 random bits, another one each time', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    const challenges: string[] = []
    for (let n = 0; n < 10; n += 1) {
      const [made, used] = [await desk.begin(alice), await desk.challenge(alice, 'alice')]
      challenges.push(made.challenge, used.challenge, (await desk.challenge(alice, null)).challenge)
    }
    assert.equal(new Set(challenges).size, 30)
    for (const challenge of challenges) assert.match(challenge, /^[A-Za-z0-9_-]{43}$/)
  })

  it('stores it under the hash of its id, with what its owner calls it', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice', { synchronised: true })
    const { id, body, ...record } = await desk.record('alice')
    assert.match(id, /^[A-Za-z0-9_-]{43}$/)
    const createdAt = desk.server.clock.now()
    const rest = { version: 1, label: 'My phone', createdAt, lastUsedAt: null }
    assert.deepEqual(record, { userId: 'alice', kind: 'passkey', ...rest })
    const { publicKey, userHandle, ...passkey } = JSON.parse(body)
    assert.deepEqual(passkey, {
      credentialId: alice.authenticator.credentials[0]?.id.toString('base64url'),
      counter: 0,
      transports: ['internal'],
      deviceType: 'multiDevice',
      backedUp: true,
    })
    assert.equal(publicKey, alice.authenticator.credentials[0]?.publicKey.toString('base64url'))
    assert.equal(userHandle, alice.authenticator.credentials[0]?.userHandle)
  })

  it('authenticators keep an opaque handle, one per user, that says nothing about the user', async () => {
    const desk = new PasskeyDesk()
    const [alice, bob] = [await desk.signedIn('alice'), await desk.signedIn('bob')]
    const handle = (await desk.begin(alice)).user.id
    assert.equal(handle, (await desk.begin(alice)).user.id)
    assert.notEqual(handle, (await desk.begin(bob)).user.id)
    assert.equal(Buffer.from(handle, 'base64url').length, 32)
    assert.notEqual(handle, (await new PasskeyDesk().begin(await new PasskeyDesk().signedIn('alice'))).user.id)
  })

  it('T20: the handle stays when the server secret changes, and old passkeys still sign in', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    const later = new PasskeyDesk({ store: desk.server.store, clock: desk.server.clock }, desk.store)
    const again = { ...alice, browser: (await later.signedIn('alice')).browser }
    assert.equal((await later.begin(again)).user.id, alice.authenticator.credentials[0]?.userHandle)
    assert.equal((await later.use(again, null)).ok, true)
  })

  it('hostile transports are left out, not kept', async () => {
    const desk = new PasskeyDesk()
    const transports = ['usb', 'usb', '<script>', 7, null, 'x'.repeat(99), ...Array.from({ length: 50 }, () => 'nfc')]
    await desk.enrol(await desk.signedIn('alice'), { transports })
    assert.deepEqual(JSON.parse((await desk.record('alice')).body).transports, ['usb', 'nfc'])
    await desk.enrol(await desk.signedIn('bob'), { transports: { length: 3 } })
    assert.deepEqual(JSON.parse((await desk.record('bob')).body).transports, [])
  })

  it('twenty are enough', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.signedIn('alice')
    for (let n = 0; n < 19; n += 1) assert.equal((await desk.enrol(alice)).ok, true)
    const last = await desk.begin(alice)
    assert.equal((await desk.enrol(alice)).ok, true)
    await assert.rejects(desk.begin(alice), UsageError)
    await assert.rejects(desk.confirm(alice, alice.authenticator.create(last)), UsageError)
    assert.equal((await desk.store.list('alice')).length, 20)
  })

  it('a visitor has nothing to make one for', async () => {
    const desk = new PasskeyDesk()
    const visitor = { browser: new Browser(desk.server) }
    await assert.rejects(desk.begin(visitor), UsageError)
    const alice = await desk.signedIn('alice')
    const response = alice.authenticator.create(await desk.begin(alice))
    assert.deepEqual(await desk.confirm(visitor, response), refused('challenge'))
  })

  it('the signature of the key by itself is no attestation, and is fine', async () => {
    const desk = new PasskeyDesk()
    const statement: NonNullable<Lies['attestation']>['statement'] = (signed, key) =>
      new Map<string, number | Buffer>([
        ['alg', -7],
        ['sig', createSign('sha256').update(signed).sign(key)],
      ])
    const alice = await desk.signedIn('alice')
    assert.equal((await desk.enrol(alice, { attestation: { format: 'packed', statement } })).ok, true)
    assert.equal((await desk.use(alice, null)).ok, true)
  })
})

describe('T13: attacks on making a passkey', () => {
  const lies: readonly (readonly [name: string, fault: FactorFault, lies: Lies])[] = [
    ['on a look-alike site', 'origin', { origin: 'https://campus.example.evil.example' }],
    ['on the site without TLS', 'origin', { origin: 'http://campus.example' }],
    ['in a frame of another site', 'origin', { crossOrigin: true, topOrigin: 'https://evil.example' }],
    ['in a frame of a site that the browser does not name', 'origin', { crossOrigin: true }],
    ['under a top page that should not be there', 'origin', { topOrigin: 'https://campus.example' }],
    ['for another relying party', 'origin', { rpId: 'evil.example' }],
    ['for a parent domain', 'origin', { rpId: 'example' }],
    ['with nobody there', 'unverified', { present: false }],
    ['by a user who was not verified', 'unverified', { verified: false }],
    ['with the answer to a sign-in', 'wrong', { type: 'webauthn.get' }],
    ['with a challenge that the client made', 'challenge', { challenge: 'A'.repeat(43) }],
    ['with a challenge that is none', 'malformed', { challenge: 'not base64url!' }],
    ['with client data without end', 'malformed', { origin: `https://${'x'.repeat(4_096)}` }],
    ['under the id of another credential', 'wrong', { id: Buffer.alloc(32, 7).toString('base64url') }],
    ['with a key of a type that was not asked for', 'wrong', { keyType: -47 }],
    [
      'with a statement where there is no attestation',
      'wrong',
      { attestation: { format: 'none', statement: () => new Map([['x', 1]]) } },
    ],
    ['with an attestation of an unknown kind', 'wrong', { attestation: { format: 'tpm', statement: () => new Map() } }],
    ['with an attestation that is none', 'wrong', { attestation: { format: 'packed', statement: () => 'packed' } }],
  ]
  for (const [name, fault, lie] of lies) {
    it(`${name}: refused, the challenge is spent, and nothing is stored`, async () => {
      const desk = new PasskeyDesk()
      const alice = await desk.signedIn('alice')
      const options = await desk.begin(alice)
      assert.deepEqual(await desk.confirm(alice, alice.authenticator.create(options, lie)), refused(fault))
      assert.deepEqual(await desk.store.list('alice'), [])
      if (fault === 'malformed' || lie.challenge) return
      assert.deepEqual(await desk.confirm(alice, alice.authenticator.create(options)), refused('challenge'))
    })
  }

  it('with a certificate that nobody asked for: refused, unread', async () => {
    const names = ['CN=Key', 'C=DE', 'O=Keys', 'OU=Authenticator Attestation'].map(text => text.split('='))
    const made = await generate(
      names.map(([name = '', value = '']) => ({ name, value })),
      {
        keyType: 'ec',
        algorithm: 'sha256',
        extensions: [{ name: 'basicConstraints', cA: false, critical: true }],
      },
    )
    const statement: NonNullable<Lies['attestation']>['statement'] = signed =>
      new Map<string, number | Buffer | Buffer[]>([
        ['alg', -7],
        ['sig', createSign('sha256').update(signed).sign(createPrivateKey(made.private))],
        ['x5c', [new X509Certificate(made.cert).raw]],
      ])
    const desk = new PasskeyDesk()
    const alice = await desk.signedIn('alice')
    assert.deepEqual(await desk.enrol(alice, { attestation: { format: 'packed', statement } }), refused('wrong'))
  })

  it('ASVS 6.5.1: one answer makes one passkey, sent 50 times at once', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.signedIn('alice')
    const response = alice.authenticator.create(await desk.begin(alice))
    const all = await Promise.all(Array.from({ length: 50 }, () => desk.confirm(alice, response)))
    assert.equal(all.filter(({ ok }) => ok).length, 1)
    assert.equal((await desk.store.list('alice')).length, 1)
  })

  it('a challenge of another session, of another purpose, or that is too old makes none', async () => {
    const desk = new PasskeyDesk()
    const [alice, bob] = [await desk.signedIn('alice'), await desk.signedIn('bob')]
    const forBob = alice.authenticator.create(await desk.begin(bob))
    assert.deepEqual(await desk.confirm(alice, forBob), refused('challenge'))
    const elsewhere = { ...alice, browser: (await desk.signedIn('alice')).browser }
    const there = alice.authenticator.create(await desk.begin(elsewhere))
    assert.deepEqual(await desk.confirm(alice, there), refused('challenge'))
    const { challenge } = await desk.challenge(alice, 'alice')
    const options = await desk.begin(alice)
    const other = alice.authenticator.create({ ...options, challenge })
    assert.deepEqual(await desk.confirm(alice, other), refused('challenge'))
    desk.server.clock.advance('5m')
    assert.deepEqual(await desk.confirm(alice, alice.authenticator.create(options)), refused('challenge'))
    assert.deepEqual([await desk.store.list('alice'), await desk.store.list('bob')], [[], []])
  })

  it("a credential that exists is refused, whoever's it is", async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    const mallory = await desk.signedIn('mallory')
    for (const person of [mallory, alice]) {
      const [known] = alice.authenticator.credentials
      assert.ok(known)
      const response = person.authenticator.create(await desk.begin(person), { credentialId: known.id })
      assert.deepEqual(await desk.confirm(person, response), refused('used'))
    }
    assert.deepEqual(await desk.store.list('mallory'), [])
    assert.equal((await desk.use(alice, null)).ok, true)
  })
})

describe('using a passkey', () => {
  for (const [way, userId] of uses) {
    for (const [kind, key] of [
      ['on one device', 'hwk'],
      ['synchronised', 'swk'],
    ] as const) {
      it(`${way}, ${kind}: passes, again and again, and says what was proved`, async () => {
        const desk = new PasskeyDesk()
        const alice = await desk.withPasskey('alice', { synchronised: kind === 'synchronised' })
        for (let n = 0; n < 3; n += 1) {
          desk.server.clock.advance('1m')
          const passed = { ok: true, userId: 'alice', factor: 'passkey', amr: [key, 'user', 'mfa'] }
          assert.deepEqual(await desk.use(alice, userId), passed)
          const { lastUsedAt, version, createdAt } = await desk.record('alice')
          assert.equal(lastUsedAt, desk.server.clock.now())
          assert.deepEqual([version, createdAt], [n + 2, desk.server.clock.now() - (n + 1) * 60_000])
        }
      })
    }
  }

  it('alone: works in the browser of a visitor whom nobody knows', async () => {
    const desk = new PasskeyDesk()
    const { authenticator } = await desk.withPasskey('alice')
    const visitor = { userId: '', browser: new Browser(desk.server), authenticator }
    const options = await desk.challenge(visitor, null)
    assert.deepEqual([options.allowCredentials, options.userVerification], [[], 'required'])
    const checked = await desk.check(visitor, null, authenticator.get(options))
    assert.ok(checked.ok && checked.userId === 'alice')
  })

  it('as second factor: asks for the passkeys of this user only', async () => {
    const desk = new PasskeyDesk()
    const [alice] = [await desk.withPasskey('alice'), await desk.withPasskey('bob')]
    const { allowCredentials, userVerification } = await desk.challenge(alice, 'alice')
    const id = alice.authenticator.credentials[0]?.id.toString('base64url')
    assert.deepEqual(allowCredentials, [{ id, transports: ['internal'], type: 'public-key' }])
    assert.equal(userVerification, 'preferred')
  })

  it('as second factor of a user who was not verified: passes, as one factor', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    const passed = { ok: true, userId: 'alice', factor: 'passkey', amr: ['hwk', 'user'] }
    assert.deepEqual(await desk.use(alice, 'alice', { verified: false, userHandle: null }), passed)
  })

  it('the answer may come as JSON text, as a form sends it', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    assert.equal((await desk.check(alice, null, JSON.stringify(await desk.assertion(alice, null)))).ok, true)
  })

  it('TA-2: signs a confirmed action, which only its redemption spends', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    const opened = await alice.browser.send(session => session.confirm('change e-mail', { to: 'a@b.example' }))
    const challenge = opened.body?.id ?? ''
    const options = await desk.challenge(alice, 'alice', { challenge })
    assert.equal(options.challenge, challenge)
    const response = alice.authenticator.get(options)
    assert.deepEqual(await desk.check(alice, 'alice', response, { challenge: 'A'.repeat(43) }), refused('challenge'))
    const checked = await desk.check(alice, 'alice', response, { challenge })
    assert.ok(checked.ok)
    const { amr } = checked
    const done = await alice.browser.send(s => s.redeem(challenge, 'change e-mail', { to: 'a@b.example' }, { amr }))
    assert.equal(done.error, null)
    const again = await alice.browser.send(s => s.redeem(challenge, 'change e-mail', { to: 'a@b.example' }, { amr }))
    assert.equal(again.code, 'confirmation-refused')
  })

  it('what cannot be the id of a confirmed action is refused, not signed', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    const tooShort = 'AAAAAAAAAAAAAAAAAAAA'
    for (const sent of [
      '',
      'abc',
      tooShort,
      'no base64url, but long enough',
      `${'A'.repeat(42)}B`,
      7,
      null,
      ['A'],
      {},
    ]) {
      const challenge = sent as string
      const isRefused = (error: unknown) => error instanceof Refusal && error.code === 'confirmation-refused'
      await assert.rejects(desk.challenge(alice, 'alice', { challenge }), isRefused)
      const response = await desk.assertion(alice, 'alice')
      assert.deepEqual(await desk.check(alice, 'alice', response, { challenge }), refused('challenge'))
    }
  })
})

describe('T13: attacks on using a passkey', () => {
  const lies: readonly (readonly [
    name: string,
    second: FactorFault | 'passes',
    alone: FactorFault | 'passes',
    Lies,
  ])[] = [
    ['for a look-alike site', 'origin', 'origin', { origin: 'https://campus.example.evil.example' }],
    ['for a neighbouring site', 'origin', 'origin', { origin: 'https://blog.campus.example' }],
    ['for another port', 'origin', 'origin', { origin: 'https://campus.example:8443' }],
    ['in a frame of another site', 'origin', 'origin', { crossOrigin: true, topOrigin: 'https://evil.example' }],
    ['in a frame of a site that the browser does not name', 'origin', 'origin', { crossOrigin: true }],
    ['under a top page that should not be there', 'origin', 'origin', { topOrigin: 'https://campus.example' }],
    ['for another relying party', 'origin', 'origin', { rpId: 'evil.example' }],
    ['with the answer to a registration', 'wrong', 'wrong', { type: 'webauthn.create' }],
    ['with nobody there', 'unverified', 'unverified', { present: false }],
    ['by a user who was not verified', 'passes', 'unverified', { verified: false }],
    ['by a key that is synchronised all at once', 'wrong', 'wrong', { synchronised: true }],
    ['without a user handle', 'passes', 'wrong', { userHandle: null }],
    ['with the handle of another user', 'wrong', 'wrong', { userHandle: Buffer.alloc(32, 1).toString('base64url') }],
    ['with client data without end', 'malformed', 'malformed', { origin: `https://${'x'.repeat(4_096)}` }],
    ['with a handle that is none', 'malformed', 'malformed', { userHandle: '=' }],
    ['with a challenge that the client made', 'challenge', 'challenge', { challenge: 'A'.repeat(43) }],
    ['with an unknown credential', 'unknown', 'unknown', { id: Buffer.alloc(32, 7).toString('base64url') }],
    ['with a counter that stands still', 'used', 'used', { counter: 5 }],
    ['with a counter that goes back', 'used', 'used', { counter: 4 }],
    ['with a counter that went away', 'used', 'used', { counter: 0 }],
    ['with a counter that jumps', 'passes', 'passes', { counter: 2 ** 32 - 1 }],
  ]
  for (const [name, second, alone, lie] of lies) {
    for (const [way, userId] of uses) {
      const expected = userId === null ? alone : second
      it(`${way}, ${name}: ${expected === 'passes' ? expected : 'refused'}, and the challenge is spent`, async () => {
        const desk = new PasskeyDesk()
        const alice = await desk.withPasskey('alice')
        for (let n = 0; n < 5; n += 1) assert.equal((await desk.use(alice, userId)).ok, true)
        const before = await desk.record('alice')
        const options = await desk.challenge(alice, userId)
        const checked = await desk.check(alice, userId, alice.authenticator.get(options, lie))
        if (expected === 'passes') return assert.equal(checked.ok, true)
        assert.deepEqual(checked, refused(expected))
        assert.deepEqual(await desk.record('alice'), before)
        if (expected === 'malformed' || lie.challenge) return
        assert.deepEqual(await desk.check(alice, userId, alice.authenticator.get(options)), refused('challenge'))
      })
    }
  }

  for (const [way, userId] of uses) {
    it(`ASVS 6.7.2: ${way}, a challenge is good in its session, for its purpose and user, for five minutes`, async () => {
      const desk = new PasskeyDesk()
      const alice = await desk.withPasskey('alice')
      const { authenticator } = alice
      const options = await desk.challenge(alice, userId)
      const thief = { ...alice, browser: new Browser(desk.server) }
      assert.deepEqual(await desk.check(thief, userId, authenticator.get(options)), refused('challenge'))
      const elsewhere = { ...alice, browser: (await desk.signedIn('alice')).browser }
      assert.deepEqual(await desk.check(elsewhere, userId, authenticator.get(options)), refused('challenge'))
      const other = userId === null ? 'alice' : null
      assert.deepEqual(await desk.check(alice, other, authenticator.get(options)), refused('challenge'))
      const { challenge } = await desk.begin(alice)
      assert.deepEqual(
        await desk.check(alice, userId, authenticator.get({ ...options, challenge })),
        refused('challenge'),
      )
      const late = await desk.assertion(alice, userId)
      desk.server.clock.advance('5m')
      assert.deepEqual(await desk.check(alice, userId, late), refused('challenge'))
      assert.equal((await desk.use(alice, userId)).ok, true)
    })

    it(`${way}, with one bit flipped anywhere: refused`, async () => {
      const desk = new PasskeyDesk()
      const alice = await desk.withPasskey('alice')
      const field = fc.constantFrom('clientDataJSON', 'authenticatorData', 'signature', 'userHandle' as const)
      await fc.assert(
        fc.asyncProperty(field, fc.nat(4_000), async (name, any) => {
          const answer = await desk.assertion(alice, userId)
          // The library reads the frame around a signature's numbers generously; the numbers are what counts.
          const bit = name === 'signature' ? 16 + (any % 512) : any
          const response = { ...answer.response, [name]: flipped(answer.response[name] ?? '', bit) }
          const checked = await desk.check(alice, userId, { ...answer, response })
          assert.equal(checked.ok, false)
        }),
        { numRuns: 150 },
      )
      assert.equal((await desk.use(alice, userId)).ok, true)
    })
  }

  it("a credential of another user is no factor of this one's", async () => {
    const desk = new PasskeyDesk()
    const [alice, mallory] = [await desk.withPasskey('alice'), await desk.withPasskey('mallory')]
    const options = await desk.challenge(alice, 'alice')
    const response = mallory.authenticator.get(options)
    assert.deepEqual(await desk.check(alice, 'alice', response), refused('unknown'))
  })

  it("a key of the attacker's under the credential of somebody else is refused", async () => {
    const desk = new PasskeyDesk()
    const [alice, mallory] = [await desk.withPasskey('alice'), await desk.withPasskey('mallory')]
    const [known] = alice.authenticator.credentials
    const lie = { id: known?.id.toString('base64url') ?? '', userHandle: known?.userHandle ?? null }
    const options = await desk.challenge(mallory, null)
    assert.deepEqual(await desk.check(mallory, null, mallory.authenticator.get(options, lie)), refused('wrong'))
  })

  it('a removed passkey signs nobody in', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    const answers = [await desk.assertion(alice, 'alice'), await desk.assertion(alice, null)]
    await desk.store.remove((await desk.record('alice')).id)
    assert.deepEqual(await desk.check(alice, 'alice', answers[0]), refused('unknown'))
    assert.deepEqual(await desk.check(alice, null, answers[1]), refused('unknown'))
  })

  it('two devices with one counting key, at once: whoever counts further is the last to pass', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    const people = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => ({
        person: { ...alice, browser: (await desk.signedIn('alice')).browser },
        counter: n + 1,
      })),
    )
    const answers = await Promise.all(
      people.map(async ({ person, counter }) => ({
        person,
        answer: await desk.assertion(person, 'alice', { counter }),
      })),
    )
    const all = await Promise.all(answers.map(({ person, answer }) => desk.check(person, 'alice', answer)))
    const passed = all.flatMap((checked, n) => (checked.ok ? [n + 1] : []))
    assert.ok(passed.includes(20))
    for (const checked of all) if (!checked.ok) assert.equal(checked.fault, 'used')
    const { body, version } = await desk.record('alice')
    assert.equal(JSON.parse(body).counter, 20)
    assert.equal(version, 1 + passed.length, 'each use went on from the one before')
  })

  it('a counter that somebody else moved on meanwhile is judged again', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    const save = desk.store.save.bind(desk.store)
    desk.store.save = async record => {
      desk.store.save = save
      assert.equal((await desk.use({ ...alice, browser: new Browser(desk.server) }, null, { counter: 9 })).ok, true)
      return save(record)
    }
    assert.deepEqual(await desk.use(alice, 'alice', { counter: 9 }), refused('used'))
    desk.store.save = async record => {
      desk.store.save = save
      await desk.store.remove(record.id)
      return save(record)
    }
    assert.deepEqual(await desk.use(alice, 'alice', { counter: 10 }), refused('unknown'))
  })

  it('a store that never saves lets nobody in', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    desk.store.save = async () => 'conflict'
    await assert.rejects(desk.use(alice, 'alice'), StoreError)
  })

  it('a damaged record lets nobody in and is told, and the other passkeys go on working', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    const { body: sound } = await desk.record('alice')
    for (const body of ['', 'null', '{}', '[]', '7', sound.replace(/"counter":\d+/, '"counter":"x"')]) {
      const answer = await desk.assertion(alice, null)
      const record = await desk.record('alice')
      await desk.store.save({ ...record, version: record.version + 1, body })
      desk.server.events.length = 0
      assert.deepEqual(await desk.check(alice, null, answer), refused('unknown'))
      assert.deepEqual(
        desk.server.events.map(({ type, userId }) => [type, userId]),
        [['record.corrupt', 'alice']],
      )
    }
    const spare = { ...alice, authenticator: (await desk.signedIn('alice')).authenticator }
    assert.equal((await desk.enrol(spare)).ok, true)
    assert.equal((await desk.use(spare, 'alice')).ok, true)
  })

  it('a passkey of which the record says another kind is none', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    const record = await desk.record('alice')
    await desk.store.remove(record.id)
    await desk.store.create({ ...record, kind: 'totp' })
    assert.deepEqual(await desk.use(alice, null), refused('unknown'))
    assert.deepEqual((await desk.challenge(alice, 'alice')).allowCredentials, [])
  })
})

onEveryStore('T13: passkeys', open => {
  for (const [way, userId] of uses) {
    it(`ASVS 6.5.1: ${way}, an assertion works once, sent 50 times at once`, async () => {
      const desk = new PasskeyDesk({ store: open() })
      // Synchronised passkeys count nothing: only the challenge stands against the replay.
      const alice = await desk.withPasskey('alice', { synchronised: true })
      const response = await desk.assertion(alice, userId)
      const all = await Promise.all(Array.from({ length: 50 }, () => desk.check(alice, userId, response)))
      assert.equal(all.filter(({ ok }) => ok).length, 1)
      assert.deepEqual(await desk.check(alice, userId, response), refused('challenge'))
      await desk.server.sessions.close()
    })
  }
})

onEveryFactorStore('T13: passkeys on two nodes', newPlace => {
  it('ASVS 6.5.1: of 50 answers with one count of the key at once, one passes', async () => {
    const place = await newPlace()
    const desk = new PasskeyDesk({}, place.open())
    const other = desk.anotherNode(place.open())
    const alice = await desk.withPasskey('alice')
    // A copied key, or one that signed for 50 pages at once: each has a challenge of its own, so only the count can tell.
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const person = { ...alice, browser: new Browser(desk.server) }
        return { at: n % 2 ? desk : other, person, answer: await desk.assertion(person, null, { counter: 7 }) }
      }),
    )
    const all = await Promise.all(
      answers.map(({ at, person, answer }) => at.check({ browser: at.sameBrowser(person.browser) }, null, answer)),
    )
    assert.equal(all.filter(({ ok }) => ok).length, 1)
    for (const checked of all) if (!checked.ok) assert.equal(checked.fault, 'used')
    assert.equal(JSON.parse((await desk.record('alice')).body).counter, 7)
    await Promise.all([desk.store.close(), other.store.close()])
  })
})

describe('bad input', () => {
  const hostile: readonly unknown[] = [
    ...[
      undefined,
      null,
      '',
      'x',
      0,
      Number.NaN,
      true,
      [],
      {},
      [[]],
      () => {},
      Symbol('x'),
      10n,
      new Date(0),
      Buffer.alloc(9),
    ],
    ...['null', '[]', '{"response":null}', `{"__proto__":{}}`, 'x'.repeat(100_000), `${'['.repeat(20_000)}`],
    { id: 'AA', rawId: 'AA', type: 'public-key', response: 'x' },
    { id: 'AA', rawId: 'AA', type: 'public-key', response: { clientDataJSON: 'bnVsbA', attestationObject: 'AA' } },
  ]
  it('what is no answer at all is malformed', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    for (const response of hostile) {
      assert.deepEqual(await desk.confirm(alice, response), refused('malformed'))
      assert.deepEqual(await desk.check(alice, 'alice', response), refused('malformed'))
      assert.deepEqual(await desk.check(alice, null, response), refused('malformed'))
    }
  })

  it('an answer whose two ids differ, or that is of another kind, is malformed', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    for (const wrong of [{ rawId: 'AAAA' }, { id: 'AAAA' }, { type: 'password' }]) {
      const response = { ...(await desk.assertion(alice, null)), ...wrong }
      assert.deepEqual(await desk.check(alice, null, response), refused('malformed'))
    }
  })

  const junk = fc.oneof(
    fc.anything(),
    fc.base64String().map(text => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')),
    fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes).toString('base64url')),
    fc.constantFrom('A'.repeat(6_000), 'A'.repeat(9_000), 'n4CE', ''),
  )
  const fields = ['clientDataJSON', 'authenticatorData', 'signature', 'userHandle', 'attestationObject', 'transports']

  it('an honest answer with junk in any field never throws, and never passes', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    const outside = fc.record({ id: junk, rawId: junk, type: junk, response: junk }, { requiredKeys: [] })
    const inside = fc.record(Object.fromEntries(fields.map(name => [name, junk])), { requiredKeys: [] })
    await fc.assert(
      fc.asyncProperty(outside, inside, async (outer, inner) => {
        const tampered = Object.keys(outer).length + Object.keys(inner).length > 0
        const [asked, options] = [await desk.challenge(alice, null), await desk.begin(alice)]
        const used = alice.authenticator.get(asked)
        const response = { ...used.response, ...inner }
        const checked = await desk.check(alice, null, { ...used, response, ...outer })
        const { attestationObject: _, transports: __, ...relevant } = inner
        if (tampered && Object.keys({ ...outer, ...relevant }).length > 0) assert.equal(checked.ok, false)
        const made = alice.authenticator.create(options)
        await desk.confirm(alice, { ...made, response: { ...made.response, ...inner }, ...outer })
      }),
      { numRuns: 150 },
    )
  })

  it('client data that is signed but means nothing never throws, and never passes', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.withPasskey('alice')
    const claims = { type: junk, challenge: junk, origin: junk, crossOrigin: junk, topOrigin: junk }
    await fc.assert(
      fc.asyncProperty(fc.record(claims), async said => {
        const lies = said as unknown as Lies
        const checked = await desk.use(alice, null, lies)
        assert.equal(checked.ok, false)
      }),
      { numRuns: 150 },
    )
  })

  it('an attestation object made of junk never throws, and stores nothing', async () => {
    const desk = new PasskeyDesk()
    const alice = await desk.signedIn('alice')
    await fc.assert(
      fc.asyncProperty(fc.nat(3_000), fc.nat(3_000), fc.boolean(), async (bit, other, cut) => {
        const made = alice.authenticator.create(await desk.begin(alice))
        const { attestationObject: text } = made.response
        // Not in the key itself: with a different key it is a different, perfectly good passkey.
        const damaged = flipped(flipped(text, bit % 800), other % 800)
        const attestationObject = cut ? damaged.slice(0, 4 * (bit % (text.length / 4))) : damaged
        await desk.confirm(alice, { ...made, response: { ...made.response, attestationObject } })
      }),
      { numRuns: 200 },
    )
  })
})

describe('set-up', () => {
  const host = hostOf(startServer().sessions).host
  const bad: readonly (readonly [Partial<Record<keyof PasskeySiteOptions, unknown>>, RegExp])[] = [
    [{ rpId: '' }, /rpId/],
    [{ rpId: undefined }, /rpId/],
    [{ rpId: 'https://campus.example' }, /rpId/],
    [{ rpId: 'campus.example:8443' }, /rpId/],
    [{ rpId: 'Campus.example' }, /rpId/],
    [{ rpId: '127.0.0.1' }, /rpId/],
    [{ origins: [] }, /origins/],
    [{ origins: 'https://campus.example' }, /origins/],
    [{ origins: undefined }, /origins/],
    [{ origins: ['https://campus.example/'] }, /no slash/],
    [{ origins: ['http://campus.example'] }, /https origin/],
    [{ origins: ['https://campus.example', 'https://evil.example'] }, /evil\.example/],
    [{ origins: ['https://notcampus.example'] }, /notcampus/],
    [{ origins: ['campus.example'] }, /https:\/\/campus\.example/],
  ]
  for (const [wrong, message] of bad) {
    it(`${JSON.stringify(wrong)} is refused, with the fix`, () => {
      const options = { ...site, ...wrong } as PasskeySiteOptions
      assert.throws(
        () => new Passkeys({ store: new PasskeyDesk().store, host, ...options }),
        (error: unknown) => error instanceof UsageError && message.test(error.message),
      )
    })
  }

  it('localhost works without TLS, with any port, and names below the domain do', () => {
    passkeySite({ issuer: 'Campus', rpId: 'localhost', origins: ['http://localhost:3000', 'https://localhost:3443'] })
    passkeySite({ ...site, origins: ['https://campus.example', 'https://login.campus.example:8443'] })
  })
})
