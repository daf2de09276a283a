import { type Device, newDevice } from './devices.ts'
import { type City, kmBetween, type Network } from './internet.ts'
import { Program } from './program.ts'
import type { Random } from './random.ts'
import { day, hour, minute, type Simulation, type Story, second } from './simulation.ts'
import { type From, type Visit, Visitor } from './visitor.ts'

/** Somebody who uses the site as it is meant to be used. */
export interface Person {
  readonly userId: string
  readonly city: City
  readonly home: Line
  /** Where they work, if that is an office. */
  readonly office: Line | null
  readonly mobile: Line
  readonly laptop: Device
  readonly phone: Device
  /** Whether they route everything through another country now and then, and where. */
  readonly vpn: Line | null
  /** Whether their phone hides behind its maker's relays: another address for every few requests. */
  readonly relayed: boolean
  readonly remembers: boolean
  readonly secondFactor: boolean
  /** How often a day they come. */
  readonly visitsADay: number
}

/** A way into the Internet. */
interface Line {
  readonly network: Network
  readonly number: number
  /** Whether it has IPv6 beside IPv4, and browsers take now the one, now the other. */
  readonly dual: boolean
}

/** A person, with everything that is theirs. */
export function newPerson(number: number, { random, internet }: Simulation): Person {
  const city = random.pick(internet.homes.slice(0, random.chance(0.8) ? 8 : undefined)).city
  const here = (networks: readonly Network[]) => random.pick(networks.filter(network => network.city === city))
  const line = (network: Network, lines: number, dual = 0): Line => ({
    network,
    number: random.int(lines),
    dual: random.chance(dual),
  })
  const country = internet.mobiles.filter(network => network.city.country === city.country)
  const phone = newDevice('phone', random)
  return {
    userId: `user-${String(number).padStart(4, '0')}`,
    city,
    home: line(here(internet.homes), 40_000, 0.3),
    office: random.chance(0.6) ? line(here(internet.offices), 3) : null,
    // A phone's traffic leaves somewhere in the country.
    mobile: line(random.pick(country), 12),
    laptop: newDevice('laptop', random),
    phone,
    vpn: random.chance(0.04) ? line(random.pick(internet.vpns), 40) : null,
    relayed: phone.userAgent(0).includes('iPhone') && random.chance(0.06),
    remembers: random.chance(0.25),
    secondFactor: random.chance(0.35),
    visitsADay: random.weighted([
      [0.2, 3],
      [0.7, 4],
      [1.5, 2],
      [4, 1],
    ]),
  }
}

/** What somebody does all along: comes, looks around, goes, travels. */
export async function* life(person: Person, simulation: Simulation): Story {
  const { random } = simulation
  const jars = { laptop: new Visitor(simulation), phone: new Visitor(simulation) }
  let trip: { readonly city: City; readonly until: number } | null = null
  yield random.wait(day / person.visitsADay)
  for (;;) {
    yield* untilAwake(simulation)
    if (trip && simulation.now > trip.until) {
      yield journey(trip.city, person.city)
      trip = null
    } else if (!trip && random.chance(0.004)) {
      trip = { city: random.pick(simulation.internet.homes).city, until: simulation.now + random.between(2, 9) * day }
      yield journey(person.city, trip.city) + random.between(0, 18) * hour // tired, at the hotel at last
      continue
    }
    const device = random.chance(0.55) ? 'laptop' : 'phone'
    yield* visit(person, device, jars[device], trip?.city ?? person.city, simulation)
    yield random.wait(day / person.visitsADay)
  }
}

/** To the airport, through it, on a plane at 800 km/h, and out again. */
function journey(from: City, to: City): number {
  return (7 + kmBetween(from, to) / 800) * hour
}

/** Nobody comes between midnight and six, nearly. */
async function* untilAwake({ now, random }: Simulation): Story {
  const hourOfDay = (now % day) / hour
  if (hourOfDay < 6 && !random.chance(0.05)) yield random.between(6 - hourOfDay, 10 - hourOfDay) * hour
}

