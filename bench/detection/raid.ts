import { newDevice, toolAgents } from './devices.ts'
import type { Network } from './internet.ts'
import type { Attack } from './judgement.ts'
import type { Person } from './people.ts'
import { minute, type Simulation, second } from './simulation.ts'
import { type From, type Visit, Visitor } from './visitor.ts'

/** One attack that takes place. */
export class Raid {
  readonly simulation: Simulation
  readonly people: readonly Person[]
  readonly attack: Attack

  constructor(simulation: Simulation, people: readonly Person[], { kind, variant }: Pick<Attack, 'kind' | 'variant'>) {
    this.simulation = simulation
    this.people = people
    this.attack = {
      ...{ kind, variant, startedAt: Number.POSITIVE_INFINITY, endedAt: 0 },
      ...{ sids: new Set(), users: new Set(), addresses: new Set() },
    }
  }

  /** Notes that the attack goes on now, and on whom. */
  touches(target: { sid?: string | null; userId?: string | null; from?: From }): void {
    const { now, attacks } = this.simulation
    const { attack } = this
    if (attack.startedAt > now) {
      Object.assign(attack, { startedAt: now })
      attacks.push(attack)
    }
    attack.endedAt = now
    if (target.sid) attack.sids.add(target.sid)
    if (target.userId) attack.users.add(target.userId)
    if (target.from) attack.addresses.add(target.from.address)
  }

  /** A machine in a data centre, and what runs on it. */
  machine(userAgent?: string, notIn?: string): From {
    const { random, internet } = this.simulation
    const network = random.pick(internet.hostings.filter(({ city }) => city.country !== notIn))
    return { address: internet.address(network, random.int(5_000)), userAgent: userAgent ?? random.pick(toolAgents) }
  }

  /** So many machines that somebody rents, or that he broke into: everywhere. */
  botnet(size: number): readonly From[] {
    const { random, internet } = this.simulation
    const networks: readonly Network[] = [...internet.homes, ...internet.hostings]
    return Array.from({ length: size }, () => ({
      address: internet.address(random.pick(networks), random.int(40_000)),
      userAgent: newDevice('laptop', random).userAgent(0),
    }))
  }

  /** What the server's key is called: it stands in front of every cookie of the site. */
  async *keyName(): AsyncGenerator<number, string, void> {
    const visitor = new Visitor(this.simulation)
    await visitor.post(this.machine(), session => session.update(data => Object.assign(data, { cart: 1 })))
    yield minute
    return visitor.token?.split('.')[0] ?? ''
  }

  /** A program that somebody lets run at home. */
  programOf({ home }: Person): From {
    const address = this.simulation.internet.address(home.network, home.number)
    return { address, userAgent: 'CampusApp/3.1 (Linux)' }
  }

  /** Somebody whom nobody else attacks: of two thieves, nobody could say who was found. */
  somebody(also: (person: Person) => boolean = () => true): Person {
    const { random, robbed } = this.simulation
    const person = random.pick(this.people.filter(person => !robbed.has(person.userId) && also(person)))
    robbed.add(person.userId)
    return person
  }

  /** Waits until such a one is at work, whose cookie can be stolen. */
  async *victim(also: (visit: Visit) => boolean = () => true): AsyncGenerator<number, Visit, void> {
    const { random, visits, robbed } = this.simulation
    const isFree = ({ userId, visitor }: Visit) => visitor.token !== null && !robbed.has(userId)
    for (;;) {
      const open = [...visits].filter(visit => isFree(visit) && also(visit))
      if (open.length > 0) {
        const visit = random.pick(open)
        robbed.add(visit.userId)
        return visit
      }
      yield 20 * second
    }
  }

  /** A machine in another country than a visitor is in. */
  abroad(visit: Visit, userAgent?: string): From {
    const place = this.simulation.internet.locate(visit.from().address)
    return this.machine(userAgent, place?.country ?? undefined)
  }

  /** Whether the owner signed out before the thief came: then it is another kind of attack. */
  isOver({ visitor, userId }: Visit): boolean {
    return visitor.userId !== userId
  }

  /** Sees a page with a stolen cookie. */
  async use(thief: Visitor, from: From, visit: Visit): Promise<void> {
    this.touches({ sid: visit.visitor.sid, userId: visit.userId, from })
    await thief.see(from)
  }
}
