import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, Device, type Instance } from './device.ts'

/** What visitors did, and what was wrong with the answers. */
export interface Tally {
  answers: number
  signIns: number
  reads: number
  writes: number
  rotations: number
  signOuts: number
  endsOfAll: number
  expiries: number
  /** Answers of 503: allowed now and then, but counted. */
  unavailable: number
  /** Answers that nobody should have got. */
  wrong: number
  /** The first few of them. */
  readonly examples: string[]
}

/** What visitors need to know about the application that they use. */
export interface Surroundings {
  readonly instances: readonly Instance[]
  /** A change or an end holds everywhere after this long: 0 without a near cache. */
  readonly everywhereAfterMs: number
  readonly idleTimeoutMs: number
  /** The longest pause of a visitor between two things to do. */
  readonly pauseMs: number
  readonly tally: Tally
  readonly signal: AbortSignal
}

export function emptyTally(): Tally {
  const counts = { answers: 0, signIns: 0, reads: 0, writes: 0, rotations: 0, signOuts: 0, endsOfAll: 0, expiries: 0 }
  return { ...counts, unavailable: 0, wrong: 0, examples: [] }
}

/** Somebody with two devices who signs in, does this and that, leaves in one of several ways, and comes back. */
export async function visit(user: string, surroundings: Surroundings): Promise<void> {
  const { signal, tally, pauseMs } = surroundings
  while (!signal.aborted) {
    const devices = [new Device(user), new Device(user)] as const
    for (const device of devices) await signIn(device, surroundings)
    const steps = 10 + random(30)
    // Turn about: no device is left alone for so long that its session expires.
    for (let step = 0; step < steps && !signal.aborted; step += 1) {
      await useOnce(devices[step % 2 === 0 ? 0 : 1], surroundings)
      await pause(random(pauseMs))
    }
    await leave(devices, surroundings)
    tally.examples.splice(10)
  }
}

async function signIn(device: Device, surroundings: Surroundings): Promise<void> {
  const answer = await until200(device, '/sign-in', { user: device.user }, surroundings)
  surroundings.tally.signIns += 1
  device.sid = answer.sid ?? ''
  if (answer.user !== device.user || device.sid === '') wrong(surroundings, 'signed in as somebody else', answer)
}

async function useOnce(device: Device, surroundings: Surroundings): Promise<void> {
  const kind = random(20)
  if (kind < 9) return read(device, surroundings)
  if (kind < 14) return write(device, surroundings)
  if (kind < 15) {
    surroundings.tally.rotations += 1
    return checked(device, '/rotate', surroundings)
  }
  // Several tabs at once, each at another instance.
  const tabs = Array.from({ length: 2 + random(4) }, () => (random(2) === 0 ? read : write)(device, surroundings))
  await Promise.all(tabs)
}

async function read(device: Device, surroundings: Surroundings): Promise<void> {
  surroundings.tally.reads += 1
  await checked(device, '/me', surroundings)
}

async function write(device: Device, surroundings: Surroundings): Promise<void> {
  surroundings.tally.writes += 1
  device.asked += 1
  await checked(device, '/count', surroundings)
}

/** Asks, and holds the answer against what this device must see: itself, and all of its acknowledged changes. */
async function checked(device: Device, path: string, surroundings: Surroundings): Promise<void> {
  const sentAt = performance.now()
  const changes = path === '/count'
  // A change is made to what the store has, never to a copy.
  const least =
    device.acknowledgedBefore(changes ? sentAt : sentAt - surroundings.everywhereAfterMs) + (changes ? 1 : 0)
  const answer = await ask(device, path === '/me' ? 'GET' : 'POST', path, surroundings)
  if (answer.status === 503) return
  const n = answer.n ?? -1
  if (answer.status !== 200) wrong(surroundings, `${path} was refused to a live session`, answer)
  else if (answer.user !== device.user || answer.sid !== device.sid) wrong(surroundings, `${path} of another`, answer)
  else if (n < least || n > device.asked)
    wrong(surroundings, `${path} says ${n}, which must be ${least} to ${device.asked}`, answer)
  if (changes && answer.status === 200) device.acknowledge()
}

async function leave(devices: readonly [Device, Device], surroundings: Surroundings): Promise<void> {
  const { tally, idleTimeoutMs, everywhereAfterMs, signal } = surroundings
  const [first, second] = devices
  const kind = random(10)
  if (kind < 2) {
    await pause(idleTimeoutMs + 500, null, { signal }).catch(() => {})
    if (signal.aborted) return
    tally.expiries += 2
    await mustBeOver(devices, 'left alone too long', surroundings)
    return
  }
  if (kind < 6) {
    tally.signOuts += 1
    const copy = first.copy()
    await until200(first, '/sign-out', {}, surroundings)
    await pause(everywhereAfterMs)
    await mustBeOver([copy], 'signed out', surroundings)
    await read(second, surroundings)
  }
  tally.endsOfAll += 1
  const copies = devices.map(device => device.copy())
  await until200(second, '/end-all', {}, surroundings)
  await pause(everywhereAfterMs)
  await mustBeOver(copies, 'ended with all others', surroundings)
}

/** Nothing after an end, at any instance. */
async function mustBeOver(devices: readonly Device[], how: string, surroundings: Surroundings): Promise<void> {
  for (const device of devices) {
    for (const instance of surroundings.instances) {
      const answer = await ask(device.copy(), 'GET', '/me', surroundings, instance)
      if (answer.status !== 401 && answer.status !== 503)
        wrong(surroundings, `a session answers that was ${how}`, answer)
    }
  }
}

/** Tries again as long as the application is unavailable: an end that nobody confirmed is no end. */
async function until200(device: Device, path: string, body: object, surroundings: Surroundings): Promise<Answer> {
  for (;;) {
    const answer = await ask(device, 'POST', path, surroundings, undefined, body)
    if (answer.status === 200) return answer
    if (answer.status !== 503) {
      wrong(surroundings, `${path} was refused`, answer)
      return answer
    }
    await pause(200)
  }
}

async function ask(
  device: Device,
  method: 'GET' | 'POST',
  path: string,
  { instances, tally }: Surroundings,
  instance = instances[random(instances.length)],
  body: object = {},
): Promise<Answer> {
  if (!instance) throw new Error('there is no application to ask')
  const answer = await device.send(instance, method, path, body)
  tally.answers += 1
  if (answer.status === 503) tally.unavailable += 1
  return answer
}

function wrong({ tally }: Surroundings, what: string, answer: Answer): void {
  tally.wrong += 1
  const { csrf: _, ...shown } = answer
  if (tally.examples.length < 10) tally.examples.push(`${what}: ${JSON.stringify(shown)}`)
}

function random(below: number): number {
  return Math.floor(Math.random() * below)
}