async function* visit(
  person: Person,
  kind: 'laptop' | 'phone',
  visitor: Visitor,
  city: City,
  simulation: Simulation,
): Story {
  const { random } = simulation
  let line = lineAt(person, kind, city, simulation)
  const from = (): From => ({
    address: addressOn(line, person.relayed && kind === 'phone', simulation),
    userAgent: person[kind].userAgent(simulation.day),
  })
  // A browser that was not here for long: its cookie is of a secret that has been replaced since. It brings it several times.
  if (visitor.token === null && random.chance(0.01)) {
    const old = new Visitor(simulation, `${newKeyId(random)}.${random.bytes(64).toString('base64url')}`)
    await Promise.all([old.see(from()), old.see(from()), old.see(from())])
  }
  // A tab of last week is still open: its cookie is worth nothing any more.
  if (visitor.token !== null && visitor.userId !== null) await visitor.see(from())
  else if (random.chance(0.3)) await visitor.see(from())
  if (visitor.userId !== person.userId) yield* signIn(person, visitor, from, simulation)
  if (visitor.userId !== person.userId) return

  const under: Visit = { visitor, userId: person.userId, from, pagesLeft: 2 + random.int(18) }
  simulation.visits.add(under)
  const flapping = kind === 'phone' && random.chance(0.05)
  let toMove = random.chance(kind === 'phone' ? 0.15 : 0.05) ? 1 + random.int(6) : 0
  for (; under.pagesLeft > 0; under.pagesLeft -= 1) {
    yield Math.min(random.wait(70 * second), 13 * minute)
    // Out of the house, into the train; a phone at the edge of the Wi-Fi; the VPN on, the VPN off.
    if (flapping && random.chance(0.4)) line = line === person.mobile ? person.home : person.mobile
    else if (toMove > 0 && --toMove === 0) line = otherLine(person, line, kind, city, simulation)
    if (random.chance(0.2)) {
      // One click in two hundred is on a page of before the last sign-in.
      await visitor.post(from(), session => session.load(), random.chance(0.005) ? 'stale' : undefined)
    } else if (random.chance(0.1)) {
      await Promise.all([visitor.see(from()), visitor.see(from())])
    } else {
      await visitor.see(from())
    }
    if (visitor.userId !== person.userId) break
  }
  simulation.visits.delete(under)
  if (random.chance(0.3)) {
    const { token } = visitor
    await visitor.post(from(), session => session.end())
    visitor.userId = null
    // Another tab did not notice.
    if (random.chance(0.1) && token !== null) {
      yield random.wait(5 * minute)
      await new Visitor(simulation, token).see(from())
    }
  }
}

async function* signIn(person: Person, visitor: Visitor, from: () => From, simulation: Simulation): Story {
  const { random } = simulation
  const typos = random.weighted([
    [0, 930],
    [1, 45],
    [2, 18],
    [5, 7],
  ])
  for (let wrong = typos; wrong > 0; wrong -= 1) {
    await visitor.post(from(), async session => session.signInFailed(person.userId, { userId: person.userId }))
    yield random.between(4, 20) * second
  }
  if (visitor.csrf === null) await visitor.see(from())
  const persistent = person.remembers
  if (person.secondFactor) {
    await visitor.post(from(), session => session.beginSignIn(person.userId, { amr: ['pwd'], persistent }))
    yield random.between(5, 30) * second
    // The phone with the codes is in the other room.
    if (random.chance(0.02)) return
    if (random.chance(0.05)) {
      await visitor.post(from(), () => wrongCode(simulation, person.userId, visitor.sid, from()))
      yield random.between(10, 40) * second
    }
    await visitor.post(from(), session => session.completeSignIn({ amr: ['otp'] }))
  } else {
    await visitor.post(from(), session => session.signIn(person.userId, { amr: ['pwd'], persistent }))
  }
  simulation.done.honestSessions += 1
}

/** What a server key is called, that is not there. */
export function newKeyId(random: Random): string {
  return random.bytes(6).toString('base64url')
}

/** A code that is not right: the user has none set up, which the throttle and the events treat alike. */
export async function wrongCode(
  { factors }: Simulation,
  userId: string,
  sid: string | null,
  origin: From,
): Promise<void> {
  await factors.checkCode({ userId, device: null, sid, origin }, '123456')
}

