import type { DetectorName } from 'latchkey/watch'
import { newDevice, toolAgents } from './devices.ts'
import { newKeyId, type Person, wrongCode } from './people.ts'
import { Program } from './program.ts'
import { Raid } from './raid.ts'
import { day, hour, minute, type Simulation, type Story, second } from './simulation.ts'
import { type From, Visitor } from './visitor.ts'

/** Someone who attacks, and what it looks like. */
export interface Scheme {
  readonly kind: DetectorName
  readonly variant: string
  /** How often in a run, unless the run says otherwise. */
  readonly times: number
  play(raid: Raid): Story
}

/** Every attack, in every way that it is tried. */
export const schemes: readonly Scheme[] = [
  {
    ...{ kind: 'token-guessing', variant: 'one machine, five a second', times: 6 },
    async *play(raid) {
      const from = raid.machine()
      const keyId = yield* raid.keyName()
      for (let n = 0; n < 200; n += 1) {
        raid.touches({ from })
        await new Visitor(raid.simulation, guess(raid, keyId)).see(from)
        yield 200
      }
    },
  },
  {
    ...{ kind: 'token-guessing', variant: 'forty machines, each one every few seconds', times: 4 },
    async *play(raid) {
      yield* guessByMany(raid, yield* raid.keyName())
    },
  },
  {
    ...{ kind: 'token-guessing', variant: 'the same, without looking at a cookie of the site first', times: 4 },
    play: raid => guessByMany(raid),
  },
  {
    ...{ kind: 'forged-token', variant: 'a copied cookie with a character changed', times: 6 },
    async *play(raid) {
      const visit = yield* raid.victim()
      const token = visit.visitor.token ?? ''
      const from = raid.machine()
      for (let n = 0; n < 5; n += 1) {
        const place = 30 + raid.simulation.random.int(50)
        const changed = `${token.slice(0, place)}${token[place] === 'A' ? 'B' : 'A'}${token.slice(place + 1)}`
        raid.touches({ from, sid: visit.visitor.sid })
        await new Visitor(raid.simulation, changed).see(from)
        yield 3 * second
      }
    },
  },
  {
    ...{ kind: 'use-after-end', variant: 'a stolen cookie, tried again and again after the sign-out', times: 8 },
    async *play(raid) {
      const visit = yield* raid.victim()
      const { token, sid } = visit.visitor
      const from = raid.machine(newDevice('laptop', raid.simulation.random).userAgent(0))
      if (sid) await raid.simulation.sessions.end(sid)
      yield 10 * minute
      for (let n = 0; n < 12; n += 1) {
        raid.touches({ sid, userId: visit.userId, from })
        await new Visitor(raid.simulation, token).see(from)
        yield 20 * second
      }
    },
  },
  {
    ...{ kind: 'token-replay', variant: 'a cookie from a log file, a quarter of an hour old', times: 8 },
    async *play(raid) {
      // Somebody who stays: the token has been replaced meanwhile, and the new one used, or the old one would still be good.
      const visit = yield* raid.victim(({ pagesLeft }) => pagesLeft > 15)
      const { token } = visit.visitor
      yield* until(raid, 15 * minute, () => visit.visitor.token !== token && raid.simulation.visits.has(visit))
      const { pagesLeft } = visit
      yield* until(raid, 15 * minute, () => visit.pagesLeft < pagesLeft - 1)
      yield 2 * minute
      if (visit.visitor.token === token || !raid.simulation.visits.has(visit)) return
      await raid.use(new Visitor(raid.simulation, token), raid.machine(), visit)
    },
  },
  {
    ...{ kind: 'two-places', variant: 'a stolen cookie, used beside its owner by another program', times: 8 },
    play: raid => besideTheOwner(raid, raid.machine()),
  },
  {
    ...{ kind: 'two-places', variant: 'the same, with the owner’s user agent', times: 8 },
    async *play(raid) {
      yield* besideTheOwner(raid, null)
    },
  },
  {
    ...{
      kind: 'agent-changed',
      variant: 'a stolen cookie in another browser on another system, behind the owner’s own address',
      times: 6,
    },
    async *play(raid) {
      const visit = yield* raid.victim(({ pagesLeft }) => pagesLeft > 4)
      const { address, userAgent } = visit.from()
      const other = newDevice(userAgent.includes('Mobile') ? 'laptop' : 'phone', raid.simulation.random).userAgent(0)
      const thief = new Visitor(raid.simulation, visit.visitor.token)
      for (let n = 0; n < 6; n += 1) {
        await raid.use(thief, { address, userAgent: other }, visit)
        yield 20 * second
      }
    },
  },
  {
    ...{
      kind: 'network-changed',
      variant: 'a stolen cookie carried off to another country, in another browser',
      times: 8,
    },
    async *play(raid) {
      const visit = yield* raid.victim(({ pagesLeft }) => pagesLeft > 6)
      const { token } = visit.visitor
      const thief = new Visitor(raid.simulation, token)
      const agent = newDevice('laptop', raid.simulation.random).userAgent(0)
      const from = raid.abroad(visit, agent === visit.from().userAgent ? toolAgents[0] : agent)
      yield 4 * minute
      if (raid.isOver(visit)) return
      for (let n = 0; n < 6; n += 1) {
        await raid.use(thief, from, visit)
        yield 30 * second
      }
    },
  },
  {
    ...{
      kind: 'impossible-travel',
      variant: 'a stolen cookie on another continent minutes later, same user agent',
      times: 8,
    },
    async *play(raid) {
      const visit = yield* raid.victim(({ pagesLeft }) => pagesLeft > 4)
      const thief = new Visitor(raid.simulation, visit.visitor.token)
      const from = { ...raid.abroad(visit), userAgent: visit.from().userAgent }
      yield 2 * minute
      if (raid.isOver(visit)) return
      for (let n = 0; n < 6; n += 1) {
        await raid.use(thief, from, visit)
        yield 30 * second
      }
    },
  },
  {
    ...{ kind: 'two-places', variant: 'a stolen cookie beside its owner, through a VPN service', times: 5 },
    async *play(raid) {
      const { random, internet } = raid.simulation
      const address = internet.address(random.pick(internet.vpns), random.int(5_000))
      yield* besideTheOwner(raid, { address, userAgent: newDevice('laptop', random).userAgent(0) })
    },
  },
  {
    ...{ kind: 'password-stuffing', variant: 'a list of names and passwords from elsewhere, one machine', times: 5 },
    async *play(raid) {
      const from = raid.machine()
      yield* tryPasswords(raid, 400, () => from, 400)
    },
  },
  {
    ...{ kind: 'password-stuffing', variant: 'the same, slowly: three a minute', times: 4 },
    async *play(raid) {
      const from = raid.machine(newDevice('laptop', raid.simulation.random).userAgent(0))
      yield* tryPasswords(raid, 180, () => from, 20 * second)
    },
  },
  {
    ...{ kind: 'password-spraying', variant: 'one password for everybody, five hundred machines', times: 4 },
    async *play(raid) {
      const machines = raid.botnet(500)
      yield* tryPasswords(raid, 1_000, n => machines[n % machines.length] ?? raid.machine(), 700)
    },
  },
  {
    ...{ kind: 'password-spraying', variant: 'one account, a hundred machines', times: 4 },
    async *play(raid) {
      const machines = raid.botnet(100)
      const { userId } = raid.somebody()
      for (let n = 0; n < 100; n += 1) {
        const from = machines[n] ?? raid.machine()
        raid.touches({ userId, from })
        await failSignIn(raid, userId, from, true)
        yield 20 * second
      }
    },
  },
  {
    ...{ kind: 'second-factor-bombing', variant: 'a known password, codes tried', times: 6 },
    async *play(raid) {
      const { userId } = raid.somebody()
      const from = raid.machine(newDevice('laptop', raid.simulation.random).userAgent(0))
      const visitor = new Visitor(raid.simulation)
      raid.touches({ userId, from })
      await visitor.post(from, session => session.beginSignIn(userId, { amr: ['pwd'] }))
      for (let n = 0; n < 20; n += 1) {
        yield 4 * second
        raid.touches({ userId, from, sid: visitor.sid })
        await visitor.post(from, () => wrongCode(raid.simulation, userId, visitor.sid, from))
      }
    },
  },
  {
    ...{ kind: 'second-factor-bombing', variant: 'a known password, the user asked again and again', times: 6 },
    async *play(raid) {
      const { userId } = raid.somebody()
      const from = raid.machine(newDevice('laptop', raid.simulation.random).userAgent(0))
      for (let n = 0; n < 15; n += 1) {
        raid.touches({ userId, from })
        await new Visitor(raid.simulation).post(from, session => session.beginSignIn(userId, { amr: ['pwd'] }))
        yield 30 * second
      }
    },
  },
  {
    ...{ kind: 'session-flooding', variant: 'empty carts, five a second', times: 5 },
    async *play(raid) {
      const from = raid.machine()
      for (let n = 0; n < 600; n += 1) {
        raid.touches({ from })
        await new Visitor(raid.simulation).post(from, session =>
          session.update(data => Object.assign(data, { cart: 1 })),
        )
        yield 200
      }
    },
  },
  {
    ...{ kind: 'too-many-sessions', variant: 'one account, shared with the world', times: 4 },
    async *play(raid) {
      const { userId } = raid.somebody()
      for (const from of raid.botnet(60)) {
        raid.touches({ userId, from })
        await new Visitor(raid.simulation).post(from, session => session.signIn(userId, { amr: ['pwd'] }))
        yield 20 * second
      }
    },
  },
  {
    ...{ kind: 'dormant-session', variant: 'the cookie of a sold laptop', times: 5 },
    async *play(raid) {
      // Nobody else's: its owner has a new device.
      const person = raid.somebody()
      const seller: From = {
        address: raid.simulation.internet.address(person.home.network, person.home.number),
        userAgent: person.laptop.userAgent(0),
      }
      const visitor = new Visitor(raid.simulation)
      await visitor.post(seller, session => session.signIn(person.userId, { amr: ['pwd'], persistent: true }))
      yield raid.simulation.random.between(22, 25) * day
      const from = raid.machine(seller.userAgent)
      raid.touches({ sid: visitor.sid, userId: person.userId, from })
      await visitor.see(from)
    },
  },
  {
    ...{ kind: 'csrf-probing', variant: 'a page that sends forms in its visitors’ names', times: 5 },
    async *play(raid) {
      for (let n = 0; n < 12; n += 1) {
        const visit = yield* raid.victim()
        raid.touches({ sid: visit.visitor.sid, userId: visit.userId, from: visit.from() })
        await visit.visitor.request(visit.from(), 'POST', session => session.load(), { 'sec-fetch-site': 'cross-site' })
        yield raid.simulation.random.between(5, 40) * second
      }
    },
  },
  {
    ...{ kind: 'csrf-probing', variant: 'tokens guessed beside a stolen cookie', times: 5 },
    async *play(raid) {
      const visit = yield* raid.victim()
      const from = raid.machine()
      const thief = new Visitor(raid.simulation, visit.visitor.token)
      for (let n = 0; n < 20; n += 1) {
        raid.touches({ sid: visit.visitor.sid, userId: visit.userId, from })
        await thief.post(from, session => session.load(), 'x'.repeat(64))
        yield 3 * second
      }
    },
  },
  {
    ...{ kind: 'binding-failure', variant: 'a stolen access token, without the key that it is bound to', times: 5 },
    async *play(raid) {
      const person = raid.somebody()
      const { userId } = person
      const owner = raid.programOf(person)
      const program = await Program.signIn(raid.simulation, userId, owner)
      await program.call(owner)
      yield 2 * minute
      const thief = await program.withoutItsKey()
      const from = raid.machine()
      for (let n = 0; n < 8; n += 1) {
        raid.touches({ userId, from })
        await thief.call(from)
        yield 10 * second
      }
    },
  },
  {
    ...{ kind: 'binding-failure', variant: 'a program’s refresh token, tried as a cookie', times: 5 },
    async *play(raid) {
      const person = raid.somebody()
      const { userId } = person
      const program = await Program.signIn(raid.simulation, userId, raid.programOf(person))
      yield 2 * minute
      const from = raid.machine()
      for (let n = 0; n < 8; n += 1) {
        raid.touches({ userId, from, sid: program.sid })
        await new Visitor(raid.simulation, program.refreshToken).see(from)
        yield 10 * second
      }
    },
  },
  {
    ...{
      kind: 'risky-sign-in',
      variant: 'a stolen password, used from another country with another browser',
      times: 10,
    },
    async *play(raid) {
      // Somebody whom the site knows by now.
      const { userId, city, laptop } = raid.somebody(({ visitsADay, remembers }) => visitsADay >= 0.7 && !remembers)
      const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
      const hasFirefox = laptop.userAgent(0).includes('X11; Linux')
      const agents = hasFirefox ? toolAgents : [firefox, ...toolAgents]
      const from = raid.machine(raid.simulation.random.pick(agents), city.country)
      const thief = new Visitor(raid.simulation)
      raid.touches({ userId, from })
      await thief.post(from, session => session.signIn(userId, { amr: ['pwd'] }))
      for (let n = 0; n < 5; n += 1) {
        raid.touches({ userId, from, sid: thief.sid })
        await thief.see(from)
        yield 20 * second
      }
    },
  },
]

