/** Steps of people, in a {@link watchedWorld}. */
import type { RequestOrigin } from '../../../src/session/events.ts'
import { browsers, from, type WatchedWorld } from './watched-world.ts'

export const home = '10.1.0.5'
export const carrier = '10.2.0.9'
export const work = '10.4.0.2'
export const newYork = '10.5.0.1'
export const paris = '10.8.0.1'
export const acrossTheBorder = '10.10.0.1'
export const phone = browsers.iphone

export const signIn = async (world: WatchedWorld, userId: string, origin: RequestOrigin) => {
  const sid = Buffer.from(`${userId} ${world.clock.now()}`.padEnd(16)).toString('base64url').slice(0, 22)
  await world.event({ type: 'session.signed-in', amr: ['pwd'], aal: 1, from: null, sid, userId, origin })
}
/** So many people sign in there, on two days. */
export const crowd = async (world: WatchedWorld, address: string, agents: readonly string[], days = 2) => {
  for (let day = 0; day < days; day += 1) {
    for (let n = 0; n < 12; n += 1) {
      await signIn(world, `${address} ${n}`, from(address, agents[n % agents.length]))
    }
    world.clock.advance('1d')
  }
}
export const knownCarrier = (world: WatchedWorld) => crowd(world, carrier, [phone, browsers.chromeOnAndroid])
export const both = [browsers.chrome, phone]

/** One session goes to and fro. */
export const alternate = async (world: WatchedWorld, a: RequestOrigin, b: RequestOrigin) => {
  const session = world.session(a)
  for (let n = 0; n < 12; n += 1) {
    await world.use(session, n % 2 ? b : a)
    world.clock.advance('20s')
  }
}
/** One session, here and two minutes later there. */
export const jump = async (world: WatchedWorld, a: RequestOrigin, b: RequestOrigin) => {
  const session = world.session(a)
  await world.use(session, a)
  world.clock.advance('2m')
  await world.use(session, b)
  return session
}
/** One session sleeps for so many days. */
export const sleep = async (world: WatchedWorld, days: number, a: RequestOrigin, b: RequestOrigin) => {
  const session = world.session(a)
  await world.use(session, a)
  for (let day = 0; day < days; day += 1) world.clock.advance('1d')
  await world.use(session, b)
}
export const settle = async (world: WatchedWorld, ...addresses: readonly string[]) => {
  for (const address of addresses) {
    await signIn(world, 'ada', from(address))
    world.clock.advance('2d')
  }
}

export const program = 'CampusApp/3.1 (Linux)'

/** Of somebody who has been coming from home for so long. */
export const knownFor = async (world: WatchedWorld, days: number) => {
  await signIn(world, 'ada', from(home))
  world.clock.advance(`${days * 24}h`)
}
