import assert from 'node:assert/strict'
import type { AuthenticationResponseJSON } from '@simplewebauthn/server'
import { memoryFactors } from 'latchkey/mfa/stores/memory'
import { hostOf } from '../../src/http/sessions.ts'
import type { Checked } from '../../src/mfa/answer.ts'
import { Passkeys } from '../../src/mfa/passkeys.ts'
import type { FactorRecord, FactorStore } from '../../src/mfa/store.ts'
import { Authenticator, type Lies } from '../actors/authenticator.ts'
import { Browser } from '../actors/browser.ts'
import { type Server, type ServerOptions, startServer } from '../actors/server.ts'

export const site = { issuer: 'Campus', rpId: 'campus.example', origins: ['https://campus.example'] }

/** Somebody with a browser, an authenticator, and perhaps an account. */
export interface Person {
  readonly userId: string
  readonly browser: Browser
  readonly authenticator: Authenticator
}

/** Where passkeys are made and checked: each call is a request of its own, in a real session. */
export class PasskeyDesk {
  readonly server: Server
  readonly store: FactorStore
  readonly passkeys: Passkeys

  constructor(options: ServerOptions = {}, store: FactorStore = memoryFactors()) {
    this.server = startServer(options)
    this.store = store
    this.passkeys = new Passkeys({ store, host: hostOf(this.server.sessions).host, ...site })
  }

  /** The same service on another node, with a connection of its own to the place of the factors. */
  anotherNode(store: FactorStore): PasskeyDesk {
    const { store: sessionStore, secret, clock } = this.server
    return new PasskeyDesk({ store: sessionStore, secrets: [secret], clock }, store)
  }

  /** This browser, when the load balancer sends it here. */
  sameBrowser({ token }: Browser): Browser {
    return new Browser(this.server, token)
  }

  /** Somebody who has signed in, without a passkey. */
  async signedIn(userId: string, how: { synchronised?: boolean } = {}): Promise<Person> {
    const browser = new Browser(this.server)
    await browser.signIn(userId)
    return { userId, browser, authenticator: new Authenticator('https://campus.example', how) }
  }

  /** Somebody who has signed in and made a passkey. */
  async withPasskey(userId: string, how: { synchronised?: boolean } = {}): Promise<Person> {
    const person = await this.signedIn(userId, how)
    assert.deepEqual(await this.enrol(person), { ok: true, userId, factor: 'passkey', amr: amrOf(how) })
    return person
  }

  begin({ browser }: Pick<Person, 'browser'>, account = 'alice@campus.example') {
    return answerOf(browser, session => this.passkeys.begin(session, account))
  }

  confirm({ browser }: Pick<Person, 'browser'>, response: unknown): Promise<Checked> {
    return answerOf(browser, session => this.passkeys.confirm(session, response, 'My phone'))
  }

  async enrol(person: Person, lies?: Lies): Promise<Checked> {
    return this.confirm(person, person.authenticator.create(await this.begin(person), lies))
  }

  challenge({ browser }: Pick<Person, 'browser'>, userId: string | null, options?: { challenge: string }) {
    return answerOf(browser, session => this.passkeys.challenge(session, userId, options))
  }

  check(
    { browser }: Pick<Person, 'browser'>,
    userId: string | null,
    response: unknown,
    options?: { challenge: string },
  ): Promise<Checked> {
    return answerOf(browser, session => this.passkeys.check(session, userId, response, options))
  }

  /** An answer to a new challenge, not checked yet. */
  async assertion(person: Person, userId: string | null, lies?: Lies): Promise<AuthenticationResponseJSON> {
    return person.authenticator.get(await this.challenge(person, userId), lies)
  }

  /** Challenge, answer, check: as it goes with honest people and, with lies, with others. */
  async use(person: Person, userId: string | null, lies?: Lies): Promise<Checked> {
    return this.check(person, userId, await this.assertion(person, userId, lies))
  }

  /** The only passkey of a user, as it is stored. */
  async record(userId: string): Promise<FactorRecord> {
    const [record, ...others] = await this.store.list(userId)
    assert.ok(record && others.length === 0)
    return record
  }
}

export function refused(fault: string): object {
  return { ok: false, factor: 'passkey', fault }
}

function amrOf({ synchronised = false }: { synchronised?: boolean }): string[] {
  return [synchronised ? 'swk' : 'hwk', 'user', 'mfa']
}

async function answerOf<Body>(browser: Browser, handler: Parameters<typeof browser.send<Body>>[0]): Promise<Body> {
  const { body, error } = await browser.send(handler)
  if (error) throw error
  return body as Body
}