function lineAt(person: Person, kind: 'laptop' | 'phone', city: City, simulation: Simulation): Line {
  const { random, internet, now } = simulation
  if (city !== person.city) {
    // Abroad: the hotel, or the phone, which roams and still comes out at home.
    if (kind === 'phone' && random.chance(0.5)) return person.mobile
    const network = random.pick(internet.homes.filter(there => there.city === city))
    return { network, number: 39_000 + random.int(50), dual: false }
  }
  if (person.vpn && random.chance(0.5)) return person.vpn
  const hourOfDay = (now % day) / hour
  const weekday = Math.floor(now / day) % 7 < 5
  if (weekday && hourOfDay > 8 && hourOfDay < 17 && person.office && random.chance(0.8)) {
    return kind === 'phone' && random.chance(0.5) ? person.mobile : person.office
  }
  return kind === 'phone' && random.chance(0.4) ? person.mobile : person.home
}

function otherLine(person: Person, line: Line, kind: 'laptop' | 'phone', city: City, simulation: Simulation): Line {
  if (city !== person.city) return kind === 'phone' ? person.mobile : line
  const others = [person.home, person.mobile, person.office, person.vpn].filter(
    other => other !== null && other !== line,
  )
  return simulation.random.pick(others) ?? line
}

function addressOn(
  { network, number, dual }: Line,
  relayed: boolean,
  { random, internet, day: today }: Simulation,
): string {
  if (relayed) {
    const relay = internet.relays.find(({ city }) => city === network.city)
    if (relay) return internet.address(relay, random.int(2_000))
  }
  switch (network.kind) {
    case 'home':
      // A new address every four weeks.
      if (dual && random.chance(0.8)) return internet.address6(network, number, random)
      return internet.address(network, number + 7 * Math.floor((today + number) / 28))
    case 'mobile':
      // Every so often another gateway, of a few hundred people each.
      return internet.address(network, number + 12 * random.int(3))
    default:
      return internet.address(network, number)
  }
}

/** A program that somebody lets run now and then; its clock is a little off, and once in a while too much. */
export async function* automation({ userId, home }: Person, simulation: Simulation): Story {
  const { random, internet } = simulation
  const from: From = { address: internet.address(home.network, home.number), userAgent: 'CampusApp/3.1 (Linux)' }
  for (;;) {
    yield random.wait(day)
    const program = await Program.signIn(simulation, userId, from)
    simulation.done.honestSessions += 1
    for (let calls = random.int(12); calls > 0; calls -= 1) {
      yield random.between(10, 50) * second
      await program.call(from, random.chance(0.01) ? 10 * minute : random.between(-2, 2) * second)
    }
  }
}

/** Who learns in one room: they live nearby, and work nowhere else. */
export function newClass(
  size: number,
  simulation: Simulation,
): { readonly room: Line; readonly pupils: readonly Person[] } {
  const { random, internet } = simulation
  const network = random.pick(internet.offices)
  const room = { network, number: 0, dual: false }
  const pupils: Person[] = []
  for (let number = 0; pupils.length < size; number += 1) {
    const person = newPerson(number, simulation)
    if (person.city !== network.city) continue
    pupils.push({ ...person, userId: `pupil-${String(pupils.length).padStart(3, '0')}`, office: room, vpn: null })
  }
  return { room, pupils }
}

/** A class sits down in its room and signs in at the same time, several of them not at the first try. */
export async function* lessons({ room, pupils }: ReturnType<typeof newClass>, simulation: Simulation): Story {
  const { random } = simulation
  for (;;) {
    yield* untilAwake(simulation)
    for (const pupil of pupils) {
      const seated = { ...pupil, home: room }
      simulation.begin(simulation.now + random.between(0, 4) * minute, sitting(seated, simulation))
    }
    yield random.between(0.5, 1.5) * day
  }
}

async function* sitting(person: Person, simulation: Simulation): Story {
  yield* visit(person, 'laptop', new Visitor(simulation), person.city, simulation)
}