/** When nobody knows anybody yet, there is nothing to compare with: attacks come later. */
const quietDays = 12

/** Puts every scheme into the days of a simulation. */
export function plan(simulation: Simulation, people: readonly Person[]): void {
  const { random, startsAt, endsAt } = simulation
  for (const scheme of schemes) {
    for (let n = 0; n < scheme.times; n += 1) {
      const raid = new Raid(simulation, people, scheme)
      const first = startsAt + quietDays * day
      const at =
        scheme.kind === 'dormant-session'
          ? startsAt + random.between(0, 2) * day
          : random.between(first, endsAt - 3 * hour)
      simulation.begin(at, scheme.play(raid))
    }
  }
}

/** A token of the right shape that nobody issued. Whoever has looked at a cookie of the site knows what the key is called. */
function guess({ simulation: { random } }: Raid, keyId = newKeyId(random)): string {
  return `${keyId}.${random.bytes(64).toString('base64url')}`
}

async function* guessByMany(raid: Raid, keyId?: string): Story {
  const machines = raid.botnet(40)
  for (let n = 0; n < 600; n += 1) {
    const from = raid.simulation.random.pick(machines)
    raid.touches({ from })
    await new Visitor(raid.simulation, guess(raid, keyId)).see(from)
    yield raid.simulation.random.between(50, 150)
  }
}

