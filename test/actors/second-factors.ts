import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  createFactors,
  type FactorAnswer,
  type FactorSession,
  type FactorStore,
  type Factors,
  type FactorsOptions,
} from 'latchkey/mfa'
import { memoryFactors } from 'latchkey/mfa/stores/memory'
import type { TestClock } from 'latchkey/testing'
import { HOTP, TOTP, URI } from 'otpauth'
import { type Server, type ServerOptions, startServer } from './server.ts'

/** A node that checks second factors, its operator's view of it, and its users' pockets. */
export interface FactorNode extends Server {
  readonly factors: Factors
  readonly factorStore: FactorStore
}

/** Starts a node. Its store may take its time: a busy machine is no failing store. */
export function startFactors(options: ServerOptions & { readonly factors?: Partial<FactorsOptions> } = {}): FactorNode {
  const { factors = {}, ...serverOptions } = options
  const server = startServer(serverOptions)
  const factorStore = factors.store ?? memoryFactors()
  return {
    ...server,
    factorStore,
    factors: createFactors(server.sessions, { issuer: 'Campus', storeTimeout: '60s', ...factors, store: factorStore }),
  }
}

/** Another node behind the same load balancer. */
export function anotherFactorNode(node: FactorNode, factorStore: FactorStore = node.factorStore): FactorNode {
  return startFactors({ secrets: [node.secret], clock: node.clock, factors: { store: factorStore } })
}

/** What sessions wait for, by their ids: two objects with one id are one session in two requests. */
const waiting = new Map<string, Set<string>>()

function challengesOf(id: string): Pick<FactorSession, 'challenge' | 'answer'> {
  const open = waiting.get(id) ?? new Set()
  waiting.set(id, open)
  return {
    challenge: async (purpose, data) => {
      const challenge = randomBytes(32).toString('base64url')
      open.add(JSON.stringify([challenge, purpose, data]))
      return challenge
    },
    answer: async (challenge, purpose, data) => open.delete(JSON.stringify([challenge, purpose, data])),
  }
}

/** A session in which this user is signed in, as far as factors look at sessions. */
export function sessionOf(userId: string | null, id = `session of ${userId}`): FactorSession {
  return { id, userId, load: async () => {}, ...challengesOf(id) }
}

/** An authenticator app that scanned this code: makes the code of now, or of so many steps later. */
export interface AuthenticatorApp {
  code(stepsLater?: number): string
  readonly uri: string
}

/** An authenticator app on a phone, whose clock is right unless it is given another. */
export function appWith(uri: string, clock: TestClock): AuthenticatorApp {
  const scanned = URI.parse(uri)
  assert.ok(scanned instanceof TOTP)
  const step = () => Math.floor(clock.now() / 30_000)
  return {
    uri,
    code: (stepsLater = 0) => HOTP.generate({ secret: scanned.secret, counter: step() + stepsLater }),
  }
}

/** Sets an authenticator app up for a user. Takes a step of time, so that the next code is a fresh one. */
export async function enrol({ factors, clock }: FactorNode, userId: string): Promise<AuthenticatorApp> {
  const session = sessionOf(userId)
  const { uri, ticket } = await factors.beginTotp(session, `${userId}@campus.test`)
  const app = appWith(uri, clock)
  assert.equal((await factors.confirmTotp(session, ticket, app.code(), 'My phone')).outcome, 'passed')
  clock.advance('30s')
  return app
}

/** A code that is wrong for every app: of the millions it could be, none of those that this one makes about now. */
export function wrongCode(app: AuthenticatorApp): string {
  const right = new Set([-2, -1, 0, 1, 2].map(step => app.code(step)))
  for (let i = 0; ; i += 1) {
    const code = String(i).padStart(6, '0')
    if (!right.has(code)) return code
  }
}

/** How often each outcome came. */
export function outcomes(answers: readonly FactorAnswer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome } of answers) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

/** What was told about second factors, in order: `type kind fault`. */
export function toldOfFactors({ events }: Pick<Server, 'events'>): string[] {
  return events
    .filter(({ type }) => type.startsWith('factor.') || type === 'record.corrupt')
    .map(event =>
      [event.type, 'factor' in event ? String(event.factor) : '', 'fault' in event ? event.fault : '']
        .filter(word => word !== '')
        .join(' '),
    )
}