async function* besideTheOwner(raid: Raid, from: From | null): Story {
  const visit = yield* raid.victim(({ pagesLeft }) => pagesLeft > 8)
  const thief = new Visitor(raid.simulation, visit.visitor.token)
  const machine = from ?? { ...raid.machine(), userAgent: visit.from().userAgent }
  for (let n = 0; n < 15 && raid.simulation.visits.has(visit); n += 1) {
    yield 30 * second
    await raid.use(thief, machine, visit)
  }
}

async function* tryPasswords(raid: Raid, times: number, from: (n: number) => From, everyMs: number): Story {
  const { random } = raid.simulation
  for (let n = 0; n < times; n += 1) {
    const isOurs = random.chance(0.3)
    const name = isOurs ? random.pick(raid.people).userId : `somebody-${random.int(1_000_000)}`
    raid.touches({ from: from(n) })
    await failSignIn(raid, name, from(n), isOurs)
    yield everyMs * random.between(0.7, 1.3)
  }
}

async function failSignIn(raid: Raid, name: string, from: From, isOurs: boolean): Promise<void> {
  const fail = { userId: isOurs ? name : null }
  await new Visitor(raid.simulation).post(from, async session => session.signInFailed(name, fail))
}

/** Looks again every so often whether something has happened. */
async function* until(raid: Raid, mostMs: number, happened: () => boolean): Story {
  const giveUpAt = raid.simulation.now + mostMs
  while (raid.simulation.now < giveUpAt && !happened()) yield 10 * second
}
